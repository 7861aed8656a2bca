"""The JSON schema of a task's answer, as a tool and as a response format.

Only keywords that strict structured outputs accept are used
(https://platform.openai.com/docs/guides/structured-outputs#supported-schemas): `minimum`, `maximum`,
`minItems` and `maxItems` are among them, `uniqueItems` and `maxLength` are not. What the schema cannot say is
said in the descriptions, and everything is checked again when the answer is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Field_,
    Labelled,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.tasks.task import Task

Schema = dict[str, Any]

_BOUNDS = ("minimum", "maximum", "minItems", "maxItems")


def parameters_schema(task: Task) -> Schema:
    """JSON schema of an answer: flat keys in the order of the features, each reason right before its value.

    A model writes fields in the order of the schema: a reason that comes first can still change the value.
    """
    properties: dict[str, Schema] = {}
    for feature in task.features:
        if feature.rationale_key:
            properties[feature.rationale_key] = {"type": "string", "description": _rationale(feature)}
        properties[feature.key] = feature_schema(feature)
    return _closed_object(properties)


def tool(task: Task, bounds: bool = True) -> dict[str, Any]:
    """The function tool that the annotator is made to call.

    Args:
        bounds: whether its schema has `minimum`, `maxItems` and the like; see `without_bounds`.
    """
    return {
        "type": "function",
        "function": {
            "name": task.function_name,
            "description": function_description(task),
            "strict": True,
            "parameters": _sent_schema(task, bounds),
        },
    }


def tool_choice(task: Task) -> dict[str, Any]:
    """The request parameter that forces the call of `tool(task)`."""
    return {"type": "function", "function": {"name": task.function_name}}


def response_format(task: Task, bounds: bool = True) -> dict[str, Any]:
    """The request parameter that asks for the same answer as strict JSON text."""
    return {
        "type": "json_schema",
        "json_schema": {
            "name": task.function_name,
            "description": function_description(task),
            "strict": True,
            "schema": _sent_schema(task, bounds),
        },
    }


def _sent_schema(task: Task, bounds: bool) -> Schema:
    return parameters_schema(task) if bounds else without_bounds(parameters_schema(task))


def without_bounds(schema: Schema) -> Schema:
    """A copy without `minimum`, `maximum`, `minItems` and `maxItems`.

    For models that refuse these (fine-tuned ones, some Azure deployments): the descriptions still state the
    bounds and the answers are still checked against them.
    """
    return {
        key: without_bounds(value) if isinstance(value, dict) else value
        for key, value in schema.items()
        if key not in _BOUNDS or isinstance(value, dict)
    }


def labels_with_line_breaks(task: Task) -> list[str]:
    """Labels that a strict schema may not hold, each once.

    The service says: `\\n is not allowed in string literals for structured outputs (strict=true)`.
    """
    enums = (node.get("enum", ()) for _, node in _objects(parameters_schema(task), 1))
    labels = dict.fromkeys(label for enum in enums for label in enum if label is not None)
    return [label for label in labels if "\n" in label or "\r" in label]


def beyond_strict_limits(task: Task) -> list[str]:
    """In what the task exceeds OpenAI's limits for strict schemas, one sentence each; empty when it fits.

    The limits: 5,000 properties, 10 levels of nesting, 1,000 enum values and 120,000 characters of names and
    enum values in all, and 15,000 characters in one enum of more than 250 values.
    """
    objects = list(_objects(parameters_schema(task), 1))
    names = [name for _, node in objects for name in node.get("properties", ())]
    enums = [[value for value in node["enum"] if value is not None] for _, node in objects if "enum" in node]
    values = [value for enum in enums for value in enum]
    longest = max((sum(map(len, enum)) for enum in enums if len(enum) > 250), default=0)
    measures = [
        (len(names), 5_000, "properties"),
        (max(depth for depth, node in objects if "properties" in node), 10, "levels of nesting"),
        (len(values), 1_000, "labels in all"),
        (sum(map(len, names)) + sum(map(len, values)), 120_000, "characters of names and labels"),
        (longest, 15_000, "characters in one set of labels"),
    ]
    return [
        f"{size:,} {what}; a strict schema may have {most:,}" for size, most, what in measures if size > most
    ]


def feature_schema(feature: Feature) -> Schema:
    """JSON schema of one feature's value."""
    schema = _value_schema(feature)
    if feature.abstain:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _value_schema(feature: Feature) -> Schema:
    about = _about(feature)
    match feature:
        case Binary():
            return {"type": "boolean", "description": about}
        case Classification():
            return {"type": "string", "enum": feature.label_list, "description": about}
        case Multilabel():
            schema: Schema = _array({"type": "string", "enum": feature.label_list}, about)
            if feature.min_labels:
                schema["minItems"] = feature.min_labels
            schema["maxItems"] = feature.max_labels or len(feature.label_list)
            return schema
        case Score():
            least, most = _bounds(feature)
            kind = "integer" if feature.integer else "number"
            return {"type": kind, "minimum": least, "maximum": most, "description": about}
        case Text():
            return {"type": "string", "description": about}
        case Extraction():
            schema = _array(_closed_object(_field_schemas(feature.fields)), about)
            if feature.max_items is not None:
                schema["maxItems"] = feature.max_items
            return schema
        case Ranking():
            schema = _array({"type": "string", "enum": feature.items}, about)
            return {**schema, "minItems": len(feature.items), "maxItems": len(feature.items)}


