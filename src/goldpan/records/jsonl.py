"""Reading JSON Lines: one object on each line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from goldpan.files import iter_lines
from goldpan.records.rows import Row, RowError, type_name

_MAYBE_OVER_64_BITS = re.compile(rb"[1-9][0-9]{18}")
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_DIGITS_AS_ZEROS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 19


def read_jsonl(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSON Lines file, plain, gzip or zstd. Blank lines are passed over.

    Raises:
        SourceError: the file cannot be read to its end.
    """
    for number, line in iter_lines(path):
        try:
            yield Row(number, _parse(line))
        except RowError as error:
            yield Row(number, {}, error)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _unreadable(line, error) from None
    if not isinstance(value, dict):
        raise RowError(
            "not_an_object",
            f"each line must hold one JSON object, but this one holds {type_name(value)}",
            remedy="write the file as JSON Lines",
        )
    # Nearly all lines are spared the search, which takes longer than parsing them.
    if _LONG_NUMBER in line.translate(_DIGITS_AS_ZEROS) and _MAYBE_OVER_64_BITS.search(line):
        _check_integers(line)
    return value


def _unreadable(line: bytes, error: orjson.JSONDecodeError) -> RowError:
    try:
        line.decode()
    except UnicodeDecodeError as encoding_error:
        return RowError(
            "bad_encoding",
            f"byte {encoding_error.start + 1} of the line is not UTF-8",
            remedy="save the file as UTF-8",
        )
    if line.strip() in (b"[", b"{"):
        remedy = "write each object on one line of its own (JSON Lines), not as one JSON document"
    else:
        remedy = "correct the line; NaN and Infinity are not JSON, write null"
    return RowError("bad_json", f"not valid JSON: {error.msg} (column {error.colno})", remedy=remedy)


def _check_integers(line: bytes) -> None:
    """Refuse integers that do not fit 64 bits: the parser would round them without a word."""

    def fitting(text: str) -> int:
        if len(text) > 20 or not _SMALLEST <= int(text) <= _LARGEST:
            raise RowError(
                "bad_json",
                f"the integer {text[:24]}{'…' if len(text) > 24 else ''} does not fit 64 bits",
                remedy="write long numbers, such as ids, as strings",
            )
        return int(text)

    try:
        json.loads(line, parse_int=fitting)
    except RecursionError:
        raise RowError("bad_json", "the row is nested more deeply than 250 levels") from None
