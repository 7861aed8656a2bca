"""Sheets for doccano (document classification): the documents to import and the labels of the project.

All features share one set of labels there, so a label is written `feature: label`. Free text, numbers,
objects and rankings have no place in it.
"""

from __future__ import annotations

import string

import orjson

from goldpan.errors import StudyError
from goldpan.tasks.features import Feature
from goldpan.waves.codebook import Codebook, texts_to_pick
from goldpan.waves.sheets.plain_text import plain_text
from goldpan.waves.sheets.sheet import Sheet

_KEYS = string.digits + string.ascii_lowercase
_COLOURS = ("#1f6f8b", "#9a4a00", "#5b4b8a", "#2f6b3a", "#8a2f4b", "#4a5568")
_LONGEST_LABEL = 100


def doccano_documents(sheet: Sheet) -> bytes:
    """The documents of one annotator, as JSONL to import; the ids come back as metadata."""
    lines = [
        {"text": plain_text(row), "label": [], "item_id": row.item_id, "sheet": str(sheet.id)}
        for row in sheet.rows
    ]
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def doccano_labels(codebook: Codebook) -> bytes:
    """The labels, as JSON to import; the first 36 have a key each."""
    numbers = {feature.name: number for number, feature in enumerate(codebook.features)}
    labels = [
        {
            "text": label,
            "suffix_key": _KEYS[place] if place < len(_KEYS) else None,
            "background_color": _COLOURS[numbers[feature.name] % len(_COLOURS)],
            "text_color": "#ffffff",
        }
        for place, (label, (feature, _)) in enumerate(pickable_labels(codebook).items())
    ]
    return orjson.dumps(labels, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def pickable_labels(codebook: Codebook) -> dict[str, tuple[Feature, str]]:
    """The labels of the project: label -> feature and the text of the answer.

    Raises:
        StudyError: a feature cannot be answered by labels, or two labels would read the same.
    """
    known: dict[str, tuple[Feature, str]] = {}
    for feature in codebook.features:
        texts = texts_to_pick(feature, codebook.cannot_tell)
        if texts is None:
            raise StudyError(
                f"doccano has labels only, so it cannot ask for `{feature.name}` ({feature.type})",
                remedy="use html, xlsx, csv, label_studio or argilla, or leave the feature out of the wave",
            )
        for text in texts:
            label = f"{feature.name}: {text}"
            if label in known or len(label) > _LONGEST_LABEL:
                raise StudyError(
                    f"doccano cannot have the label `{label}`: it is too long or would be there twice",
                    remedy="use another format for this wave",
                )
            known[label] = (feature, text)
    return known