def _about(feature: Feature) -> str:
    """What the annotator is told: the description, what the schema cannot say, the labels, abstention."""
    parts = [_sentence(feature.description)]
    match feature:
        case Score():
            least, most = _bounds(feature)
            kind = "A whole number" if feature.integer else "A number"
            parts.append(f"{kind} from {least} to {most}.")
        case Text(max_chars=int(limit)):
            parts.append(f"At most {limit} characters.")
        case Multilabel():
            parts.append(_how_many("labels", feature.min_labels, feature.max_labels))
        case Extraction():
            parts.append(_how_many("items", 0, feature.max_items))
            parts.append("An empty list when there are none.")
        case Ranking():
            parts.append("All items, the best first, each exactly once.")
    if feature.required_when:
        condition = " ".join(feature.required_when.split())
        parts.append(f"Required when {condition}; null in all other cases.")
    elif feature.abstain:
        parts.append("Use null when the material does not say.")
    text = " ".join(filter(None, parts))
    if isinstance(feature, Labelled) and isinstance(feature.labels, dict):
        described = [
            f"- {label}: {about.strip()}" if about.strip() else f"- {label}"
            for label, about in feature.labels.items()
        ]
        text = "\n".join([text, "Labels:", *described])
    return text


def _sentence(text: str) -> str:
    """The text with a full stop, so that what follows does not run into it."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":", ")")) else f"{text}."


def _bounds(feature: Score) -> tuple[float, float]:
    return (int(feature.min), int(feature.max)) if feature.integer else (feature.min, feature.max)


def _how_many(what: str, least: int, most: int | None) -> str:
    limits = [f"at least {least}"] * (least > 0) + [f"at most {most}"] * (most is not None)
    return f"Number of {what}: {', '.join(limits)}." if limits else ""


def _rationale(feature: Feature) -> str:
    if isinstance(feature.rationale, str):
        return feature.rationale.strip()
    return "Why, in one or two sentences that point to the evidence."


def function_description(task: Task) -> str:
    """What is said of the function, with the rules that hold between its fields."""
    rules = [
        f"At most one of these may be true: {', '.join(f'{name}_detected' for name in group.order)};"
        " where several seem to fit, the one named first."
        for group in task.exclusive
    ]
    return " ".join([task.function_description.strip(), *rules])


def _field_schemas(fields: list[Field_]) -> dict[str, Schema]:
    return {field.name: _field_schema(field) for field in fields}


def _field_schema(field: Field_) -> Schema:
    schema: Schema
    if field.type == "object":
        schema = _closed_object(_field_schemas(field.fields or []))
    elif field.type == "list":
        items = _closed_object(_field_schemas(field.fields)) if field.fields else _string(field.labels)
        schema = {"type": "array", "items": items}
    elif field.type == "string":
        schema = _string(field.labels)
    else:
        schema = {"type": field.type}
    if field.description:
        schema["description"] = field.description.strip()
    if field.nullable:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _string(labels: list[str] | None) -> Schema:
    return {"type": "string", "enum": list(labels)} if labels else {"type": "string"}


def _array(items: Schema, about: str) -> Schema:
    return {"type": "array", "items": items, "description": about}


def _closed_object(properties: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _objects(schema: Schema, depth: int) -> Iterator[tuple[int, Schema]]:
    """All schemas within `schema` with their depth of nesting."""
    yield depth, schema
    for child in schema.get("properties", {}).values():
        yield from _objects(child, depth + 1)
    if "items" in schema:
        yield from _objects(schema["items"], depth)
