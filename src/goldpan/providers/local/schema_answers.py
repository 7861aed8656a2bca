"""Values that fit a JSON schema, chosen by how near the text is to what the schema's properties describe.

Understood: object, array (with items or prefixItems), string, integer, number, boolean and null, enum and
const, nullable types, bounds, multipleOf, lengths, `pattern` where the text has a match, anyOf and oneOf (the
first option that is not null), allOf, and $ref within the schema, also recursive. Not understood: `not`,
`if`, `format`, dependencies between properties, and uniqueItems with minItems other than for labels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from goldpan.providers.local.evidence import Evidence, Targets, sentences_of
from goldpan.providers.local.refusal import ServiceError

Schema = dict[str, Any]
Choose = Callable[[Evidence, int | None], Any]
"""(evidence, the sentence in focus or None for all) -> a value."""

THRESHOLD = 0.5
"""Strength from which something counts as present."""
USUAL_ITEMS = 3
"""A list holds so many items unless the schema says otherwise."""
REF_DEPTH = 2
"""How often a recursive definition is entered within itself."""

_STATED_LENGTH = re.compile(r"at most ([\d,]+) characters", re.IGNORECASE)
_WORD_BREAK = re.compile(r"[_\W]+|(?<=[a-z])(?=[A-Z])")
_NOTHING_SAID = "The text says nothing."


class SchemaAnswerer:
    """Answers one schema; making it costs some milliseconds, answering little.

    Raises:
        ServiceError: 400, no finite value can fit the schema.
    """

    def __init__(self, schema: Schema):
        compiler = _Compiler(schema)
        choose = compiler.compile(schema, "", ())
        if choose is None:
            raise ServiceError(400, "No finite value fits the schema.", code="invalid_schema")
        self._choose: Choose = choose
        self._targets = Targets(compiler.texts)

    def answer(self, text: str) -> Any:
        """A value that fits the schema, drawn from `text`."""
        return self._choose(self._targets.evidence(sentences_of(text)), None)


@dataclass
class _Compiler:
    """Turns a schema into functions that choose values, and collects the texts they compare sentences with.

    `compile` gives None where only an endless value would fit; the caller does without, or gives None too.
    """

    root: Schema

    def __post_init__(self) -> None:
        self.texts: list[str] = []

    def compile(self, schema: Schema | bool, name: str, refs: tuple[str, ...]) -> Choose | None:
        if isinstance(schema, bool):
            schema = {}
        reference = schema.get("$ref")
        if reference is not None:
            if refs.count(reference) >= REF_DEPTH:
                return None
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self.compile(self._resolve(reference) | beside, name, (*refs, reference))
        if "allOf" in schema:
            return self.compile(_merged(schema, [self._whole(part) for part in schema["allOf"]]), name, refs)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            return self._one_of(schema, options, name, refs)
        return self._typed(schema, name, refs)

    def _resolve(self, reference: str) -> Schema:
        node: Any = self.root
        try:
            for part in reference.removeprefix("#").strip("/").split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")] if part else node
        except (KeyError, TypeError):
            raise ServiceError(
                400, f"The schema has no definition {reference}.", code="invalid_schema"
            ) from None
        return node

    def _whole(self, schema: Schema) -> Schema:
        return self._resolve(schema["$ref"]) if "$ref" in schema else schema

    def _one_of(
        self, schema: Schema, options: list[Schema], name: str, refs: tuple[str, ...]
    ) -> Choose | None:
        shared = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        filled = [option for option in options if self._whole(option).get("type") != "null"]
        chosen = next(
            filter(None, (self.compile(_merged(shared, [option]), name, refs) for option in filled)), None
        )
        if len(filled) < len(options):
            return self._or_null(chosen, self._about(schema, name))
        return chosen

    def _typed(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose | None:
        if "const" in schema:
            return lambda evidence, focus: schema["const"]
        kinds = schema.get("type") or _implied_type(schema)
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        labels = schema.get("enum")
        nullable = "null" in kinds if labels is None else None in labels
        filled = [kind for kind in kinds if kind != "null"]
        about = self._about(schema, name)
        chosen: Choose | None
        if labels is not None:
            labels = [label for label in labels if label is not None]
            chosen = self._label(labels, about) if labels else None
        elif not filled:
            chosen = None
        else:
            chosen = getattr(self, f"_{filled[0]}")(schema, name, refs)
        return self._or_null(chosen, about) if nullable else chosen

    def _or_null(self, chosen: Choose | None, about: str) -> Choose:
        """Null when the text has nothing to do with what is asked for."""
        if chosen is None:
            return lambda evidence, focus: None
        target, choose = self._target(about), chosen
        return lambda evidence, focus: (
            choose(evidence, focus) if evidence.strength(target, focus) > 0 else None
        )

    def _target(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts) - 1

    @staticmethod
    def _about(schema: Schema, name: str) -> str:
        return f"{_words(name)} {schema.get('title', '')} {schema.get('description', '')}".strip()

    def _boolean(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose:
        target = self._target(self._about(schema, name))
        return lambda evidence, focus: evidence.strength(target, focus) >= THRESHOLD

    def _integer(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose | None:
        return self._number(schema | {"multipleOf": max(1, schema.get("multipleOf", 1))}, name, refs)

    def _number(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose | None:
        target = self._target(self._about(schema, name))
        scale = _scale(schema)
        return scale and (lambda evidence, focus: scale(evidence.strength(target, focus)))

    def _string(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose:
        target = self._target(self._about(schema, name))
        stated = _STATED_LENGTH.search(schema.get("description") or "")
        longest = schema.get("maxLength", int(stated[1].replace(",", "")) if stated else None)
        shortest = schema.get("minLength", 0)
        pattern = re.compile(schema["pattern"]) if "pattern" in schema else None

        def choose(evidence: Evidence, focus: int | None) -> str:
            text = evidence.sentence(target, focus) or _NOTHING_SAID
            if pattern is not None:
                matches = (pattern.search(sentence) for sentence in (text, *evidence.sentences))
                text = next((match[0] for match in matches if match), text)
            return text[:longest].ljust(shortest, ".")

        return choose

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

    def _array(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose | None:
        fixed = [self.compile(part, name, refs) for part in schema.get("prefixItems", [])]
        items = schema.get("items", {})
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if any(part is None for part in fixed):
            return None
        if fixed:
            return lambda evidence, focus: [part(evidence, focus) for part in fixed if part]
        whole = self._whole(items) if isinstance(items, dict) else {}
        about = f"{self._about(schema, name)} {whole.get('description', '')}"
        if whole.get("enum"):
            return self._labels(whole["enum"], about, least, most)
        item = self.compile(items, name, refs)
        if item is None:
            return None if least else lambda evidence, focus: []
        return self._items(item, about, least, most, bool(schema.get("uniqueItems")))

    def _labels(self, labels: list[Any], about: str, least: int, most: int | None) -> Choose:
        """Distinct labels, nearest first: those that are present, or all where the list must hold all."""
        targets = self._label_targets(labels, about)
        most = len(labels) if most is None else most

        def choose(evidence: Evidence, focus: int | None) -> list[Any]:
            strengths = [evidence.strength(target, focus) for target in targets]
            order = sorted(range(len(labels)), key=lambda position: -strengths[position])
            present = sum(strength >= THRESHOLD for strength in strengths)
            count = max(least, min(present, most))
            # More than there are labels can only be had by repeating some.
            return [labels[order[position % len(order)]] for position in range(count)]

        return choose

    def _items(self, item: Choose, about: str, least: int, most: int | None, unique: bool) -> Choose:
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
            found = [item(evidence, place) for place in places]
            return [value for place, value in enumerate(found) if not unique or value not in found[:place]]

        return choose

    def _object(self, schema: Schema, name: str, refs: tuple[str, ...]) -> Choose | None:
        required = schema.get("required", [])
        extra = schema.get("additionalProperties", {})
        properties = schema.get("properties", {}) | {
            key: extra for key in required if key not in schema.get("properties", {})
        }
        fields = {key: self.compile(part, key, refs) for key, part in properties.items()}
        if any(fields[key] is None for key in required):
            return None
        choices = [(key, choose) for key, choose in fields.items() if choose is not None]
        return lambda evidence, focus: {key: choose(evidence, focus) for key, choose in choices}


def _implied_type(schema: Schema) -> str:
    if "properties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema else "string"


def _merged(schema: Schema, parts: list[Schema]) -> Schema:
    """One schema that asks for what `schema` and all `parts` ask for; the own keywords of `schema` win."""
    merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        properties = merged.get("properties", {}) | part.get("properties", {})
        required = [*merged.get("required", []), *part.get("required", [])]
        merged = part | merged
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = list(dict.fromkeys(required))
    return merged


def _scale(schema: Schema) -> Callable[[float], int | float] | None:
    """From a strength (0 to 1) to a number within the schema's bounds; None when there is no such number."""
    step = schema.get("multipleOf")
    low = max((schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema), default=None)
    high = min((schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema), default=None)
    span = 10 * step if step else 1
    if low is None:
        low = 0 if high is None or high >= 0 else high - span
    if high is None:
        high = low + span
    above, below = low == schema.get("exclusiveMinimum"), high == schema.get("exclusiveMaximum")
    if step:
        first, last = math.ceil(low / step), math.floor(high / step)
        first += above and first * step == low
        last -= below and last * step == high
        return None if first > last else lambda strength: (first + round(strength * (last - first))) * step
    # Within open bounds a little is kept clear of either end.
    low, high = low + above * (high - low) / 1000, high - below * (high - low) / 1000
    return (
        None if low > high else lambda strength: min(high, max(low, round(low + strength * (high - low), 4)))
    )


def _words(name: str) -> str:
    return " ".join(_WORD_BREAK.split(name))
