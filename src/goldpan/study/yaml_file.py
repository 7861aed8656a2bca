"""Reading YAML that people write, and that may come from elsewhere: plain values, bounded, and as meant.

Of YAML's types those are taken that JSON has. What YAML would read otherwise than it looks is either text, as
it looks (a date), or an error that names the line (`010`, which is eight; a key `no`, which is false).
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from goldpan.errors import SourceError, StudyError
from goldpan.files import read_whole

LARGEST_YAML = 1 << 20
"""Bytes: reading as many takes some twenty seconds; a task of 1,000 described labels has 100,000."""
MOST_NODES = 250_000
"""Values of a file with every alias written out; a task of 1,000 labels has some 3,000."""
DEEPEST = 64
"""Levels of nesting, aliases written out."""

_LEAST, _MOST = -(2**63), 2**64 - 1
"""Integers that JSON's readers keep exactly."""
_MISREAD_NUMBER = re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")
_MERGE = "tag:yaml.org,2002:merge"
_QUOTE = "put it in quotes if it is text"
_TOO_DEEP = f"nested more than {DEEPEST} levels deep"


class _PlainLoader(yaml.SafeLoader):
    """A safe loader of plain values.

    It refuses a key given twice, where YAML would let the last one win; keys that are no text; what grows
    without end when its aliases are written out; and numbers that JSON cannot hold.
    """

    def plain_value(self) -> Any:
        """The value of the only document. Raises MarkedYAMLError with the place of what is wrong."""
        root = self.get_single_node()
        if root is None:
            return None
        self._extents: dict[int, tuple[int, int]] = {}
        self._measuring: set[int] = set()
        self._measure(root)
        return self.construct_document(root)

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        # PyYAML takes time by the square of the depth before it comes to the end of its stack.
        if self.flow_level >= DEEPEST:
            raise yaml.scanner.ScannerError(None, None, _TOO_DEEP, self.get_mark())
        super().fetch_flow_collection_start(token)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put the keys that `<<` merges before the mapping's own, which win; of several the first does.

        So YAML has it; PyYAML 6.0.4 lets the last of several win, and sometimes a merged key over an own one.
        """
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        own: list[tuple[yaml.Node, yaml.Node]] = []
        for key_node, value_node in node.value:
            if key_node.tag != _MERGE:
                own.append((key_node, value_node))
                continue
            mappings = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
            for mapping in reversed(mappings):
                if not isinstance(mapping, yaml.MappingNode):
                    raise _wrong(f"`<<` merges a mapping or a list of mappings, not a {mapping.id}", mapping)
                self.flatten_mapping(mapping)
                merged += mapping.value
        node.value = merged + own

    def _measure(self, node: yaml.Node, level: int = 1) -> tuple[int, int]:
        """(nodes, levels) of what `node` holds with every alias written out; each node is looked at once."""
        if id(node) in self._measuring:
            raise _wrong("an anchor stands within itself", node)
        if id(node) not in self._extents:
            # Aliases of aliases may lead deeper than the file is nested, so this must end by itself.
            if level > DEEPEST:
                raise _wrong(_TOO_DEEP, node)
            self._measuring.add(id(node))
            if isinstance(node, yaml.MappingNode):
                # Here, since merging a mapping into another writes keys into it a second time.
                self._check_keys(node)
            parts = [self._measure(part, level + 1) for part in _parts(node)]
            self._measuring.remove(id(node))
            nodes, levels = 1 + sum(n for n, _ in parts), 1 + max((n for _, n in parts), default=0)
            self._extents[id(node)] = nodes, levels
        nodes, levels = self._extents[id(node)]
        if nodes > MOST_NODES:
            raise _wrong(f"with its aliases (`*name`) written out it has over {MOST_NODES:,} values", node)
        if levels > DEEPEST:
            raise _wrong(_TOO_DEEP, node)
        return nodes, levels

    def _check_keys(self, node: yaml.MappingNode) -> None:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise _wrong("a key is a list or a mapping: keys are text", key_node)
            key = self.construct_object(key_node)
            if not isinstance(key, str | int) or isinstance(key, bool):
                said = "null" if key is None else str(key).lower()
                raise _wrong(
                    f"the key `{key_node.value}` is no text (YAML reads it as {said}): put it in quotes",
                    key_node,
                )
            if key in seen:
                raise _wrong(f"key `{key}` is given twice (first in line {seen[key]})", key_node)
            seen[key] = key_node.start_mark.line + 1

    def _integer(self, node: yaml.ScalarNode) -> int:
        _check_looks(node)
        try:
            number = self.construct_yaml_int(node)
        except ValueError:
            # Also for too many digits: Python refuses to read more than 4,300.
            number = _MOST + 1
        if not _LEAST <= number <= _MOST:
            raise _wrong(f"the integer {_short(node)} does not fit 64 bits; {_QUOTE}", node)
        return number

    def _number(self, node: yaml.ScalarNode) -> float:
        _check_looks(node)
        try:
            number = self.construct_yaml_float(node)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise _wrong(f"{_short(node)} is not a finite number; {_QUOTE}", node)
        return number

    def _unknown(self, node: yaml.Node) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        what = f"the tag {tag[:60]} is not allowed"
        raise _wrong(f"{what}: values are text, numbers, true, false, lists and mappings", node)


_PlainLoader.yaml_constructors = {
    **{
        f"tag:yaml.org,2002:{tag}": yaml.SafeLoader.yaml_constructors[f"tag:yaml.org,2002:{tag}"]
        for tag in ("null", "bool", "str", "seq", "map")
    },
    "tag:yaml.org,2002:int": _PlainLoader._integer,
    "tag:yaml.org,2002:float": _PlainLoader._number,
    # A date is the text that it looks like: no key takes one, and as a label it is meant as text.
    "tag:yaml.org,2002:timestamp": yaml.SafeLoader.construct_yaml_str,
    None: _PlainLoader._unknown,
}


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _check_looks(node: yaml.ScalarNode) -> None:
    """Refuse `010` (YAML reads eight), `0_1` and `1:30` (ninety)."""
    if _MISREAD_NUMBER.fullmatch(node.value):
        raise _wrong(f"{_short(node)} is not the number it looks like; write it otherwise, or {_QUOTE}", node)


def _short(node: yaml.ScalarNode) -> str:
    return f"`{node.value[:24]}{'…' if len(node.value) > 24 else ''}`"


def _wrong(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that must hold a mapping; see the module for what it may hold.

    Raises:
        StudyError: no such file, too large, not YAML (with line and column), a repeated key, a value that is
            not plain, or not a mapping.
    """
    try:
        text = read_whole(path, LARGEST_YAML).decode("utf-8-sig")
    except FileNotFoundError:
        raise StudyError("there is no such file", where=str(path), remedy="check the name") from None
    except IsADirectoryError:
        raise StudyError("is a folder, not a file", where=str(path), remedy="name a file in it") from None
    except OSError as error:
        raise StudyError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise StudyError(
            "cannot be read: not UTF-8", where=f"{path}, line {line}", remedy="save it as UTF-8"
        ) from None
    except SourceError as error:
        raise StudyError(error.what, where=error.where, remedy=error.remedy) from None
    try:
        value = _PlainLoader(text).plain_value()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise StudyError(f"not valid YAML: {error.problem}", where=place) from None
    except RecursionError:
        raise StudyError(f"not valid YAML: {_TOO_DEEP}", where=str(path)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise StudyError(f"not valid YAML: {error}", where=str(path)) from None
    if not isinstance(value, dict):
        raise StudyError("must be a mapping of keys to values", where=str(path))
    return value
