"""Downloading a file until it is whole: a read that breaks off is taken up where it ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import ProviderError
from goldpan.providers.patience import Patience, Silence
from goldpan.providers.scrubber import Scrubber

# Reads in a row that end in order and bring nothing new, after which a file is given up.
STALLED_READS = 4
_PAUSE_SECONDS = 0.2
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class FileResponse:
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


def reading(headers: Mapping[str, str], chunks: Iterable[bytes]) -> FileResponse:
    """Understand an answer by its headers; what is not a range is the whole file (RFC 9110, section 14)."""
    lower = {name.lower(): value for name, value in headers.items()}
    part = _CONTENT_RANGE.fullmatch(lower.get("content-range", ""))
    if part:
        return FileResponse(int(part[1]), None if part[2] == "*" else int(part[2]), chunks)
    length = lower.get("content-length", "")
    is_plain = lower.get("content-encoding", "identity") == "identity"
    return FileResponse(0, int(length) if is_plain and length.isdigit() else None, chunks)


def download_whole(
    open_at: Callable[[int], AbstractContextManager[FileResponse]],
    destination: Path,
    *,
    expected: int | None,
    name: str,
    patience: Patience,
    scrubber: Scrubber,
) -> bool:
    """Write a file to `destination`, reading on or again until it has come whole.

    Lengths are those of what comes; what is written lacks the keys and may be shorter. Where neither
    `expected` nor any answer says a length, the first answer that ends in order is the file.

    Args:
        open_at: opens the content from a byte on; raises ProviderError, also while it is read. A service
            without ranges may answer with the whole file.
        expected: its length in bytes according to the service's list of files, where that is known.
        name: for messages.
        patience: how long the service may fail in a row.

    Returns:
        Whether a length was told, which the file then has.

    Raises:
        ProviderError: reads no longer bring anything new, or the service refuses.
    """
    total, have, most, stalled = expected, 0, 0, 0
    silence, clean = Silence(patience), scrubber.stream()
    with destination.open("wb") as out:
        while True:
            failure: ProviderError | None = None
            try:
                with open_at(have) as part:
                    if part.start > have:
                        raise ProviderError(f"asked for {name} from byte {have}, it came from {part.start}")
                    if part.start == 0:
                        have, clean = 0, scrubber.stream()
                        out.seek(0)
                        out.truncate()
                    # Bytes that are here already are not written again.
                    again = have - part.start
                    total = max(total or 0, part.total or 0) or None
                    for chunk in part.chunks:
                        fresh, again = chunk[again:], max(0, again - len(chunk))
                        have += len(fresh)
                        out.write(clean.feed(fresh))
                if total is None or have >= total:
                    out.write(clean.end())
                    return total is not None
            except ProviderError as error:
                if not error.retryable and error.status != 416:
                    raise
                failure = error
                if error.status == 416:
                    # Nothing lies behind this byte, so the end was reached in disorder: read it all again.
                    have = 0
            if have > most:
                most, stalled, silence = have, 0, Silence(patience)
            if failure is not None and failure.retryable:
                silence.wait_out(_not_whole(name, most, total, failure))
                continue
            stalled += 1
            if stalled >= STALLED_READS:
                raise _not_whole(name, most, total, failure)
            patience.sleep(_PAUSE_SECONDS * 2**stalled)


def _not_whole(name: str, most: int, total: int | None, failure: ProviderError | None) -> ProviderError:
    return ProviderError(
        f"{name} does not come whole: {most} of {total or 'unknown'} bytes"
        + (f"; {failure.what}" if failure else ""),
        remedy="run again; the file stays at the provider",
        status=failure.status if failure else None,
        retryable=True,
        retry_after=failure.retry_after if failure else None,
    )
