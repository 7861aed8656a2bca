"""Annotations of other tools as filled sheets of a wave: a file for each annotator, never over another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import AnswerError
from goldpan.files import sha256_hex, write_bytes
from goldpan.imports.annotations.annotators import (
    check_one_annotator,
    name_here,
    sheet_of_ours,
    with_fields_of_map,
)
from goldpan.imports.annotations.exported import ExportedAnnotation, ToolExport
from goldpan.imports.annotations.joining import JoinIndex, chosen_key
from goldpan.imports.annotations.map_check import check_names_of_map
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.imports.annotations.outcome import ImportOutcome
from goldpan.imports.annotations.reading import AnnotationReader, OurRows, TakenAnnotation
from goldpan.imports.annotations.values import ValueReader
from goldpan.records.look_up import look_up
from goldpan.waves.collect.filled import FilledSheet, ForeignSheetError, GivenOut, SheetAnswer
from goldpan.waves.collect.folder import read_filled_sheet
from goldpan.waves.collect.join import join_sheets
from goldpan.waves.collect.listing import sheet_files
from goldpan.waves.collect.page_export import read_page_export
from goldpan.waves.items import Item
from goldpan.waves.sheets.html_page import ANSWERS
from goldpan.waves.sheets.sheet import SIDE_BY_SIDE, redraw_of, shown_fields

_IMPORTED = ".imported-"
"""In the names of sheets that were imported."""


class _Showing:
    """One showing of an item on sheets."""

    def __init__(self, item: Item, shown_as: str):
        self.item, self.shown_as = item, shown_as


class _SaidBefore:
    """What stands in the sheets of a wave that are there."""

    def __init__(self, sheets: Iterable[FilledSheet], given_out: GivenOut):
        self._given_out = given_out
        self._said: dict[tuple[str, str, str], list[SheetAnswer]] = {}
        for answer in (answer for sheet in sheets for answer in sheet.answers):
            if not given_out.is_earlier(answer.item_id, answer.annotator):
                for feature in answer.values:
                    self._said.setdefault((answer.item_id, answer.annotator, feature), []).append(answer)

    def of(self, taken: TakenAnnotation[_Showing], feature: str) -> tuple[Any, str] | None:
        """Another answer of the same annotator about the same text, and where it stands."""
        version, record = self._given_out.text_version, taken.row.item.id
        redraw = _redraw(taken.annotation, self._given_out)
        for answer in self._said.get((taken.row.shown_as, taken.annotator, feature), []):
            value = answer.values[feature]
            if value != taken.read.values[feature] and version(record, answer.redraw) == version(
                record, redraw
            ):
                way_out = (
                    "; delete that file where this export is to replace it"
                    if _IMPORTED in answer.file
                    else ""
                )
                return value, f"{answer.where}, which is there{way_out}"
        return None


def import_into_wave(
    given_out: GivenOut,
    folder: Path,
    exports: Sequence[ToolExport],
    settings: AnnotationMap,
    *,
    key: str | None = None,
    annotator: str | None = None,
    leaves_out: bool = False,
    writes: bool = True,
) -> ImportOutcome:
    """Write what exports say as sheets of a wave.

    Args:
        given_out: the wave.
        folder: of its filled sheets.
        exports: what was read.
        settings: how they fit the wave.
        key: as `--key`.
        annotator: who said all of it; None where the exports tell.
        leaves_out: whether what does not fit is left out, where it is an error otherwise.
        writes: whether the sheets are written.

    Raises:
        SheetError: nothing can be joined, something does not fit, or it contradicts a sheet that is there.
    """
    outcome = ImportOutcome.of(exports)
    annotations = list(with_fields_of_map(exports, settings))
    join_key = chosen_key(key, settings, annotations, ("item_id", "id"))
    outcome.key = str(join_key)
    check_one_annotator(annotator, annotations, settings, given_out.wave.annotators)
    records = [item.data for item in given_out.items.values()]
    outcome.notes += check_names_of_map(settings, annotations, records)
    showings = [
        _Showing(item, shown_as)
        for item in given_out.items.values()
        for shown_as in ((item.item_id, item.repeat_id) if item.repeated_by else (item.item_id,))
    ]
    there = _sheets_there(folder, given_out)
    values = ValueReader(given_out.codebook.by_name, settings, given_out.codebook.cannot_tell)
    reader = AnnotationReader(
        JoinIndex(join_key, showings, _key_values),
        OurRows(
            records,
            lambda showing: showing.item.data,
            lambda showing: shown_fields(showing.item.data, given_out.wave.show),
            lambda showing, told: given_out.shows_newest_text(showing.item.id, _redraw(told, given_out)),
        ),
        lambda annotation: _annotator(annotation, given_out, settings, annotator),
        values,
        settings,
        outcome,
        _SaidBefore(there, given_out).of,
    )
    taken = reader.read(annotations)
    outcome.tell_of(values, reader.times, reader.compared)
    outcome.check_adds_up()
    outcome.check_fits(leaves_out)
    sheets = _documents(taken, given_out, exports, outcome)
    new = [read_page_export(name, document, given_out) for name, document in sheets.items()]
    join_sheets([*there, *new], given_out, [])
    for name, document in sheets.items():
        content = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        path = folder / f"{name}{_IMPORTED}{sha256_hex(content)[:12]}.json"
        if path.exists():
            outcome.unchanged.append(str(path))
            continue
        outcome.written.append(str(path))
        if writes:
            write_bytes(path, content)
    return outcome


def _key_values(showing: _Showing, field: str) -> Iterable[Any]:
    """What a showing of an item goes by: a second one only by its own id."""
    item = showing.item
    if field == "item_id":
        return [showing.shown_as]
    if showing.shown_as != item.item_id:
        return [showing.shown_as] if field == "id" else []
    if field == "id":
        # Argilla has the ids of our sheets as its own.
        return [item.id, item.item_id]
    has, value = look_up(item.data, field)
    return [value] if has else []


def _annotator(
    annotation: ExportedAnnotation, given_out: GivenOut, settings: AnnotationMap, said: str | None
) -> str | None:
    """Who an annotation is by: the sheet of ours that the tool was given tells, too.

    Raises:
        AnswerError: nobody knows, or the sheet is that of another wave.
    """
    known = given_out.wave.annotators
    sheet = sheet_of_ours(annotation)
    if sheet is not None:
        try:
            of_sheet = given_out.annotator(sheet)
        except ForeignSheetError as error:
            raise AnswerError(str(error)) from None
        if of_sheet != SIDE_BY_SIDE:
            if said not in (None, of_sheet):
                raise AnswerError(f"the sheet is that of `{of_sheet}`, and --annotator says `{said}`")
            return of_sheet
    if said is not None:
        return said
    name = name_here(annotation, settings, known)
    if name is not None and name not in known:
        raise AnswerError(f"the map calls the annotator `{name}`, and the wave has {', '.join(known)}")
    return name


def _documents(
    taken: Sequence[TakenAnnotation[_Showing]],
    given_out: GivenOut,
    exports: Sequence[ToolExport],
    outcome: ImportOutcome,
) -> dict[str, dict[str, Any]]:
    """Name of each sheet, without its ending -> what it holds, as the page exports it."""
    origin = {
        "key": outcome.key,
        "files": [{"name": e.file, "format": e.format, "sha256": e.sha256} for e in exports],
    }
    sheets: dict[str, dict[str, Any]] = {}
    for one in taken:
        redraw = _redraw(one.annotation, given_out)
        name = f"{one.annotator}.redraw{redraw}" if redraw != given_out.redraws else one.annotator
        sheet = sheets.setdefault(
            name,
            {
                "kind": ANSWERS,
                "study": given_out.study,
                "wave": given_out.name,
                "annotator": one.annotator,
                "task_hash": given_out.codebook.task_hash,
                "codebook_hash": given_out.codebook.hash,
                "redraw": redraw,
                "imported": origin,
                "answers": [],
            },
        )
        sheet["answers"].append(_answer(one))
    return sheets


def _redraw(annotation: ExportedAnnotation, given_out: GivenOut) -> int:
    """From which redraw the text is that was answered: without a sheet of ours it is ours of today, as the
    texts were compared."""
    sheet = sheet_of_ours(annotation)
    return given_out.redraws if sheet is None else redraw_of(sheet)


def _answer(one: TakenAnnotation[_Showing]) -> dict[str, Any]:
    optional = {
        "spans": one.read.spans,
        "answered_at": one.answered_at,
        "seconds": one.seconds,
    }
    return {
        "item_id": one.row.shown_as,
        "values": one.read.values,
        "flag": one.annotation.flag,
        "note": one.annotation.note,
        **{name: value for name, value in optional.items() if value},
        "from": one.annotation.place,
    }


def _sheets_there(folder: Path, given_out: GivenOut) -> list[FilledSheet]:
    """The sheets that came back before; none where there is no folder."""
    files = sheet_files(folder) if folder.is_dir() else []
    read = (read_filled_sheet(path, given_out) for path in files)
    return [sheet for sheet in read if sheet is not None]
