"""Writing all sheets of a wave in all its formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    Sheet,
    field_names,
    make_sheet,
    make_side_by_side_sheet,
)
from goldpan.waves.sheets.table import SheetColumn, side_by_side_columns, task_columns
from goldpan.waves.sheets.xlsx_sheet import xlsx_sheet

_SUFFIXES = {
    "html": "html",
    "xlsx": "xlsx",
    "csv": "csv",
    "label_studio": "label_studio.json",
    "doccano": "doccano.jsonl",
    "argilla": "argilla.json",
    "prodigy": "prodigy.jsonl",
}
_PROJECT_FILES = {
    "label_studio": "label_studio_config.xml",
    "doccano": "doccano_labels.json",
    "argilla": "argilla_settings.json",
}


def sheet_names(wave: Wave) -> list[str]:
    """Names of all files that `write_sheets` makes, for the outputs of a rule.

    One for each annotator and format, such as `ann.xlsx`; and what some tools need for a project.
    """
    who = [SIDE_BY_SIDE] if wave.layout == SIDE_BY_SIDE else wave.annotators
    names = [f"{name}.{_SUFFIXES[form]}" for name in who for form in wave.formats]
    return names + [_PROJECT_FILES[form] for form in wave.formats if form in _PROJECT_FILES]


def write_sheets(
    folder: Path,
    study: str,
    name: str,
    wave: Wave,
    codebook: Codebook,
    items: Mapping[str, Item],
    predictions: Mapping[str, Mapping[str, Any]],
) -> list[Path]:
    """Write the sheets of a wave into `folder`.

    Args:
        folder: where they go; `sheet_names` says how they are called.
        study, name, wave: the study's name, the wave's name, and the wave.
        codebook: what is asked.
        items: the sample by item id, in the order of the corpus.
        predictions: the LLM's predictions by item id; a blind wave shows nothing of them.

    Raises:
        StudyError: a field to show is in no record, labels that a spreadsheet cannot tell apart, or a feature
            that a tool cannot ask for.
    """
    written: list[Path] = []
    fields = field_names(list(items.values()), wave, name)
    for sheet, columns in _sheets(study, name, wave, codebook, items, predictions):
        for form in wave.formats:
            path = folder / f"{sheet.id.annotator}.{_SUFFIXES[form]}"
            write_bytes(path, _sheet_bytes(form, sheet, columns, wave.annotations_folder(study, name)))
            written.append(path)
    for form in wave.formats:
        if form in _PROJECT_FILES:
            path = folder / _PROJECT_FILES[form]
            write_bytes(path, _project_bytes(form, codebook, fields))
            written.append(path)
    return written


def _sheets(
    study: str,
    name: str,
    wave: Wave,
    codebook: Codebook,
    items: Mapping[str, Item],
    predictions: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[Sheet, list[SheetColumn]]]:
    """Each sheet of the wave with the columns it has as a table."""
    listed = list(items.values())
    if wave.layout == SIDE_BY_SIDE:
        sheet = make_side_by_side_sheet(study, name, wave, listed, codebook, predictions)
        yield sheet, side_by_side_columns(sheet, wave.annotators)
        return
    shown = None if wave.blind else predictions
    for annotator in wave.annotators:
        sheet = make_sheet(study, name, wave, annotator, listed, codebook, shown)
        yield sheet, task_columns(sheet)


def _sheet_bytes(form: str, sheet: Sheet, columns: list[SheetColumn], folder: str) -> bytes:
    match form:
        case "html":
            return annotation_page(sheet, folder).encode()
        case "xlsx":
            return xlsx_sheet(sheet, columns)
        case "csv":
            return csv_sheet(sheet, columns)
        case "label_studio":
            return label_studio_tasks(sheet)
        case "doccano":
            return doccano_documents(sheet)
        case "argilla":
            return argilla_records(sheet)
    return prodigy_tasks(sheet)


def _project_bytes(form: str, codebook: Codebook, fields: list[str]) -> bytes:
    match form:
        case "label_studio":
            return label_studio_config(codebook, fields)
        case "doccano":
            return doccano_labels(codebook)
    return argilla_settings(codebook, fields)
