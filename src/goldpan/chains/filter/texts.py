"""The text that a filter looks at."""

from __future__ import annotations

from typing import Any

from goldpan.errors import SourceError
from goldpan.records.look_up import look_up
from goldpan.records.model import Record

_ITEM = "item"


class TextReader:
    """Reads the text of records; those without one are counted.

    Args:
        path: field of `data` (`a.b` goes inside); of a record that is an item also `item` or `item.NAME`.

    Attributes:
        records, without: records read so far, and those of them that have no such field.
    """

    def __init__(self, path: str):
        self._path = path.removeprefix("data.")
        self.records = self.without = 0

    def __call__(self, record: Record) -> str:
        """The text of a record; empty where there is none. A number is taken as it is written.

        Raises:
            SourceError: something else stands there.
        """
        self.records += 1
        data: dict[str, Any] = record["data"]
        if self._path.partition(".")[0] == _ITEM and _ITEM in record:
            data = {_ITEM: record["item"]}
        is_there, value = look_up(data, self._path)
        self.without += not is_there
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise SourceError(
            f"`{self._path}` of record {record['id']!r} is no text but {type(value).__name__}",
            where=f"{record['source']}/{record['file']}:{record['line']}",
            remedy="name under `text` of the filter the field that holds the text",
        )
