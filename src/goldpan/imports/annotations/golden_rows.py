"""Rows of a golden set that annotations are joined to, and those that it lacks."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from goldpan.experiments.data_set import DataSet
from goldpan.files import canonical_json, sha256_hex
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.joining import JoinIndex, JoinKey, NotJoinedError, join_text
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.records.look_up import look_up, put
from goldpan.records.model import Record

_METADATA = "metadata"


class GoldenRows(JoinIndex[Record]):
    """Finds rows of a golden set, and makes those that it lacks where that is wanted.

    Attributes:
        metadata_left: fields under `metadata` -> new rows that do not get them.
    """

    def __init__(self, key: JoinKey, data_set: DataSet, settings: AnnotationMap, adds_rows: bool):
        self.records = [record for record in data_set.records() if "skip" not in record]
        super().__init__(key, self.records, _key_values)
        self._settings, self._adds_rows = settings, adds_rows
        shown = data_set.fields_to_show()
        self._shown = {
            path: all(look_up(record["data"], path)[0] for record in self.records) for path in shown
        }
        self._new: dict[str, Record] = {}
        self.metadata_left: Counter[str] = Counter()

    def is_new(self, row: Record) -> bool:
        return not row["source"]

    def of(self, annotation: ExportedAnnotation) -> Record:
        if not self._adds_rows or self.has_rows_of(annotation):
            return super().of(annotation)
        data: dict[str, Any] = {}
        for path, is_needed in self._shown.items():
            theirs = self._settings.rows.get(path, path)
            has, value = look_up(annotation.data, theirs)
            if has and value not in (None, ""):
                value = self._of_our_type(path, value)
                put(data, path, value)
            elif is_needed:
                raise NotJoinedError("as a new row it lacks what all rows have", f"`{path}`, from `{theirs}`")
        name = join_text(look_up(annotation.data, self.key.theirs)[1]) if self.key.ours == "id" else None
        name = name or f"imported-{sha256_hex(canonical_json(data))[:16]}"
        row = Record(id=name, source="", file="", line=0, data={"id": name, **data})
        if name not in self._new:
            self.metadata_left.update(_metadata_fields(annotation.data))
        known = self._new.setdefault(name, row)
        if known["data"] != row["data"]:
            raise NotJoinedError("a new row of its id has other contents", f"`{name}`")
        return known

    def _of_our_type(self, path: str, value: Any) -> Any:
        """A value as rows of ours have it: lists and numbers stand as text in cells.

        Raises NotJoinedError where it is none of that kind.
        """
        found = (look_up(record["data"], path)[1] for record in self.records)
        kinds = {type(one) for one in found if one is not None}
        if not kinds or type(value) in kinds:
            return value
        if isinstance(value, str):
            with contextlib.suppress(orjson.JSONDecodeError):
                told = orjson.loads(value)
                if type(told) in kinds:
                    return told
        raise NotJoinedError("as a new row it has a field of another kind than all rows", f"`{path}`")


def _metadata_fields(data: Mapping[str, Any]) -> Iterator[str]:
    """Names of what stands under `metadata` in a row of a tool: as columns (`metadata.page`) or an object."""
    for name, value in data.items():
        if name == _METADATA and isinstance(value, Mapping):
            yield from (f"{name}.{part}" for part in value)
        elif name == _METADATA or name.startswith(f"{_METADATA}."):
            yield name


def _key_values(record: Record, field: str) -> Iterable[Any]:
    if field == "id":
        return [record["id"]]
    has, value = look_up(record["data"], field)
    return [value] if has else []
