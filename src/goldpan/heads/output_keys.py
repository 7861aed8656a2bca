"""The fields of the original rows that annotated files carry over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from goldpan.errors import StudyError
from goldpan.records.model import RecordHead
from goldpan.waves.strata import look_up

ALWAYS = ("id", "source", "file", "state")
STATE_KEYS = ("state", "reason")
_LINE = "line"


class OutputKeys:
    """Takes fields from records.

    Args:
        keys: names of fields of the original rows (`a.b` goes inside), or `line`.
        columns: of the heads.

    Attributes:
        missing: key -> records whose row has no such field; there it is null.

    Raises:
        StudyError: two columns of a row would have one name.
    """

    def __init__(self, keys: Sequence[str], columns: Sequence[str]) -> None:
        for name in (*keys, *columns):
            if [*ALWAYS, *STATE_KEYS[1:], *keys, *columns].count(name) > 1:
                raise StudyError(
                    f"an annotated row would have two columns called `{name}`",
                    remedy="give the head another name, or take the name out of `output_keys`",
                )
        self._keys = list(keys)
        self._needs_data = any(key != _LINE for key in keys)
        self.missing: Counter[str] = Counter()

    def fields(self, record: RecordHead, line: bytes) -> dict[str, Any]:
        """The keys with their values; a line is parsed only if fields of its data are wanted."""
        data = orjson.loads(line)["data"] if self._needs_data else {}
        return {key: record["line"] if key == _LINE else self._field(data, key) for key in self._keys}

    def _field(self, data: dict[str, Any], key: str) -> Any:
        found, value = look_up(data, key)
        if not found:
            self.missing[key] += 1
        return value
