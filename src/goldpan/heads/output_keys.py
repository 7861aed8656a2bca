"""The fields of the original rows that annotated files carry over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from goldpan.errors import StudyError
from goldpan.heads.record_lines import parsed
from goldpan.records.look_up import look_up
from goldpan.records.model import Record

ALWAYS = ("id", "source", "file", "state")
STATE_KEYS = ("state", "reason")
_LINE = "line"


class OutputKeys:
    """Takes fields from records.

    Args:
        keys: names of fields of the original rows (`a.b` goes inside), or `line`.
        columns: of the heads.
        where: name of the records file, for errors.

    Attributes:
        missing: key -> records whose row has no such field; there it is null.

    Raises:
        StudyError: two columns of a row would have one name.
    """

    def __init__(self, keys: Sequence[str], columns: Sequence[str], where: str) -> None:
        for name in (*keys, *columns):
            if [*ALWAYS, *STATE_KEYS[1:], *keys, *columns].count(name) > 1:
                raise StudyError(
                    f"an annotated row would have two columns called `{name}`",
                    remedy="give the head another name, or take the name out of `output_keys`",
                )
        self._keys = list(keys)
        self._where = where
        self.missing: Counter[str] = Counter()

    def text(self, line: bytes) -> bytes:
        """The keys with their values in the record of a line, as JSON text with a comma behind each.

        Raises:
            SourceError: the line is not a record.
        """
        if not self._keys:
            return b""
        record = parsed(line, self._where)
        fields = {key: record["line"] if key == _LINE else self._field(record, key) for key in self._keys}
        return orjson.dumps(fields)[1:-1] + b","

    def _field(self, record: Record, key: str) -> Any:
        has_field, value = look_up(record["data"], key)
        if not has_field:
            self.missing[key] += 1
        return value
