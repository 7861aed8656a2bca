"""Values that fit a JSON schema, chosen by how near the text is to what the schema's properties describe.

Understood is what `tasks.schema` makes of a task: closed objects, arrays, strings, integers, numbers,
booleans, enums, types with null, bounds, and "At most N characters" in a description. Other keywords are
refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.local.evidence import Evidence, Targets, sentences_of

Schema = dict[str, Any]
Choose = Callable[[Evidence, int | None], Any]
"""(evidence, the sentence in focus or None for all) -> a value."""

THRESHOLD = 0.5
"""Strength from which something counts as present."""
USUAL_ITEMS = 3
"""A list holds so many items unless the schema says otherwise."""
KEYWORDS = frozenset(
    {"type", "title", "description", "enum", "minimum", "maximum", "items", "minItems", "maxItems"}
    | {"properties", "required", "additionalProperties"}
)

_STATED_LENGTH = re.compile(r"at most ([\d,]+) characters", re.IGNORECASE)
_WORD_BREAK = re.compile(r"[_\W]+|(?<=[a-z])(?=[A-Z])")
_NOTHING_SAID = "The text says nothing."


class SchemaAnswerer:
    """Answers one schema; making it costs some milliseconds, answering little.

    Raises:
        ServiceError: 400, the schema is not understood.
    """

    def __init__(self, schema: Schema):
        compiler = _Compiler()
        self._choose = compiler.compile(schema, "")
        self._targets = Targets(compiler.texts)

    def answer(self, text: str) -> Any:
        """A value that fits the schema, drawn from `text`."""
        return self._choose(self._targets.evidence(sentences_of(text)), None)


class _Compiler:
    """Turns a schema into functions that choose values; gathers the texts to compare sentences with."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def compile(self, schema: Schema, name: str) -> Choose:
        unknown = sorted(schema.keys() - KEYWORDS)
        if unknown:
            raise _not_understood(f"the keyword `{unknown[0]}`")
        about = f"{_words(name)} {schema.get('description', '')}".strip()
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        labels = schema.get("enum")
        if labels is not None:
            labels, nullable = [label for label in labels if label is not None], None in labels
            choose = self._label(labels, about)
        else:
            kind, nullable = next((kind for kind in types if kind != "null"), None), "null" in types
            if kind not in ("boolean", "integer", "number", "string", "array", "object"):
                raise _not_understood(f"the type {schema.get('type')!r}")
            choose = getattr(self, f"_{kind}")(schema, about, name)
        return self._or_null(choose, about) if nullable else choose

    def _or_null(self, choose: Choose, about: str) -> Choose:
        """Null when the text has nothing to do with what is asked for."""
        target = self._target(about)
        return lambda evidence, focus: (
            choose(evidence, focus) if evidence.strength(target, focus) > 0 else None
        )

    def _target(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts) - 1

    def _boolean(self, schema: Schema, about: str, name: str) -> Choose:
        target = self._target(about)
        return lambda evidence, focus: evidence.strength(target, focus) >= THRESHOLD

    def _integer(self, schema: Schema, about: str, name: str) -> Choose:
        target = self._target(about)
        low, high = _bounds(schema, 10)
        least, most = math.ceil(low), math.floor(high)
        return lambda evidence, focus: least + round(evidence.strength(target, focus) * (most - least))

    def _number(self, schema: Schema, about: str, name: str) -> Choose:
        target = self._target(about)
        low, high = map(float, _bounds(schema, 1))
        return lambda evidence, focus: min(
            high, max(low, round(low + evidence.strength(target, focus) * (high - low), 4))
        )

    def _string(self, schema: Schema, about: str, name: str) -> Choose:
        target = self._target(about)
        stated = _STATED_LENGTH.search(schema.get("description") or "")
        longest = int(stated[1].replace(",", "")) if stated else None
        return lambda evidence, focus: (evidence.sentence(target, focus) or _NOTHING_SAID)[:longest]

    def _label(self, labels: list[Any], about: str) -> Choose:
        targets = self._label_targets(labels, about)

        def choose(evidence: Evidence, focus: int | None) -> Any:
            strengths = [evidence.strength(target, focus) for target in targets]
            return labels[strengths.index(max(strengths))]

        return choose

    def _label_targets(self, labels: list[Any], about: str) -> list[int]:
        """A target for each label: its words, and the lines of the description that speak of it."""
        lines = about.splitlines()
        said = [" ".join(line for line in lines[1:] if str(label) in line) for label in labels]
        return [
            self._target(f"{_words(str(label))} {text}") for label, text in zip(labels, said, strict=True)
        ]

    def _array(self, schema: Schema, about: str, name: str) -> Choose:
        items = schema.get("items", {})
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        about = f"{about} {items.get('description', '')}"
        if items.get("enum"):
            return self._labels(items["enum"], about, least, most)
        return self._items(self.compile(items, name), about, least, most)

    def _labels(self, labels: list[Any], about: str, least: int, most: int | None) -> Choose:
        """Distinct labels, nearest first: those that are present, or all where the list must hold all."""
        targets = self._label_targets(labels, about)
        most = len(labels) if most is None else most

        def choose(evidence: Evidence, focus: int | None) -> list[Any]:
            strengths = [evidence.strength(target, focus) for target in targets]
            order = sorted(range(len(labels)), key=lambda position: -strengths[position])
            present = sum(strength >= THRESHOLD for strength in strengths)
            return [labels[position] for position in order[: max(least, min(present, most))]]

        return choose

    def _items(self, item: Choose, about: str, least: int, most: int | None) -> Choose:
        """An item for each of the nearest sentences, in the order of the text."""
        target = self._target(about)
        usual = USUAL_ITEMS if most is None else min(USUAL_ITEMS, most)

        def choose(evidence: Evidence, focus: int | None) -> list[Any]:
            nearest = evidence.nearest(target, focus)
            present = sum(strength >= THRESHOLD for _, strength in nearest)
            count = max(least, min(present, usual))
            if not nearest:
                return [item(evidence, None) for _ in range(count)]
            places = sorted(nearest[position % len(nearest)][0] for position in range(count))
            return [item(evidence, place) for place in places]

        return choose

    def _object(self, schema: Schema, about: str, name: str) -> Choose:
        choices = [(key, self.compile(part, key)) for key, part in schema.get("properties", {}).items()]
        return lambda evidence, focus: {key: choose(evidence, focus) for key, choose in choices}


def _not_understood(what: str) -> ServiceError:
    return ServiceError(400, f"The baseline does not understand {what} in a schema.", code="invalid_schema")


def _bounds(schema: Schema, span: float) -> tuple[float, float]:
    """Between which numbers a value lies; where the schema leaves it open, they are `span` apart."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None:
        low = 0 if high is None or high >= 0 else high - span
    return low, low + span if high is None else high


def _words(name: str) -> str:
    return " ".join(_WORD_BREAK.split(name))
