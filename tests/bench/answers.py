"""Answers of an annotator that never tires: valid for any schema, each different, of a real one's length."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from goldpan.providers.engine import completion
from goldpan.providers.engine.answerers import AnswerOne
from goldpan.providers.engine.completions import schema_asked_for

_TRUE_SHARE = 0.2


def annotator(texts: Iterable[str]) -> AnswerOne:
    """An answerer whose sentences quote `texts`; it answers a custom id always in the same way."""
    words = " ".join(texts).split()

    def answer(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
        draw = random.Random(custom_id)
        schema = schema_asked_for(body) or {}
        values = {name: _value(part, draw, words) for name, part in schema["properties"].items()}
        return completion(body, values, custom_id)

    return answer


def _value(schema: dict[str, Any], draw: random.Random, words: list[str]) -> Any:
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if schema["type"] == "boolean":
        return draw.random() < _TRUE_SHARE
    if schema["type"] == "integer":
        return draw.randint(schema["minimum"], schema["maximum"])
    start = draw.randrange(len(words))
    return f"Step {draw.randrange(1, 30)}: {' '.join(words[start : start + draw.randrange(10, 26)])}."
