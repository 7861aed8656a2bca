"""Writing all sheets of a wave in all its formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldpan.files import write_bytes
from goldpan.study.wave import Wave
from goldpan.waves.codebook import Codebook
from goldpan.waves.items import Item
from goldpan.waves.sheets.argilla import argilla_records, argilla_settings
from goldpan.waves.sheets.csv_sheet import csv_sheet
from goldpan.waves.sheets.doccano import doccano_documents, doccano_labels
from goldpan.waves.sheets.html_page import annotation_page
from goldpan.waves.sheets.label_studio import label_studio_config, label_studio_tasks
from goldpan.waves.sheets.prodigy import prodigy_tasks
from goldpan.waves.sheets.sheet import (
    SIDE_BY_SIDE,
    GivenBefore,
    Sheet,
    field_names,
    make_sheet,
    make_side_by_side_sheet,
)
from goldpan.waves.sheets.table import SheetColumn, side_by_side_columns, task_columns
from goldpan.waves.sheets.uncertainty import uncertain_first
from goldpan.waves.sheets.words import guidelines_shown, page_words
from goldpan.waves.sheets.xlsx_sheet import xlsx_sheet


@dataclass(frozen=True)
class _Format:
    """How a sheet becomes a file, and what a tool needs once for a project.

    Attributes:
        suffix: of a sheet's file, after the annotator's name.
        sheet: the sheet, its columns as a table, and where it is to be put back -> the bytes of the file.
        project_file: name of the file for a project.
        project: the codebook and the fields shown -> the bytes of that file.
    """

    suffix: str
    sheet: Callable[[Sheet, list[SheetColumn], str], bytes]
    project_file: str = ""
    project: Callable[[Codebook, list[str]], bytes] | None = None


_FORMATS = {
    "html": _Format("html", lambda sheet, columns, folder: annotation_page(sheet, folder).encode()),
    "xlsx": _Format("xlsx", lambda sheet, columns, folder: xlsx_sheet(sheet, columns)),
    "csv": _Format("csv", lambda sheet, columns, folder: csv_sheet(sheet, columns)),
    "label_studio": _Format(
        "label_studio.json",
        lambda sheet, columns, folder: label_studio_tasks(sheet),
        "label_studio_config.xml",
        label_studio_config,
    ),
    "doccano": _Format(
        "doccano.jsonl",
        lambda sheet, columns, folder: doccano_documents(sheet),
        "doccano_labels.json",
        lambda codebook, fields: doccano_labels(codebook),
    ),
    "argilla": _Format(
        "argilla.json",
        lambda sheet, columns, folder: argilla_records(sheet),
        "argilla_settings.json",
        argilla_settings,
    ),
    "prodigy": _Format("prodigy.jsonl", lambda sheet, columns, folder: prodigy_tasks(sheet)),
}


def sheet_names(wave: Wave) -> list[str]:
    """Names of all files that `render_sheets` makes, for the outputs of a rule.

    One for each annotator and format, such as `ann.xlsx`; and what some tools need for a project.
    """
    who = [SIDE_BY_SIDE] if wave.layout == SIDE_BY_SIDE else wave.annotators
    formats = [_FORMATS[name] for name in wave.formats]
    names = [f"{name}.{form.suffix}" for name in who for form in formats]
    return names + [form.project_file for form in formats if form.project]


def render_sheets(
    study: str,
    name: str,
    wave: Wave,
    codebook: Codebook,
    items: Mapping[str, Item],
    predictions: Mapping[str, Mapping[str, Any]],
    given_before: GivenBefore | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Each file of the wave's sheets, as `sheet_names` calls it, with its bytes.

    Args:
        study, name, wave: the study's name, the wave's name, and the wave.
        codebook: what is asked.
        items: the sample by item id, in the order of the corpus.
        predictions: the LLM's predictions by item id; a blind wave shows nothing of them.
        given_before: what the wave's earlier draws gave out; None where there were none.

    Raises:
        StudyError: a field to show is in no record, labels that a spreadsheet cannot tell apart, or a feature
            that a tool cannot ask for.
    """
    formats = [_FORMATS[form] for form in wave.formats]
    put_back = wave.annotations_folder(study, name)
    for sheet, columns in _sheets(study, name, wave, codebook, items, predictions, given_before):
        for form in formats:
            yield f"{sheet.id.annotator}.{form.suffix}", form.sheet(sheet, columns, put_back)
    fields = field_names(list(items.values()), wave, name)
    guide = guidelines_shown(codebook.guidelines, wave.among is not None, page_words(wave.language))
    for form in formats:
        if form.project:
            yield form.project_file, form.project(replace(codebook, guidelines=guide), fields)


def write_sheets(folder: Path, sheets: Iterable[tuple[str, bytes]]) -> list[Path]:
    """Write those sheets that are not in `folder` yet; returns their paths.

    What is there was given out, and somebody may be filling it in: it is left alone.
    """
    written = []
    for name, data in sheets:
        path = folder / name
        if not path.exists():
            write_bytes(path, data)
            written.append(path)
    return written


def _sheets(
    study: str,
    name: str,
    wave: Wave,
    codebook: Codebook,
    items: Mapping[str, Item],
    predictions: Mapping[str, Mapping[str, Any]],
    given_before: GivenBefore | None,
) -> Iterator[tuple[Sheet, list[SheetColumn]]]:
    """Each sheet of the wave with the columns it has as a table."""
    listed = list(items.values())
    order = uncertain_first(wave, name, list(items), predictions, codebook.by_name)
    if wave.layout == SIDE_BY_SIDE:
        sheet = make_side_by_side_sheet(study, name, wave, listed, codebook, predictions, given_before, order)
        yield sheet, side_by_side_columns(sheet, wave.annotators)
        return
    shown = None if wave.blind else predictions
    for annotator in wave.annotators:
        sheet = make_sheet(study, name, wave, annotator, listed, codebook, shown, given_before, order)
        yield sheet, task_columns(sheet)
