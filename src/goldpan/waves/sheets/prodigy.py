"""Sheets for Prodigy: one task for each item and feature, feature by feature.

A task says which interface it is made for (`choice` or `text_input`); https://prodi.gy/docs/api-interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from goldpan.records.draw import rank
from goldpan.tasks.features import Feature, Multilabel
from goldpan.waves.codebook import texts_to_pick
from goldpan.waves.sheets.guide import how_to_answer, question_lines
from goldpan.waves.sheets.plain_text import plain_text
from goldpan.waves.sheets.sheet import Sheet, SheetRow

ANSWER_FIELD = "answer_text"
"""Where the text interface puts what was typed; `answer` is Prodigy's own key."""

_HASH_RANGE = 2**31


def prodigy_tasks(sheet: Sheet) -> bytes:
    """The tasks of one annotator, as JSONL."""
    return b"".join(orjson.dumps(task, option=orjson.OPT_APPEND_NEWLINE) for task in _tasks(sheet))


def _tasks(sheet: Sheet) -> Iterator[dict[str, Any]]:
    for feature in sheet.codebook.features:
        for row in sheet.rows:
            yield {
                "text": plain_text(row),
                "label": f"{feature.name}: {question_lines(feature)} ({how_to_answer(feature)})",
                "item_id": row.item_id,
                "sheet": str(sheet.id),
                "feature": feature.name,
                # Of its own, because Prodigy drops tasks of the same text as duplicates.
                "_input_hash": _hash(row, ""),
                "_task_hash": _hash(row, feature.name),
                **_interface(feature, sheet.codebook.cannot_tell),
            }


def _interface(feature: Feature, cannot_tell: bool) -> dict[str, Any]:
    texts = texts_to_pick(feature, cannot_tell)
    if texts is None:
        return {"_view_id": "text_input", "field_id": ANSWER_FIELD, "field_label": feature.name}
    many = isinstance(feature, Multilabel)
    return {
        "_view_id": "choice",
        "options": [{"id": text, "text": text} for text in texts],
        "config": {"choice_style": "multiple" if many else "single"},
    }


def _hash(row: SheetRow, feature: str) -> int:
    return rank(0, "prodigy", row.item_id, feature) % _HASH_RANGE
