"""Bringing the provider's lines of a batch home, whole."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

import orjson

from goldpan.crashpoints import reached
from goldpan.errors import ProviderError
from goldpan.files import replacing
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch, BatchProvider

DOWNLOAD_ATTEMPTS = 3


def fetch_batch(ledger: Ledger, provider: BatchProvider, batch: Batch, submission: int, raw: Path) -> None:
    """Write the output and error lines of a terminal batch to `raw`.

    A file with fewer lines than the provider counts is read again; when it stays so, the rows that are in
    neither file are for the settlement to find. If the provider no longer has the files, the lines that the
    ledger kept are written instead.

    Raises:
        ProviderError: a file cannot be had whole, and the ledger does not have its lines either.
    """
    with replacing(raw) as out, tempfile.TemporaryDirectory(dir=raw.parent, prefix=".fetch-") as folder:
        try:
            for file_id, expected in (
                (batch.output_file_id, batch.completed),
                (batch.error_file_id, batch.failed),
            ):
                if file_id is not None:
                    _append(provider, file_id, expected, Path(folder) / "part", out)
        except ProviderError:
            if ledger.submission(submission).state != "settled":
                raise
            out.seek(0)
            out.truncate()
            for line in ledger.lines_of(submission):
                out.write(line + b"\n")


def _append(provider: BatchProvider, file_id: str, expected: int, part: Path, out: BinaryIO) -> None:
    for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
        try:
            provider.download(file_id, part)
        except ProviderError:
            if attempt == DOWNLOAD_ATTEMPTS:
                raise
            continue
        reached("downloading")
        lines, broken = _count_lines(part)
        if broken is None and lines >= expected:
            break
    if broken is not None:
        raise ProviderError(
            f"what came of file {file_id} breaks off or is not JSON at line {broken}",
            remedy="run again; the file stays at the provider",
            retryable=True,
        )
    with part.open("rb") as handle:
        shutil.copyfileobj(handle, out, 1 << 20)
        if handle.tell():
            handle.seek(-1, 2)
            if handle.read(1) != b"\n":
                out.write(b"\n")


def _count_lines(path: Path) -> tuple[int, int | None]:
    """Lines of a JSONL file, and the number of the last one if it is not whole JSON."""
    count, last = 0, b""
    with path.open("rb") as handle:
        for line in handle:
            if line.strip():
                count += 1
                last = line
    if not last:
        return 0, None
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError:
        return count, count
    return count, None
