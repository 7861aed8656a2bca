"""Sheets for Argilla 2: the records to load and the settings of the dataset.

`rg.Settings.from_json` reads the settings, `dataset.records.from_json` the records.
"""

from __future__ import annotations

from typing import Any

import orjson

from goldpan.tasks.features import Feature, Multilabel
from goldpan.waves.answer_text import field_text
from goldpan.waves.codebook import CANNOT_TELL, Codebook, texts_to_pick
from goldpan.waves.sheets.guide import how_to_answer, question_lines
from goldpan.waves.sheets.sheet import Sheet

NOTES = "notes"
"""The question that is no feature."""

_TEXT = {"type": "text", "use_markdown": False}


def argilla_records(sheet: Sheet) -> bytes:
    """The records of one annotator, as JSON."""
    names = sheet.field_names
    records = [
        {
            "id": row.item_id,
            "fields": {f"field_{n}": field_text(row.fields.get(name)) for n, name in enumerate(names, 1)},
            "metadata": {"sheet": str(sheet.id)},
            "suggestions": {},
            "responses": {},
            "vectors": {},
            "status": "pending",
        }
        for row in sheet.rows
    ]
    return orjson.dumps(records, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def argilla_settings(codebook: Codebook, field_names: list[str]) -> bytes:
    """The settings of the dataset, as JSON: a question for each feature, and one for notes."""
    questions = [_question(feature, codebook.cannot_tell) for feature in codebook.features]
    questions.append(_as_question(NOTES, "Anything worth saying about this item.", _TEXT))
    fields = [
        {
            "name": f"field_{number}",
            "title": name,
            "required": number == 1,  # Argilla publishes no dataset without a required field.
            "settings": _TEXT,
        }
        for number, name in enumerate(field_names, 1)
    ]
    settings = {
        "guidelines": codebook.guidelines or None,
        "questions": questions,
        "fields": fields,
        "vectors": [],
        "metadata": [
            {
                "name": "sheet",
                "title": "sheet",
                "visible_for_annotators": False,
                "settings": {"type": "terms", "values": None, "visible_for_annotators": False},
            }
        ],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "mapping": None,
    }
    return orjson.dumps(settings, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _question(feature: Feature, cannot_tell: bool) -> dict[str, Any]:
    about = f"{question_lines(feature)} ({how_to_answer(feature)})"
    # Labels, for scores too: a rating question has no place for "cannot tell".
    texts = texts_to_pick(feature, cannot_tell)
    if texts is None:
        hint = f"; or {CANNOT_TELL}" if cannot_tell else ""
        return _as_question(feature.name, f"{about}{hint}", _TEXT)
    listed = [{"value": text, "text": text} for text in texts]
    kind = "multi_label_selection" if isinstance(feature, Multilabel) else "label_selection"
    settings: dict[str, Any] = {"type": kind, "options": listed, "visible_options": None}
    if isinstance(feature, Multilabel):
        settings["options_order"] = "natural"
    return _as_question(feature.name, about, settings)


def _as_question(name: str, about: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "description": about,
        "required": name != NOTES,
        "settings": settings,
        "type": settings["type"],
    }
