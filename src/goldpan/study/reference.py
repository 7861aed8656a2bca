"""The list of all keys of the configuration files as Markdown tables, made from their JSON schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from goldpan.errors import StudyError

_BEGIN = "<!-- all keys: begin -->"
_END = "<!-- all keys: end -->"

Schema = dict[str, Any]


def key_reference(schemas: list[Schema]) -> str:
    """One section with a table of keys for each model of some configuration files, in reading order."""
    return "\n".join(_section(name, model) for schema in schemas for name, model in _models(schema))


def with_reference(page: str, tables: str, command: str) -> str:
    """A page with its list of keys replaced by `tables`.

    Raises:
        StudyError: the page has no place for the list.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise StudyError("the page of keys has lost the marks that its list stands between", remedy=_BEGIN)
    note = f"<!-- written by `{command}`: edit the model, not this list -->"
    return f"{before}{_BEGIN}\n{note}\n\n{tables}\n{_END}{after}"


def _models(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """A schema's root and the models it leads to, each once, those named first before those named later."""
    waiting, met = [schema["title"]], {schema["title"]}
    models = {schema["title"]: schema} | schema.get("$defs", {})
    while waiting:
        name = waiting.pop(0)
        yield name, models[name]
        for target in _targets(models[name].get("properties", {})):
            if target not in met and models[target].get("type") == "object":
                met.add(target)
                waiting.append(target)


def _targets(node: Any) -> Iterator[str]:
    """Names of the models that a schema refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield _name(value)
            else:
                yield from _targets(value)
    elif isinstance(node, list):
        for item in node:
            yield from _targets(item)


def _section(name: str, model: Schema) -> str:
    required = model.get("required", [])
    rows = [
        f"| `{key}` | {_type(value)} | {_default(key, value, required)} | {_meaning(value)} |"
        for key, value in model["properties"].items()
    ]
    table = ["| key | value | default | meaning |", "|---|---|---|---|", *rows]
    purpose = model.get("description", "").split("\n\n")[0].replace("\n", " ")
    return "\n".join([f"### {name}", "", purpose, "", *table, ""])


def _type(node: Schema) -> str:
    """What a key takes, in words."""
    if "$ref" in node:
        name = _name(node["$ref"])
        return f"[{name}](#{name.lower()})"
    for choice in ("anyOf", "oneOf"):
        if choice in node:
            options = [item for item in node[choice] if item.get("type") != "null"]
            return " or ".join(_type(item) for item in sorted(options, key=_is_array))
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    return _SPELLINGS.get(node.get("type", ""), _plain)(node)


def _is_array(node: Schema) -> bool:
    return node.get("type") == "array"


def _plain(node: Schema) -> str:
    return f"{_WORDS.get(node.get('type', ''), 'anything')}{_bounds(node)}"


def _array(node: Schema) -> str:
    if "prefixItems" in node:
        return "[" + ", ".join(_type(item) for item in node["prefixItems"]) + "]"
    return f"list of {_type(node.get('items', {}))}"


def _object(node: Schema) -> str:
    patterns = list(node.get("patternProperties", {}).values())
    values = patterns[0] if patterns else node.get("additionalProperties")
    return f"mapping of names to {_type(values)}" if isinstance(values, dict) else "mapping"


_SPELLINGS = {"array": _array, "object": _object}
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
_LIMITS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "to {}",
    "exclusiveMaximum": "below {}",
}


def _bounds(node: Schema) -> str:
    bounds = [words.format(f"{node[key]:,}") for key, words in _LIMITS.items() if key in node]
    return f" ({' '.join(bounds)})" if bounds else ""


def _meaning(node: Schema) -> str:
    return str(node.get("description", "")).replace("|", "\\|")


def _default(key: str, node: Schema, required: list[str]) -> str:
    if key in required:
        return "required"
    default = node.get("default")
    if default is None or default == {} or default == [] or default == "":
        return ""
    return "its own" if isinstance(default, dict) else f"`{orjson.dumps(default).decode()}`".replace('"', "")


def _name(reference: str) -> str:
    return reference.rsplit("/", 1)[1]
