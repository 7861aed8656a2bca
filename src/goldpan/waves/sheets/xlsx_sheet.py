"""Sheets as XLSX: drop-downs, locked cells, a frozen header, and the codebook on a page of its own."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from goldpan.cells import neutralise
from goldpan.report_provenance import GIVEN_OUT
from goldpan.tasks.features import Multilabel, Ranking
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM, Codebook, choices
from goldpan.waves.sheets.guide import how_to_answer, question_lines
from goldpan.waves.sheets.sheet import Sheet
from goldpan.waves.sheets.table import SheetColumn, cell_text, check_labels
from goldpan.waves.sheets.words import guidelines_shown, page_words

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

ITEMS = "items"
_CODEBOOK = "codebook"
_LISTS = "lists"
_FONT = "Calibri"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ESCAPE = re.compile(r"_x(00[01][0-9A-Fa-f])_|_x(005[Ff])_(?=x[0-9A-Fa-f]{4}_)")
_LIKE_AN_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_WIDTHS = {"id": 20, "field": 60, "llm": 20, "answer": 24, "flag": 8, "notes": 40, "agreement": 14}


def xlsx_sheet(sheet: Sheet, columns: Sequence[SheetColumn]) -> bytes:
    """The bytes of an XLSX sheet; the same sheet gives the same bytes.

    Raises:
        StudyError: labels that a spreadsheet cannot tell apart.
    """
    from openpyxl import Workbook

    check_labels(sheet.codebook)
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = ITEMS
    _write_items(page, sheet, columns)
    _protect(page)
    lists = book.create_sheet(_LISTS)
    lists.sheet_state = "veryHidden"
    _add_drop_downs(page, lists, sheet, columns)
    _write_codebook(book, sheet.codebook, sheet.is_targeted)
    return _bytes(book)


def escape(text: str) -> str:
    """`text` as XLSX spells it: what looks like one of the format's own escapes is escaped itself."""
    return _LIKE_AN_ESCAPE.sub("_x005F_", text)


def unescape(text: str) -> str:
    """The text of a cell, from how a spreadsheet program spells it.

    Only control characters and escaped underscores are turned back: programs write nothing else as an escape,
    and LibreOffice writes a text such as `_x0041_` as it is.
    """
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)


def _write_items(page: Worksheet, sheet: Sheet, columns: Sequence[SheetColumn]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill, Protection
    from openpyxl.utils import get_column_letter

    wrapped = Alignment(wrap_text=True, vertical="top")
    header = PatternFill("solid", fgColor="1C3D5A")
    answered = PatternFill("solid", fgColor="FFF9E5")
    for place, column in enumerate(columns, 1):
        letter = get_column_letter(place)
        page.column_dimensions[letter].width = _WIDTHS[column.kind]
        page.column_dimensions[letter].hidden = column.kind == "id"
        cell = _put(page, 1, place, column.name)
        cell.font, cell.fill, cell.alignment = Font(name=_FONT, bold=True, color="FFFFFF"), header, wrapped
    open_cell = Protection(locked=False)
    formula = _agreement_formula(columns)
    for number, row in enumerate(sheet.rows, 2):
        for place, column in enumerate(columns, 1):
            if column.kind == "agreement":
                page.cell(number, place, formula.replace("#", str(number)))
                continue
            cell = _put(page, number, place, cell_text(column, row, sheet))
            cell.alignment = wrapped
            if column.is_filled_in:
                cell.protection, cell.fill = open_cell, answered
    page.freeze_panes = "A2"
    page.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(sheet.rows) + 1}"


def _put(page: Worksheet, row: int, column: int, text: str) -> Any:
    """Write a text cell. Its type is set by hand: openpyxl makes formulas of texts that begin with `=`."""
    shown = escape(neutralise(_CONTROL.sub(lambda match: chr(0x2400 + ord(match[0])), text)))
    cell = page.cell(row, column)
    if shown:
        cell.value = shown
        cell.data_type = "s"
    cell.number_format = "@"
    return cell


def _agreement_formula(columns: Sequence[SheetColumn]) -> str:
    """Says whether all annotators agree, with `#` for the row; empty until all have answered."""
    from openpyxl.utils import get_column_letter

    cells: dict[str, list[str]] = {}
    for place, column in enumerate(columns, 1):
        if column.kind == "answer" and column.feature:
            cells.setdefault(column.feature.name, []).append(f"{get_column_letter(place)}#")
    blank = ",".join(f'{cell}=""' for group in cells.values() for cell in group)
    same = ",".join(f"EXACT({group[0]},{cell})" for group in cells.values() for cell in group[1:])
    return f'=IF(OR({blank}),"",IF(AND({same or "TRUE"}),"yes","no"))'


def _protect(page: Worksheet) -> None:
    """Lock all but the answers, without a password; widths, filters and sorting stay free."""
    page.protection.sheet = True
    for free in ("formatColumns", "formatRows", "autoFilter", "sort"):
        setattr(page.protection, free, False)


def _add_drop_downs(page: Worksheet, lists: Worksheet, sheet: Sheet, columns: Sequence[SheetColumn]) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    last = len(sheet.rows) + 1
    for place, column in enumerate(columns, 1):
        feature = column.feature
        if column.kind != "answer" or feature is None or last == 1:
            continue
        options = None if isinstance(feature, Multilabel | Ranking) else choices(feature)
        if options:
            texts = [option.text for option in options] + (
                [CANNOT_TELL] if sheet.codebook.cannot_tell else []
            )
            for number, text in enumerate(texts, 1):
                _put(lists, number, place, text)
            letter = get_column_letter(place)
            rule = DataValidation("list", formula1=f"{_LISTS}!${letter}$1:${letter}${len(texts)}")
            rule.showErrorMessage = True
            rule.errorTitle, rule.error = feature.name[:32], "Please pick one of the answers in the list."
        else:
            rule = DataValidation()
        rule.allow_blank, rule.showInputMessage = True, True
        rule.promptTitle, rule.prompt = feature.name[:32], how_to_answer(feature)[:255]
        letter = get_column_letter(place)
        rule.add(f"{letter}2:{letter}{last}")
        page.add_data_validation(rule)


def _write_codebook(book: Workbook, codebook: Codebook, is_targeted: bool) -> None:
    from openpyxl.styles import Alignment, Font

    page = book.create_sheet(_CODEBOOK)
    rows = [["feature", "answer", "meaning"]]
    if guidelines := guidelines_shown(codebook.guidelines, is_targeted, page_words("en")):
        rows.append(["", "", guidelines])
    for feature in codebook.features:
        rows.append([feature.name, how_to_answer(feature), question_lines(feature)])
        rows += [["", option.text, option.description] for option in choices(feature) or []]
        if isinstance(feature, Multilabel):
            rows.append(["", NONE_OF_THEM, "none of them"])
    if codebook.cannot_tell:
        rows.append(["", CANNOT_TELL, "the item does not say, or cannot be judged"])
    for number, row in enumerate(rows, 1):
        for place, text in enumerate(row, 1):
            cell = _put(page, number, place, text)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(name=_FONT, bold=number == 1 or place == 1)
    for letter, width in zip("ABC", (28, 44, 100), strict=True):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "A2"
    page.protection.sheet = True


def _bytes(book: Workbook) -> bytes:
    """The file of a workbook, with all times in it set to one date."""
    book.properties.creator = "goldpan"
    book.properties.created = GIVEN_OUT
    written = io.BytesIO()
    book.save(written)
    fixed = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                stamp = f"{GIVEN_OUT.isoformat()}Z".encode()
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            target.writestr(zipfile.ZipInfo(name, GIVEN_OUT.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()
