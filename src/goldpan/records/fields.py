"""Checking a row against the fields that the study says each row has."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from goldpan.errors import SourceError
from goldpan.records.rows import RowError, type_name
from goldpan.study.model import FieldType

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_NAMES_SHOWN = 12


def check_columns(columns: Iterable[str], wanted: Iterable[str], path: str) -> None:
    """Check that a table has the columns the study names, whatever `on_error` says: no row could be used.

    Raises:
        SourceError: a column is missing.
    """
    columns = list(columns)
    for name in wanted:
        if name not in columns:
            raise SourceError(
                f"there is no column `{name}`; the columns are: {_listed(columns)}",
                where=path,
                remedy="correct `fields` and `id` of the source"
                + (", or give its `delimiter`" if len(columns) == 1 else ""),
            )


def renamed(data: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A row with its fields called as records call them, in their order.

    Args:
        names: name in the file -> name in the record; one that the row does not have has no say.
    """
    return {names.get(name, name): value for name, value in data.items()}


def check_renamed(data: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Check that no two fields of a row are called the same in its record.

    Raises:
        RowError: `bad_row`.
    """
    for name, new in names.items():
        if name in data and new in data and new not in names:
            raise RowError(
                "bad_row",
                f"the field `{name}` is to be renamed to `{new}`, which the row has already",
                remedy="give it another name under `rename` of the source",
            )


def check_not_blank(data: Mapping[str, Any], fields: Iterable[str]) -> None:
    """Check that none of `fields` is absent, null, or only white space.

    Raises:
        RowError: `blank`.
    """
    for name in fields:
        value = data.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise RowError("blank", f"the field `{name}` is empty")


def check_fields(data: dict[str, Any], fields: Mapping[str, FieldType]) -> None:
    """Check that typed data has all `fields`, each of its type. An integer is also a number.

    Raises:
        RowError: `missing_field` or `wrong_type`.
    """
    for name, wanted in fields.items():
        if name not in data:
            raise RowError(
                "missing_field",
                f"the row has no field `{name}`; it has: {_listed(data)}",
                remedy="correct the row, or `fields` of the source",
            )
        if not _is_a(data[name], wanted):
            raise _wrong_type(name, wanted, f"it is {type_name(data[name])}")


def convert_cells(cells: dict[str, str], fields: Mapping[str, FieldType]) -> dict[str, Any]:
    """The cells of a text table with those named in `fields` brought to their types.

    Raises:
        RowError: `missing_field` for an empty cell that should hold a value, `wrong_type` for another.
    """
    row: dict[str, Any] = dict(cells)
    for name, wanted in fields.items():
        if wanted == "string":
            continue
        text = cells[name].strip()
        if not text:
            raise RowError(
                "missing_field",
                f"the cell of column `{name}` is empty",
                remedy="fill it, or take the column out of `fields` of the source",
            )
        row[name] = _CONVERTERS[wanted](name, wanted, text)
    return row


def _is_a(value: Any, wanted: FieldType) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _PYTHON_TYPES[wanted])


_PYTHON_TYPES: dict[FieldType, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def _to_integer(name: str, wanted: FieldType, text: str) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > 20 or not _SMALLEST <= int(text) <= _LARGEST:
        raise _wrong_type(name, wanted, f"the cell holds {_shortened(text)}")
    return int(text)


def _to_number(name: str, wanted: FieldType, text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise _wrong_type(name, wanted, f"the cell holds {_shortened(text)}")
    return float(text)


def _to_boolean(name: str, wanted: FieldType, text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise _wrong_type(name, wanted, f"the cell holds {_shortened(text)}, not true, false, 1 or 0")
    return _BOOLEANS[text.lower()]


def _to_nested(name: str, wanted: FieldType, text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not _is_a(value, wanted):
        raise _wrong_type(name, wanted, f"the cell holds {_shortened(text)}, which is not that in JSON")
    return value


_CONVERTERS = {
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
    "object": _to_nested,
    "array": _to_nested,
}


def _wrong_type(name: str, wanted: FieldType, instead: str) -> RowError:
    return RowError(
        "wrong_type",
        f"the field `{name}` must be of type {wanted}, but {instead}",
        remedy="correct the row, or the type under `fields` of the source",
    )


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (", ".join(names[:_NAMES_SHOWN]) or "none") + more


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
