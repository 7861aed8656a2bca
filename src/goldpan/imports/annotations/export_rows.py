"""The rows of an export, whatever kind of file it is: JSON, JSON Lines, CSV, Parquet or Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SheetError, SourceError
from goldpan.files import check_name_is_utf8, iter_rows, read_whole_unpacked
from goldpan.imports.annotations.datasets_folder import rows_of_arrow, rows_of_parquet
from goldpan.imports.annotations.exported import ExportRow
from goldpan.imports.annotations.potato import is_potato_state, rows_of_state
from goldpan.visible_text import visible
from goldpan.waves.collect.cell_values import is_empty
from goldpan.waves.collect.csv_file import read_csv_table
from goldpan.waves.collect.page_export import is_page_export

_REMEDY = "export it again; a file that was cut short or edited by hand may not be usable"
_COMPRESSED = (".gz", ".zst")
_LINES = (".jsonl", ".ndjson")
KINDS = (".json", *_LINES, ".csv", ".tsv", ".parquet", ".arrow")
"""Files that may be exports, before the endings of compression."""

_REFUSED = {
    ".zip": "unpack it, and name the files or the folder",
    ".xlsx": "save it as CSV UTF-8",
    ".xls": "save it as CSV UTF-8",
    ".xml": "export the project as JSON",
    ".conll": "export the project as JSON or JSON Lines, with the texts and ids",
    ".txt": "export the project as JSON or JSON Lines, with the texts and ids",
    ".spacy": "write the dataset out as JSON Lines (`prodigy db-out`)",
    ".pkl": "export it as JSON or Parquet: a pickle may run anything when it is read",
}


def export_kind(path: Path) -> str:
    """The ending of a file that says what it is, in small letters."""
    endings = [ending.lower() for ending in path.suffixes]
    while endings and endings[-1] in _COMPRESSED:
        endings.pop()
    return endings[-1] if endings else ""


def export_rows(path: Path) -> Iterator[ExportRow]:
    """The rows of a file.

    Raises:
        SheetError: it is of no known kind, damaged, or holds something else than rows.
    """
    check_name_is_utf8(path, SheetError)
    kind, file = export_kind(path), path.name
    stem = file.split(".")[0]
    if kind not in KINDS:
        listed = ", ".join(KINDS)
        raise SheetError(
            f"a file `{kind or file}` cannot be read as an export",
            where=str(path),
            remedy=_REFUSED.get(kind, f"name one of these: {listed}"),
        )
    try:
        if kind in (".csv", ".tsv"):
            yield from _rows_of_csv(path, file, stem)
        elif kind == ".parquet":
            yield from (ExportRow(f"{file}, row {at}", row, stem) for at, row in rows_of_parquet(path))
        elif kind == ".arrow":
            yield from (ExportRow(f"{file}, row {at}", row, stem) for at, row in rows_of_arrow(path))
        elif kind in _LINES:
            rows = iter_rows(path, SheetError, _REMEDY)
            yield from (ExportRow(f"{file}, line {number}", row, stem) for number, row in rows)
        else:
            yield from _rows_of_json(path, file, stem)
    except SourceError as error:
        raise SheetError(error.what, where=error.where, remedy=error.remedy) from None


def _rows_of_csv(path: Path, file: str, stem: str) -> Iterator[ExportRow]:
    table = read_csv_table(path)
    header = [visible(name).strip() for name in table.header]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise SheetError(f"there are two columns `{twice[0]}`", where=str(path), remedy="rename one of them")
    for number, cells in table.rows:
        if all(is_empty(cell) for cell in cells):
            continue
        if len(cells) != len(header):
            raise SheetError(
                f"it has {len(cells)} cells, and the header has {len(header)}",
                where=f"{path}, row {number}",
                remedy="a text with quotes, delimiters or line ends must be quoted as a whole",
            )
        named = enumerate(zip(header, cells, strict=True), 1)
        row = {name or f"column {at} without a name": cell for at, (name, cell) in named if name or cell}
        yield ExportRow(f"{file}, row {number}", row, stem, is_text=True)


def _rows_of_json(path: Path, file: str, stem: str) -> Iterator[ExportRow]:
    data = read_whole_unpacked(path).removeprefix(b"\xef\xbb\xbf")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if data.lstrip()[:1] == b"{" and b"\n" in data.strip():
            # Some call JSON Lines so.
            rows = iter_rows(path, SheetError, _REMEDY)
            yield from (ExportRow(f"{file}, line {number}", row, stem) for number, row in rows)
            return
        raise SheetError(f"not valid JSON: {error}", where=str(path), remedy=_REMEDY) from None
    if is_page_export(document):
        raise SheetError(
            "this is what goldpan's own page exports",
            where=str(path),
            remedy="put it into the folder of its wave: nothing needs to be imported",
        )
    if is_potato_state(document):
        yield from (ExportRow(place, row, stem) for place, row in _potato_rows(document, path, file))
        return
    if not isinstance(document, list):
        raise SheetError("it holds no list of rows", where=str(path), remedy=_REMEDY)
    for number, row in enumerate(document, 1):
        if not isinstance(row, dict):
            raise SheetError("it is no JSON object", where=f"{path}, row {number}", remedy=_REMEDY)
        yield ExportRow(f"{file}, row {number}", row, stem)


def _potato_rows(document: dict[str, Any], path: Path, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        yield from rows_of_state(document, file)
    except (AttributeError, TypeError) as error:
        raise SheetError(f"not the state of an annotator: {error}", where=str(path), remedy=_REMEDY) from None
