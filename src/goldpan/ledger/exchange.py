"""Publishing a ledger: a zstd-compressed JSONL file that replays a study without any key or network."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import MISSING, asdict, fields
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import zstandard

from goldpan.errors import LedgerError
from goldpan.files import iter_lines, replacing
from goldpan.ledger.rows import Answer, Submission
from goldpan.ledger.store import Ledger

FORMAT = "goldpan-ledger/1"


def export_ledger(ledger: Ledger, path: Path, *, study: str | None = None) -> int:
    """Write settled submissions and their answers to `path`.

    Args:
        study: only those of this study; default all.

    Returns:
        Number of answers written.
    """
    kept = {given.id: given for given in ledger.submissions(study=study) if given.state == "settled"}
    written = 0
    with replacing(path) as raw, zstandard.ZstdCompressor(level=10).stream_writer(raw, closefd=False) as out:
        out.write(_line({"format": FORMAT}))
        for given in kept.values():
            out.write(_line({"submission": asdict(given)}))
        for key, answer in ledger.all_answers():
            if answer.submission in kept:
                out.write(_answer_line(key, answer))
                written += 1
    return written


def import_ledger(ledger: Ledger, path: Path) -> int:
    """Add what an exported file holds to the ledger.

    Returns:
        Number of answers added or bettered.

    Raises:
        LedgerError: the file is not an export, or a line of it is damaged; then nothing is added.
    """
    rows: Iterator[tuple[int, dict[str, Any]]] = _rows(path)
    first = next(rows, None)
    if first is None or first[1].get("format") != FORMAT:
        raise LedgerError(
            f"is not a ledger export (its first line does not say {FORMAT})",
            where=str(path),
            remedy="make one with `goldpan ledger export FILE`",
        )
    names = {field.name for field in fields(Submission)}
    needed = {field.name for field in fields(Submission) if field.default is MISSING}
    submissions: list[Submission] = []
    for number, row in rows:
        # Submissions stand before the answers that point to them.
        if "submission" not in row:
            rows = chain([(number, row)], rows)
            break
        given = row["submission"]
        if not needed <= given.keys():
            raise _damaged(path, number, "a submission has other columns")
        submissions.append(Submission(**{name: given[name] for name in names & given.keys()}))
    return ledger.merge(submissions, _answers(path, rows))


def _answers(path: Path, rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[bytes, Answer]]:
    for number, row in rows:
        try:
            given = row["answer"]
            line = None if given["line"] is None else given["line"].encode()
            if "line_base64" in row:
                line = b64decode(row["line_base64"], validate=True)
            yield bytes.fromhex(row["key"]), Answer(**{**given, "line": line})
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, number, error) from None


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in iter_lines(path):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _damaged(path, number, error) from None
        if not isinstance(row, dict):
            raise _damaged(path, number, "not an object")
        yield number, row


def _damaged(path: Path, number: int, error: object) -> LedgerError:
    return LedgerError(
        f"this line is damaged: {error}", where=f"{path}, line {number}", remedy="export or download it again"
    )


def _answer_line(key: bytes, answer: Answer) -> bytes:
    """An answer as a line of the export.

    The provider's line is text there. One with bytes that are not UTF-8 stands beside it in base64; a goldpan
    that does not know that reads the text, which has U+FFFD in their place.
    """
    row: dict[str, Any] = {"key": key.hex(), "answer": {**asdict(answer), "line": None}}
    if answer.line is not None:
        try:
            row["answer"]["line"] = answer.line.decode()
        except UnicodeDecodeError:
            row["answer"]["line"] = answer.line.decode(errors="replace")
            row["line_base64"] = b64encode(answer.line).decode()
    return _line(row)


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
