"""Sheets for Label Studio: the tasks to import and the labelling configuration of the project.

https://labelstud.io/guide/tasks and https://labelstud.io/tags describe the formats.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import orjson

from goldpan.tasks.features import Feature, Multilabel, Ranking, Score
from goldpan.waves.answer_text import field_text
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM, Codebook, choices
from goldpan.waves.sheets.guide import how_to_answer, question_lines
from goldpan.waves.sheets.sheet import Sheet

CANNOT_TELL_SUFFIX = "-cannot-tell"
"""Added to a feature's name for the control by which one abstains from an answer that is typed."""

NOTES, FLAG, FLAGGED = "notes", "flag", "flagged"


def label_studio_tasks(sheet: Sheet) -> bytes:
    """The tasks of one annotator, as JSON to import."""
    names = sheet.field_names
    tasks = [
        {
            "data": {
                "item_id": row.item_id,
                "sheet": str(sheet.id),
                # Every task needs every field that the configuration shows.
                **{f"field_{n}": field_text(row.fields.get(name)) for n, name in enumerate(names, 1)},
            }
        }
        for row in sheet.rows
    ]
    return orjson.dumps(tasks, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def label_studio_config(codebook: Codebook, field_names: list[str]) -> bytes:
    """The labelling configuration, as XML; control names are the features' names."""
    view = ElementTree.Element("View")
    for number, name in enumerate(field_names, 1):
        _add(view, "Header", value=name)
        _add(view, "Text", name=f"field-{number}", value=f"$field_{number}")
    for feature in codebook.features:
        _add_feature(view, feature, codebook.cannot_tell)
    _add(view, "Header", value="Flag and notes")
    _add(_add(view, "Choices", name=FLAG, toName="field-1"), "Choice", value=FLAGGED)
    _add(view, "TextArea", name=NOTES, toName="field-1", maxSubmissions="1", editable="true")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="utf-8") + b"\n"


def _add_feature(view: ElementTree.Element, feature: Feature, cannot_tell: bool) -> None:
    _add(view, "Header", value=feature.name)
    _add(view, "Header", value=f"{question_lines(feature)} ({how_to_answer(feature)})", size="5")
    options = None if isinstance(feature, Ranking) else choices(feature)
    if options is not None:
        many = isinstance(feature, Multilabel)
        box = _add(
            view, "Choices", name=feature.name, toName="field-1", choice="multiple" if many else "single"
        )
        for option in options:
            _add(
                box,
                "Choice",
                value=option.text,
                **({"hint": option.description} if option.description else {}),
            )
        if many:
            _add(box, "Choice", value=NONE_OF_THEM)
        if cannot_tell:
            _add(box, "Choice", value=CANNOT_TELL)
        return
    if isinstance(feature, Score):
        bounds = {
            "min": f"{feature.min:g}",
            "max": f"{feature.max:g}",
            "step": "1" if feature.integer else "any",
        }
        _add(view, "Number", name=feature.name, toName="field-1", **bounds)
    else:
        _add(view, "TextArea", name=feature.name, toName="field-1", maxSubmissions="1", editable="true")
    if cannot_tell:
        box = _add(view, "Choices", name=f"{feature.name}{CANNOT_TELL_SUFFIX}", toName="field-1")
        _add(box, "Choice", value=CANNOT_TELL)


def _add(parent: ElementTree.Element, tag: str, **attributes: Any) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)
