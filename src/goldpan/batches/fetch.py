"""Bringing the provider's lines of a batch home, whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, ProviderError
from goldpan.files import cut_lines, put_in_place, replacing
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch, BatchProvider
from goldpan.tasks.lenient_json import loads_leniently

DOWNLOAD_ATTEMPTS = 3
_BLOCK = 1 << 20


def fetch_batch(ledger: Ledger, provider: BatchProvider, batch: Batch, submission: int, raw: Path) -> None:
    """Write the output and error lines of a terminal batch to `raw`.

    A file with fewer lines than the provider counts is read again; when it stays so, the rows that are in
    neither file are for the settlement to find. If the provider no longer has the files, the lines that the
    ledger kept are written instead.

    Raises:
        ProviderError: a file cannot be had whole, and the ledger does not have its lines either.
    """
    files = ((batch.output_file_id, batch.completed), (batch.error_file_id, batch.failed))
    with tempfile.TemporaryDirectory(dir=raw.parent, prefix=".fetch-") as folder:
        parts: list[Path] = []
        try:
            for file_id, expected in files:
                if file_id is not None:
                    part = Path(folder) / str(len(parts))
                    _download(provider, file_id, expected, part)
                    parts.append(part)
        except ProviderError:
            if ledger.submission(submission).state != "settled":
                raise
            with replacing(raw) as out:
                for line in ledger.lines_of(submission):
                    out.write(line + b"\n")
            return
        if len(parts) == 1:
            put_in_place(parts[0], raw)
            return
        with replacing(raw) as out:
            for part in parts:
                with part.open("rb") as handle:
                    shutil.copyfileobj(handle, out, _BLOCK)


def _download(provider: BatchProvider, file_id: str, expected: int, part: Path) -> None:
    """Write a file of whole lines to `part`, with as many lines as expected if they can be had."""
    for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
        try:
            as_announced = provider.download(file_id, part)
        except ProviderError:
            if attempt == DOWNLOAD_ATTEMPTS:
                raise
            continue
        reached("downloading")
        lines, broken = _count_lines(part)
        if as_announced:
            # All bytes are here, so what is wrong with the last line is so at the service: settling names it.
            broken = None
        if broken is None and lines >= expected:
            break
    if broken is not None:
        raise ProviderError(
            f"what came of file {file_id} breaks off or is not JSON at line {broken}",
            remedy="run again; the file stays at the provider",
            retryable=True,
        )
    with part.open("rb+") as handle:
        if handle.seek(0, os.SEEK_END):
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b"\n":
                handle.write(b"\n")


def _count_lines(path: Path) -> tuple[int, int | None]:
    """Lines of a JSONL file, and the number of the last one if it breaks off.

    A line that ends has not been cut off, whatever is wrong with it; nor has one that is nearly JSON.
    """
    count, last = 0, b""
    with path.open("rb", buffering=_BLOCK) as handle:
        for line in cut_lines(handle):
            if not line.isspace():
                count += 1
                last = line
    if not last or last.endswith(b"\n"):
        return count, None
    try:
        loads_leniently(last)
    except AnswerError:
        return count, count
    return count, None
