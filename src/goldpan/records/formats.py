"""The formats of source files: how each is read, and what is different with its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.errors import SourceError
from goldpan.records.columnar import read_parquet
from goldpan.records.fields import check_fields, convert_cells
from goldpan.records.hdf5 import read_hdf5
from goldpan.records.ids import record_id, trace_id
from goldpan.records.jsonl import read_jsonl
from goldpan.records.pdf.document import document_name
from goldpan.records.pdf.extraction import looks_like_pdf
from goldpan.records.pdf.pages import is_pages_file
from goldpan.records.pdf.reader import read_pdf
from goldpan.records.rows import Row
from goldpan.records.tables import read_csv
from goldpan.records.workbook import read_xlsx, typed_cells
from goldpan.study.model import Source
from goldpan.study.paths import PDF_PAGES
from goldpan.study.pdf import PdfSettings

OTHER_SPREADSHEETS = {
    ".xls": "this is a workbook of the old format .xls, which is not read",
    ".xlsb": "this is a binary workbook (.xlsb), which is not read",
    ".ods": "this is a workbook of LibreOffice (.ods), which is not read",
    ".numbers": "this is a workbook of Numbers, which is not read",
}
"""What is known of workbooks that are not read, by how their names end."""
SAVE_AS_XLSX = "open it in a spreadsheet program, and save it as .xlsx or as CSV UTF-8"
_COMPRESSION_SUFFIXES = {".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz"}


def _checked(data: dict[str, Any], types: dict[str, Any]) -> dict[str, Any]:
    check_fields(data, types)
    return data


def _content_id(data: dict[str, Any]) -> str:
    return record_id(data, None)


@dataclass(frozen=True)
class Format:
    """A format of source files.

    Attributes:
        read: the rows of a file, as the source says it is to be read; the fields are those it must have.
        suffixes: of file names, before those of compression; none where a name does not tell.
        typed: a row's data with its declared types. Raises RowError where they are of others.
        own_id: a row's id where the source names no fields for it; it is made from `id_fields`, if any.
        same: what two rows of one such id share, in words; `{id}` is the id.
        apart: what to do about that.
        row_place: where a row stands, from path and line.
    """

    read: Callable[[Source, Path, list[str]], Iterator[Row]]
    suffixes: tuple[str, ...] = ()
    typed: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = _checked
    own_id: Callable[[dict[str, Any]], str] = _content_id
    id_fields: tuple[str, ...] = ()
    same: str = "the same content"
    apart: str = "name the fields that tell the rows apart under `id` of the source, or remove one"
    row_place: str = "{path}:{line}"


def _read_jsonl(source: Source, path: Path, fields: list[str]) -> Iterator[Row]:
    return read_jsonl(path)


def _read_csv(source: Source, path: Path, fields: list[str]) -> Iterator[Row]:
    delimiter = source.delimiter or ("\t" if ".tsv" in path.suffixes else ",")
    return read_csv(path, delimiter, source.encoding, fields)


def _read_parquet(source: Source, path: Path, fields: list[str]) -> Iterator[Row]:
    return read_parquet(path, fields)


def _read_xlsx(source: Source, path: Path, fields: list[str]) -> Iterator[Row]:
    return read_xlsx(path, fields, source.page)


def _read_pdf(source: Source, path: Path, fields: list[str]) -> Iterator[Row]:
    return read_pdf(path, source.pdf or PdfSettings(), document_name(source.files, path))


def _read_hdf5(source: Source, path: Path, fields: list[str]) -> Iterator[Row]:
    return read_hdf5(path, source.group)


def _document_id(data: dict[str, Any]) -> str:
    return record_id(data, ["document_id"])


FORMATS: dict[str, Format] = {
    "jsonl": Format(_read_jsonl, (".jsonl", ".ndjson")),
    "csv": Format(_read_csv, (".csv", ".tsv"), typed=convert_cells),
    "parquet": Format(_read_parquet, (".parquet",), row_place="{path}, row {line}"),
    "xlsx": Format(_read_xlsx, (".xlsx", ".xlsm"), typed=typed_cells, row_place="{path}, row {line}"),
    "pdf": Format(_read_pdf, (".pdf",), row_place="{path}, row {line}"),
    "hdf5": Format(
        _read_hdf5,
        (".h5", ".hdf5"),
        id_fields=("document_id",),
        own_id=_document_id,
        same="the document_id `{id}`",
        row_place="{path}, row {line}",
    ),
    "traces": Format(
        _read_jsonl,
        own_id=trace_id,
        id_fields=("conversation_id", "segment_id"),
        same="the id `{id}`",
        apart="give `id: [conversation_id, segment_id]` if they differ only in a `conv_` or `seg_` prefix",
    ),
}
"""The formats that a source may name; one more is a line here, and its name in `study.model.Source`."""


def id_fields(source: Source) -> Sequence[str]:
    """Fields whose values make the ids of a source's rows; none where they are made from the content."""
    return source.id or (FORMATS[source.format].id_fields if source.format in FORMATS else ())


def format_of(source: Source, path: Path) -> Format:
    """The format of a source file: as the study gives it, else by the name before `.gz` or the like.

    Where the name tells nothing, and only there, the file is looked at: a PDF is one by whatever name.

    Raises:
        SourceError: the name does not tell.
    """
    if source.format != "auto":
        return FORMATS[source.format]
    if path.name.endswith(PDF_PAGES) and is_pages_file(path):
        return FORMATS["pdf"]
    name = uncompressed_name(path)
    by_suffix = {suffix: known for known in FORMATS.values() for suffix in known.suffixes}
    if name.suffix.lower() in OTHER_SPREADSHEETS:
        raise SourceError(OTHER_SPREADSHEETS[name.suffix.lower()], where=str(path), remedy=SAVE_AS_XLSX)
    if name.suffix.lower() not in by_suffix:
        if looks_like_pdf(path):
            return FORMATS["pdf"]
        raise SourceError(
            f"the name does not tell the format; known are {', '.join(by_suffix)}",
            where=str(path),
            remedy=f"give the `format` of the source: {', '.join([*FORMATS][:-1])} or {[*FORMATS][-1]}",
        )
    return by_suffix[name.suffix.lower()]


def is_pdf(source: Source, path: Path) -> bool:
    """Whether a file is read as a PDF. Not where no format is known, which is told when it is read."""
    try:
        return format_of(source, path) is FORMATS["pdf"]
    except SourceError:
        return False


def uncompressed_name(path: Path) -> Path:
    """The path without `.gz` or the like at its end."""
    return path.with_suffix("") if path.suffix.lower() in _COMPRESSION_SUFFIXES else path
