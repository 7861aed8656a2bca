"""Records whose largest value is the same in most of them, such as the tool list of one agent's traces.

Parsing that value anew takes as long as all the rest of a record. So its text is remembered: where the next
record has the same text in the same place, it gets the value that was parsed before.
"""

from __future__ import annotations

import secrets
from typing import Any

import orjson

# Shorter texts are parsed sooner than looked for.
_LEAST_BYTES = 1_000


class RecurringValue:
    """Parses records, and the value at one path in them once for all records that have it alike.

    The value is shared by these records, so it must not be changed.

    Args:
        path: the keys that lead to the value.
    """

    def __init__(self, *path: str):
        *self._way, self._key = path
        self._name = orjson.dumps(self._key) + b":"
        # Nobody could have written this into a record, so wherever it is found after parsing, it was put.
        self._stand_in = secrets.token_hex(16)
        self._named_stand_in = self._name + orjson.dumps(self._stand_in)
        self._text = b""
        self._value: Any = None

    def parse(self, line: bytes) -> Any:
        """What `orjson.loads` makes of a line; raises what that raises."""
        if self._text:
            # Searching for the short name and comparing there is faster than searching for the text.
            start = line.rfind(self._name)
            if start >= 0 and line.startswith(self._text, start):
                record = self._parse_without(line, start)
                if record is not None:
                    return record
        record = orjson.loads(line)
        self._remember(record)
        return record

    def _parse_without(self, line: bytes, start: int) -> Any | None:
        """Parse a line that has the text at `start`; None when the text is not that of our value."""
        try:
            record = orjson.loads(line[:start] + self._named_stand_in + line[start + len(self._text) :])
        except orjson.JSONDecodeError:
            return None
        holder = self._holder(record)
        if holder is None or holder.get(self._key) != self._stand_in:
            return None
        holder[self._key] = self._value
        return record

    def _remember(self, record: Any) -> None:
        holder = self._holder(record)
        value = holder.get(self._key) if holder is not None else None
        # What follows an object or a list is never a part of it, so its text tells where it ends.
        text = self._name + orjson.dumps(value) if isinstance(value, dict | list) else b""
        if len(text) >= _LEAST_BYTES:
            self._text, self._value = text, value

    def _holder(self, record: Any) -> dict[str, Any] | None:
        """The object that has the value, if the record has one there."""
        for key in self._way:
            record = record.get(key) if isinstance(record, dict) else None
        return record if isinstance(record, dict) else None
