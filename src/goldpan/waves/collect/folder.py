"""The folder of filled sheets: which files count, and which reader each needs, found by content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from goldpan.errors import SheetError
from goldpan.files import iter_rows
from goldpan.report_provenance import ReportInput, report_input
from goldpan.waves.collect.adjudication import is_decisions, is_decisions_header
from goldpan.waves.collect.argilla import is_argilla, read_argilla
from goldpan.waves.collect.collected import CollectedWave
from goldpan.waves.collect.csv_file import read_csv_table
from goldpan.waves.collect.doccano import is_doccano, read_doccano
from goldpan.waves.collect.filled import FilledSheet, GivenOut
from goldpan.waves.collect.join import join_sheets
from goldpan.waves.collect.json_file import read_json_document
from goldpan.waves.collect.label_studio import is_label_studio, read_label_studio
from goldpan.waves.collect.listing import SUFFIXES, all_files
from goldpan.waves.collect.page_export import is_page_export, read_page_export
from goldpan.waves.collect.prodigy import is_prodigy, read_prodigy
from goldpan.waves.collect.table_rows import RawTable, is_sheet, read_table
from goldpan.waves.collect.xlsx_file import read_xlsx_table

_REFUSED = {
    ".html": "this is the page itself; put the file here that its export button saves",
    ".htm": "this is the page itself; put the file here that its export button saves",
    ".xls": "open this old kind of workbook in a spreadsheet program, and save it as .xlsx or as CSV UTF-8",
    ".ods": "save it as .xlsx or as CSV UTF-8",
    ".numbers": "export it as .xlsx or as CSV UTF-8",
    ".zip": "unpack it",
    ".gz": "unpack it",
}


def collect(folder: Path, given_out: GivenOut) -> CollectedWave:
    """Read all filled sheets of a wave and join them by item id.

    The files are inputs only: nothing is written into the folder. A folder that does not exist yet is an
    empty one, and its wave is `partial`.

    Args:
        folder: where the filled sheets lie.
        given_out: the wave.

    Raises:
        SheetError: a file is none of the known formats, belongs to another wave or codebook, has an unknown
            item id or an answer outside the codebook, or contradicts another file of the same annotator.
    """
    sheets: list[FilledSheet] = []
    inputs: list[ReportInput] = []
    ignored: list[str] = []
    for path in all_files(folder):
        if path.suffix.lower() in SUFFIXES:
            sheet = read_filled_sheet(path, given_out)
            if sheet is not None:
                sheets.append(sheet)
                inputs.append(report_input(path, path.relative_to(folder).as_posix()))
        elif path.suffix.lower() in _REFUSED:
            raise SheetError(
                f"a {path.suffix} file cannot be read as a sheet",
                where=str(path),
                remedy=_REFUSED[path.suffix.lower()],
            )
        else:
            ignored.append(str(path))
    collected = join_sheets(sheets, given_out, ignored)
    collected.status.sheets = inputs
    return _named_within(folder, collected)


def read_filled_sheet(path: Path, given_out: GivenOut) -> FilledSheet | None:
    """The answers in one file; None for decisions of an adjudication, which are no annotator's answers.

    Raises:
        SheetError: none of the known formats, or something in it is wrong.
    """
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return _read_rows(read_csv_table(path), given_out)
        case ".xlsx" | ".xlsm":
            return _read_rows(read_xlsx_table(path), given_out)
        case ".json":
            return _read_json(path, given_out)
    return _read_jsonl(path, given_out)


def _named_within(folder: Path, collected: CollectedWave) -> CollectedWave:
    """The same with files named from the folder on: a result must not tell where the project lies."""

    def short(name: str) -> str:
        return name.removeprefix(f"{folder}/")

    status = collected.status
    annotators = {
        name: replace(annotator, files=[short(file) for file in annotator.files])
        for name, annotator in status.annotators.items()
    }
    repairs = [replace(repair, where=short(repair.where)) for repair in status.repairs]
    shown = [replace(row, where=short(row.where)) for row in status.shown_otherwise]
    not_read = [replace(column, file=short(column.file)) for column in status.not_read]
    ignored = [short(file) for file in status.ignored]
    answers = [replace(answer, files=[short(file) for file in answer.files]) for answer in collected.answers]
    status = replace(
        status,
        annotators=annotators,
        repairs=repairs,
        shown_otherwise=shown,
        not_read=not_read,
        ignored=ignored,
    )
    return CollectedWave(answers, status)


def _read_rows(table: RawTable, given_out: GivenOut) -> FilledSheet | None:
    if not is_sheet(table.header) and is_decisions_header(table.header):
        return None
    return read_table(table, given_out)


def _read_json(path: Path, given_out: GivenOut) -> FilledSheet | None:
    document = read_json_document(path)
    file = str(path)
    if is_decisions(document):
        return None
    if is_page_export(document):
        return read_page_export(file, document, given_out)
    if document and is_argilla(document):
        return read_argilla(file, document, given_out)
    if document and is_label_studio(document):
        return read_label_studio(file, document, given_out)
    raise _unknown(path)


def _read_jsonl(path: Path, given_out: GivenOut) -> FilledSheet:
    rows = list(iter_rows(path, SheetError))
    if rows and all(is_prodigy(row) for _, row in rows):
        return read_prodigy(str(path), rows, given_out)
    if rows and all(is_doccano(row) for _, row in rows):
        return read_doccano(str(path), rows, given_out)
    raise _unknown(path)


def _unknown(path: Path) -> SheetError:
    return SheetError(
        "this is no filled sheet: neither an export of the page nor one of Label Studio, doccano, Argilla or"
        " Prodigy with the ids it was given",
        where=str(path),
        remedy="take it out of the folder, or export it again in the tool's own format",
    )
