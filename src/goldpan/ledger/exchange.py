"""Publishing a ledger: a zstd-compressed JSONL file that replays a study without any key or network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import zstandard
from pydantic import ValidationError

from goldpan.errors import LedgerError
from goldpan.files import iter_lines, replacing
from goldpan.ledger.exchange_rows import ExportedRow, answer_of, row_of_answer, submission_of
from goldpan.ledger.incoming import Incoming
from goldpan.ledger.rows import Answer, Submission
from goldpan.ledger.store import Ledger

FORMAT = "goldpan-ledger/1"
# Of an answer's line at least the request's key and the ids are random: exports shrink to a fiftieth at most.
UNPACKED_TIMES, UNPACKED_ANYWAY = 200, 256 << 20


@dataclass(frozen=True)
class ExportSelection:
    """What of a ledger is exported.

    Attributes:
        keys: requests whose answers are wanted, whoever paid for them.
        submissions: ids of submissions all of whose answers are.
    """

    keys: Set[bytes] = frozenset()
    submissions: Set[int] = field(default_factory=frozenset)


class Exported(NamedTuple):
    """How many answers were written, and how many of the wanted requests have none."""

    answers: int
    unanswered: int


def export_ledger(
    ledger: Ledger,
    path: Path,
    selection: ExportSelection | None = None,
    publishable: Callable[[str], str] = str,
) -> Exported:
    """Write answers, and the settled submissions they came of, to `path`.

    Submissions are numbered from 1, so that an export of what an export was imported into has the same bytes.

    Args:
        selection: which; default all.
        publishable: what to write in place of a submission's note, and of the address of its service.
    """
    settled = {
        submission.id: submission for submission in ledger.submissions() if submission.state == "settled"
    }
    unanswered = 0
    if selection is not None:
        known = ledger.outcomes(list(selection.keys))
        unanswered = len(selection.keys) - len(known)
        used = selection.submissions | {answer.submission for answer in known.values()}
        settled = {number: submission for number, submission in settled.items() if number in used}
    numbers = {number: position for position, number in enumerate(sorted(settled), 1)}
    written = 0
    with replacing(path) as raw, zstandard.ZstdCompressor(level=10).stream_writer(raw, closefd=False) as out:
        out.write(_line({"format": FORMAT}))
        for number in numbers:
            out.write(_line({"submission": _publishable(settled[number], numbers[number], publishable)}))
        for key, answer in ledger.all_answers():
            is_wanted = (
                selection is None or key in selection.keys or answer.submission in selection.submissions
            )
            if is_wanted and answer.submission in numbers:
                answer.submission = numbers[answer.submission]
                out.write(_line(row_of_answer(key, answer)))
                written += 1
    return Exported(written, unanswered)


def _publishable(submission: Submission, number: int, publishable: Callable[[str], str]) -> dict[str, Any]:
    note = None if submission.note is None else publishable(submission.note)
    said = {"id": number, "note": note, "service": publishable(submission.service)}
    return {**asdict(submission), **said}


def import_ledger(ledger: Ledger, path: Path) -> int:
    """Add what an exported file holds to the ledger: all of it or nothing.

    Returns:
        Number of answers added or bettered.

    Raises:
        LedgerError: the file is not an export, or a row of it is not what a row must be
            (`exchange_rows`); then nothing is added.
        SourceError: the file cannot be read to its end, or a line is too long; nothing is added.
    """
    lines = _bounded(path)
    if not _is_header(next(lines, (0, b""))[1]):
        raise LedgerError(
            f"is not a ledger export (its first line does not say {FORMAT})",
            where=str(path),
            remedy="make one with `goldpan ledger export FILE`",
        )
    rows: Iterator[tuple[int, ExportedRow]] = ((number, _row(path, number, line)) for number, line in lines)
    submissions: set[int] = set()
    with closing(Incoming(ledger)) as incoming:
        for number, row in rows:
            # Submissions stand before the answers that point to them.
            if row.submission is None:
                rows = chain([(number, row)], rows)
                break
            lacks_sums = "paid" not in row.submission.model_fields_set
            if not incoming.add_submission(submission_of(row.submission), lacks_sums=lacks_sums):
                raise _damaged(path, number, "this submission stands in the file already")
            submissions.add(row.submission.id)
        incoming.add_answers(_answers(path, rows, submissions))
        return incoming.merge()


def _bounded(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of an export, which unpack to no more than answers do."""
    lines = iter_lines(path)
    most: int | None = None
    unpacked = 0
    for number, line in lines:
        if most is None:
            most = max(UNPACKED_ANYWAY, path.stat().st_size * UNPACKED_TIMES)
        unpacked += len(line) + 1
        if unpacked > most:
            raise LedgerError(
                f"unpacks to more than {most:,} bytes, which no export does that has its size",
                where=f"{path}, line {number}",
                remedy="do not trust this file; export or download it again",
            )
        yield number, line


def _answers(
    path: Path, rows: Iterator[tuple[int, ExportedRow]], submissions: Set[int]
) -> Iterator[tuple[bytes, Answer]]:
    for number, row in rows:
        if row.answer is None or row.key is None:
            raise _damaged(path, number, "a submission stands behind answers")
        if row.answer.submission not in submissions:
            raise _damaged(path, number, "the answer is of a submission that the file does not have")
        try:
            yield bytes.fromhex(row.key), answer_of(row.answer, row.line_base64)
        except ValueError as error:
            raise _damaged(path, number, error) from None


def _is_header(line: bytes) -> bool:
    try:
        header = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(header, dict) and header.get("format") == FORMAT


def _row(path: Path, number: int, line: bytes) -> ExportedRow:
    try:
        return ExportedRow.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        if first["loc"] == ("submission", "state"):
            what = "only settled submissions are taken in: an open one may be anybody's"
        raise _damaged(path, number, f"{place}: {what}" if place else what) from None


def _damaged(path: Path, number: int, error: object) -> LedgerError:
    return LedgerError(
        f"this line is damaged: {error}", where=f"{path}, line {number}", remedy="export or download it again"
    )


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
