"""What a batch says of itself, held against its files and against what was asked.

A service may call a batch completed before its files are there, count rows that no file holds, or hand out
the file of another batch. Taken at its word, answers that were paid for would be `missing`, and paid for
again. So what contradicts itself is looked at again, and if it stays so, nothing is settled from it.

What many services really do is no contradiction: counts of zero or counts that lag behind the files, partial
files of expired and cancelled batches, batches whose rows have all failed and that have no output file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.batches.spellings import Spellings
from goldpan.errors import AnswerError
from goldpan.files import cut_lines
from goldpan.providers.base import Batch
from goldpan.tasks.batch_lines import damaged_lines, read_batch_line

_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([A-Za-z0-9_-]+)"')
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Coverage:
    """What the files of a batch hold.

    Attributes:
        lines: all lines, blank ones apart.
        answered: requests that were asked and have a line.
        unknown: lines of requests that were not asked in this batch.
        unreadable: lines that do not say what they answer.
    """

    lines: int
    answered: int
    unknown: int
    unreadable: int


@dataclass(frozen=True)
class Contradiction:
    """Why a batch cannot be taken at its word.

    Attributes:
        may_be_so: its files are whole, so that after another look the rows that lack are simply lacking.
    """

    reason: str
    may_be_so: bool = False


def contradiction(batch: Batch) -> str | None:
    """Why a terminal batch cannot be true as it is described, whatever its files hold; None if it can."""
    if not batch.is_terminal:
        return None
    if batch.completed and batch.output_file_id is None:
        return f"it counts {batch.completed} rows as answered, and names no output file"
    if batch.status == "completed" and batch.output_file_id is None and batch.error_file_id is None:
        return "it is completed, and names neither an output nor an error file"
    return None


def cover(files: Sequence[Path], asked: Collection[str]) -> Coverage:
    """Hold the lines of a batch's files against the custom ids that were asked in it."""
    # Nearly always each line shows an id that was asked; reading every line would take ten times as long.
    quick = _count(files, lambda line: [_shown_id(line)], asked)
    if quick.answered == len(asked) and not quick.unknown:
        return quick
    spellings = Spellings(asked)
    return _count(files, lambda line: _ids_of(line, spellings), asked)


def _count(
    files: Sequence[Path], ids_of: Callable[[bytes], list[str | None]], asked: Collection[str]
) -> Coverage:
    lines = unknown = unreadable = 0
    answered: set[str | None] = set()
    for path in files:
        with path.open("rb", buffering=_BLOCK) as handle:
            for line in cut_lines(handle):
                if line.isspace():
                    continue
                lines += 1
                ids = ids_of(line)
                unreadable += not ids
                answered.update(custom_id for custom_id in ids if custom_id in asked)
                unknown += any(custom_id not in asked for custom_id in ids)
    return Coverage(lines, len(answered), unknown, unreadable)


def _shown_id(line: bytes) -> str | None:
    shown = _CUSTOM_ID.search(line)
    return shown[1].decode() if shown else None


def _ids_of(line: bytes, spellings: Spellings) -> list[str | None]:
    """The requests that a line answers, as they were asked, None for one that was not; empty where it does
    not say."""
    try:
        row = read_batch_line(line)
    except AnswerError:
        return []
    parts = damaged_lines(line) if row.damaged else [row]
    return [spellings.asked_as(part.custom_id) for part in parts]


def contradiction_of_lines(
    batch: Batch, coverage: Coverage, requests: int, is_whole: bool
) -> Contradiction | None:
    """Why the lines of a terminal batch cannot be all there are; None if they can.

    Where every request has its line nothing else matters. Rows without a line that nobody claims to have
    answered are what they are by the batch's status, once a completed batch was looked at again.

    Args:
        requests: that were asked in the batch.
        is_whole: the service has said how long its files are, and they came whole.
    """
    lacking = requests - coverage.answered - coverage.unreadable
    if lacking <= 0:
        return None
    if coverage.unknown:
        return Contradiction(
            f"{coverage.unknown} lines of its files answer requests that were not asked in it, and {lacking}"
            f" of the {requests} that were are without a line"
        )
    if contradicts_itself := contradiction(batch):
        return Contradiction(contradicts_itself)
    if batch.status != "completed":
        if coverage.lines < batch.completed:
            return Contradiction(_too_few(batch.completed, coverage), may_be_so=is_whole)
        return None
    if batch.total not in (0, requests):
        return Contradiction(
            f"it counts {batch.total} requests where {requests} were sent, and {lacking} are without a line"
        )
    counted = batch.completed + batch.failed
    if coverage.lines < counted:
        if batch.failed and batch.error_file_id is None:
            return Contradiction(f"it counts {batch.failed} failed rows, and names no error file")
        return Contradiction(_too_few(counted, coverage), may_be_so=is_whole)
    if not counted and not is_whole:
        return Contradiction(
            f"its files hold {coverage.lines} lines for {requests} requests, and it says neither how many"
            " rows it has done nor how long its files are"
        )
    return Contradiction(f"{lacking} of {requests} requests are in neither file", may_be_so=True)


def _too_few(counted: int, coverage: Coverage) -> str:
    return f"it counts {counted} rows, and its files hold {coverage.lines} lines"
