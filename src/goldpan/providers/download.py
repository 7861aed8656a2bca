"""Downloading a file until it is whole: a read that breaks off is taken up where it ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import ProviderError

# Reads in a row that bring nothing new, after which a file is given up.
STALLED_READS = 4
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 60.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Reading:
    """One answer to a request for a file's content.

    Attributes:
        start: the byte of the file it begins at.
        total: length of the whole file in bytes, where the answer says it.
        chunks: its bytes.
    """

    start: int
    total: int | None
    chunks: Iterable[bytes]


def range_headers(start: int) -> dict[str, str]:
    """Headers that ask for a file's bytes from `start` on, uncompressed, so that lengths can be compared."""
    headers = {"Accept-Encoding": "identity"}
    return headers | {"Range": f"bytes={start}-"} if start else headers


def reading(headers: Mapping[str, str], chunks: Iterable[bytes]) -> Reading:
    """Understand an answer by its headers; what is not a range is the whole file (RFC 9110, section 14)."""
    lower = {name.lower(): value for name, value in headers.items()}
    part = _CONTENT_RANGE.fullmatch(lower.get("content-range", ""))
    if part:
        return Reading(int(part[1]), None if part[2] == "*" else int(part[2]), chunks)
    length = lower.get("content-length", "")
    is_plain = lower.get("content-encoding", "identity") == "identity"
    return Reading(0, int(length) if is_plain and length.isdigit() else None, chunks)


def download_whole(
    open_at: Callable[[int], AbstractContextManager[Reading]],
    destination: Path,
    *,
    expected: int | None,
    name: str,
) -> bool:
    """Write a file to `destination`, reading on or again until it has as many bytes as it should.

    Where neither `expected` nor any answer says a length, the first answer that ends in order is the file.

    Args:
        open_at: opens the content from a byte on; raises ProviderError, also while it is read. A service
            without ranges may answer with the whole file.
        expected: its length in bytes according to the service's list of files, where that is known.
        name: for messages.

    Returns:
        Whether a length was told, which the file then has.

    Raises:
        ProviderError: reads no longer bring anything new, or the service refuses.
    """
    total, have, most, stalled = expected, 0, 0, 0
    with destination.open("wb") as out:
        while True:
            refusal: ProviderError | None = None
            try:
                with open_at(have) as part:
                    if part.start > have:
                        raise ProviderError(f"asked for {name} from byte {have}, it came from {part.start}")
                    have = part.start
                    out.seek(have)
                    out.truncate()
                    total = max(total or 0, part.total or 0) or None
                    for chunk in part.chunks:
                        out.write(chunk)
                        have += len(chunk)
                if total is None or have >= total:
                    return total is not None
            except ProviderError as error:
                if not error.retryable and error.status != 416:
                    raise
                refusal = error
                if error.status == 416:
                    # Nothing lies behind this byte, so the end was reached in disorder: read it all again.
                    have = 0
            stalled = 0 if have > most else stalled + 1
            most = max(most, have)
            if stalled >= STALLED_READS:
                raise ProviderError(
                    f"{name} does not come whole: {most} of {total or 'unknown'} bytes"
                    + (f"; {refusal.what}" if refusal else ""),
                    remedy="run again; the file stays at the provider",
                    status=refusal.status if refusal else None,
                    retryable=True,
                )
            pause = _FIRST_PAUSE_SECONDS * 2**stalled
            time.sleep(min((refusal and refusal.retry_after) or pause, _LONGEST_PAUSE_SECONDS))
