"""What the docs list of the configuration, as Markdown: all keys, from the JSON schemas, and the modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from goldpan.errors import StudyError
from goldpan.study.modules import ModuleTable

Schema = dict[str, Any]


def key_reference(schemas: list[Schema]) -> str:
    """One section with a table of keys for each model of some configuration files, in reading order."""
    return "\n".join(_section(name, model) for schema in schemas for name, model in _models(schema))


def module_reference(table: ModuleTable, descriptions: Mapping[str, str]) -> str:
    """The modules as a table, in their order.

    Args:
        table: of the modules.
        descriptions: id of the module -> `NAME: what it finds out`, as its task says.
    """
    rows = ["| module | name | kind | funnel | finds out | in a chain |", "|---|---|---|---|---|---|"]
    for name, module in table.modules.items():
        chain = f"after `{module.after}`" if module.after else "first"
        chain += f", where `{module.where}`" if module.where else ""
        finds = descriptions.get(name, "").removeprefix(f"{module.name}:").strip().rstrip(".")
        off = "" if module.enabled else " (not enabled)"
        rows.append(
            f"| `{name}`{off} | {module.name} | {module.kind} | {module.funnel} | {finds} | {chain} |"
        )
    return "\n".join(rows) + "\n"


def with_reference(
    page: str, tables: str, command: str, of: str = "all keys", edit: str = "the model"
) -> str:
    """A page with one of its lists replaced by `tables`.

    Args:
        of: which list; the page has it between marks with this name.
        edit: what to change instead of the list.

    Raises:
        StudyError: the page has no place for the list.
    """
    begin_mark, end_mark = f"<!-- {of}: begin -->", f"<!-- {of}: end -->"
    before, begin, rest = page.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise StudyError(
            f"the page has lost the marks that its list of {of} stands between", remedy=begin_mark
        )
    note = f"<!-- written by `{command}`: edit {edit}, not this list -->"
    return f"{before}{begin_mark}\n{note}\n\n{tables}\n{end_mark}{after}"


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
