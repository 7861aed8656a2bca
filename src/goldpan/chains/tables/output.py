"""Rows of a table as CSV and as JSON Lines, each as it comes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson

from goldpan.cells import CsvWriter
from goldpan.files import replacing

_DIGITS = 12
"""Decimals of costs: a token costs some 1e-8 USD."""
_MOST_KEPT = 1 << 20


def write_rows(paths: Mapping[str, Path], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a table in each format that is asked for; all files appear whole or not at all.

    In CSV cells that a spreadsheet would run as a formula are neutralised, lists and objects are JSON, and
    what is missing is empty.

    Args:
        paths: `csv`, `jsonl` -> file.
        names: of the c columns.
        rows: each of c values.

    Returns:
        Number of rows.
    """
    count = 0
    with ExitStack() as stack:
        outputs = {suffix: stack.enter_context(replacing(path)) for suffix, path in paths.items()}
        text = io.StringIO(newline="")
        writer = CsvWriter(text)
        writer.add(names)
        for row in rows:
            count += 1
            values = [round(value, _DIGITS) if isinstance(value, float) else value for value in row]
            if "jsonl" in outputs:
                line = orjson.dumps(dict(zip(names, values, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
                outputs["jsonl"].write(line)
            if "csv" in outputs:
                writer.add([_cell(value) for value in values])
                if text.tell() > _MOST_KEPT:
                    _pour(text, outputs["csv"])
        if "csv" in outputs:
            _pour(text, outputs["csv"])
    return count


def _pour(text: io.StringIO, out: Any) -> None:
    out.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value
