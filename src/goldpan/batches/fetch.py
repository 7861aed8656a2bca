"""Bringing the provider's lines of a batch home, whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from goldpan.batches.contradictions import Contradiction, contradiction_of_lines, cover
from goldpan.batches.wait import give_up_remedy
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, InDoubtError, ProviderError
from goldpan.files import cut_lines, put_in_place, replacing
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch, BatchProvider
from goldpan.tasks.lenient_json import loads_leniently

# Whole files that lack lines are looked at again for so long: what they lack is seldom still to come.
WHOLE_FILES_SECONDS = 10.0
LOOKS = 3
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
# What is said to one call will be said to all.
_ACCOUNT = frozenset({401, 402, 403})
_BLOCK = 1 << 20


@dataclass
class Files:
    """The files of a batch as they came.

    Attributes:
        parts: output, then errors, each of whole lines; those that there are.
        are_whole: the service has said how long each is.
    """

    parts: list[Path] = field(default_factory=list)
    are_whole: bool = True

    def place(self, raw: Path) -> None:
        """Put them into `raw`, one after the other."""
        if len(self.parts) == 1:
            put_in_place(self.parts[0], raw)
            return
        with replacing(raw) as out:
            for part in self.parts:
                with part.open("rb") as handle:
                    shutil.copyfileobj(handle, out, _BLOCK)


def fetch_batch(
    ledger: Ledger,
    provider: BatchProvider,
    batch: Batch,
    submission: int,
    raw: Path,
    *,
    patience: float = 600.0,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Write the output and error lines of a terminal batch to `raw`.

    What contradicts itself, or does not come whole, is asked for again, and the batch too: files may come
    late. Rows that are in neither of two whole files are for the settlement to find. For a batch that is
    settled, lines that the provider no longer gives come from the ledger.

    Args:
        patience: seconds for which a batch that contradicts itself is looked at again.

    Raises:
        InDoubtError: it still does; nothing is written.
        ProviderError: the provider refuses the account.
    """
    if not ledger.submission(submission).is_open:
        _fetch_settled(ledger, provider, batch, submission, raw)
        return
    asked = ledger.asked_by(submission)
    start, pause, looks = clock.monotonic(), _FIRST_PAUSE_SECONDS, 0
    while True:
        with tempfile.TemporaryDirectory(dir=raw.parent, prefix=".fetch-") as folder:
            files, trouble = _look(provider, batch, asked, Path(folder))
            looks, elapsed = looks + 1, clock.monotonic() - start
            was_seen_again = looks >= LOOKS and elapsed >= min(patience, WHOLE_FILES_SECONDS)
            if trouble is None or (trouble.may_be_so and was_seen_again):
                files.place(raw)
                return
        if looks >= LOOKS and elapsed >= patience:
            raise InDoubtError(
                f"the batch is in doubt, and nothing was settled from it: {trouble.reason}",
                where=f"batch {batch.id}, submission {submission}",
                remedy=give_up_remedy(batch.id, ledger.submission(submission).study, patience),
                in_doubt=True,
            )
        clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        batch = _described_again(provider, batch)


def _look(
    provider: BatchProvider, batch: Batch, asked: Collection[str], folder: Path
) -> tuple[Files, Contradiction | None]:
    """Download a batch's files into a folder, and hold them against what the batch says of itself."""
    if not batch.is_terminal:
        return Files(), Contradiction(f"it was called terminal, and is {batch.status} again")
    try:
        files = download_files(provider, batch, folder)
    except ProviderError as error:
        if error.status in _ACCOUNT:
            raise
        return Files(), Contradiction(error.what)
    return files, contradiction_of_lines(batch, cover(files.parts, asked), len(asked), files.are_whole)


def _described_again(provider: BatchProvider, batch: Batch) -> Batch:
    try:
        described = provider.retrieve(batch.id)
    except ProviderError:
        return batch
    return described if described.id == batch.id else batch


def _fetch_settled(ledger: Ledger, provider: BatchProvider, batch: Batch, submission: int, raw: Path) -> None:
    with tempfile.TemporaryDirectory(dir=raw.parent, prefix=".fetch-") as folder:
        try:
            files = download_files(provider, batch, Path(folder))
        except ProviderError:
            files = Files()
        if files.parts:
            files.place(raw)
            return
    with replacing(raw) as out:
        for line in ledger.lines_of(submission):
            out.write(line + b"\n")


def download_files(provider: BatchProvider, batch: Batch, folder: Path) -> Files:
    """Download the files that a batch names into a folder.

    Raises:
        ProviderError: one of them cannot be had.
    """
    files = Files()
    for file_id in (batch.output_file_id, batch.error_file_id):
        if file_id is not None:
            part = folder / str(len(files.parts))
            files.are_whole &= _download(provider, file_id, part)
            files.parts.append(part)
    return files


def _download(provider: BatchProvider, file_id: str, part: Path) -> bool:
    """Write a file of whole lines to `part`; returns whether it is certainly whole."""
    is_whole = bool(provider.download(file_id, part))
    reached("downloading")
    _, broken = _count_lines(part)
    if broken is not None and not is_whole:
        raise ProviderError(
            f"what came of file {file_id} breaks off or is not JSON at line {broken}",
            remedy="run again; the file stays at the provider",
            retryable=True,
        )
    end_last_line(part)
    return is_whole


def end_last_line(part: Path) -> None:
    """See to it that a file ends with a line break, so that another may follow."""
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
