"""What stands before and after a record in the file that it came from."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from goldpan.files import replacing
from goldpan.records.read import iter_records, parse_record

_FILES_OPEN = 4
_PLACES_KEPT = 64


def add_neighbours(records: Path, sources: Mapping[tuple[str, str], Path], count: int, output: Path) -> int:
    """Write the records of a stage anew with their `neighbours`: data of the usable rows before and after.

    `neighbours.before` and `neighbours.after` are lists of `data`, in the order of the file, with fewer than
    `count` at its ends. Rows that are skipped have none, and are none.

    Args:
        records: of the stage.
        sources: (source, file) -> its records file.
        count: how many on each side.
        output: the records file to write.

    Returns:
        Number of rows written.

    Raises:
        SourceError: a records file is damaged.
    """

    @lru_cache(maxsize=_FILES_OPEN)
    def file_of(source: str, file: str) -> _SourceRows:
        return _SourceRows(sources[source, file])

    @lru_cache(maxsize=_PLACES_KEPT)
    def around(source: str, file: str, line: int) -> dict[str, list[dict[str, Any]]]:
        with file_of(source, file) as rows:
            return rows.around(line, count)

    rows = 0
    with replacing(output) as out:
        for record in iter_records(records):
            made: dict[str, Any] = dict(record)
            if "skip" not in record:
                made["neighbours"] = around(record["source"], record["file"], record["line"])
            out.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
            rows += 1
    return rows


class _SourceRows:
    """The usable rows of a records file, found by their line in the user's file; they stay on disk."""

    def __init__(self, path: Path):
        self._path = path
        self._lines, self._offsets = array("q"), array("Q")
        with path.open("rb") as handle:
            offset = 0
            for number, text in enumerate(handle, 1):
                record = parse_record(path, number, text)
                if "skip" not in record:
                    self._lines.append(record["line"])
                    self._offsets.append(offset)
                offset += len(text)

    def __enter__(self) -> Self:
        self._handle = self._path.open("rb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()

    def around(self, line: int, count: int) -> dict[str, list[dict[str, Any]]]:
        """The data of so many rows before a line and after it."""
        first = bisect_left(self._lines, line)
        last = bisect_left(self._lines, line + 1)
        return {
            "before": [self._data(place) for place in range(max(0, first - count), first)],
            "after": [self._data(place) for place in range(last, min(last + count, len(self._lines)))],
        }

    def _data(self, place: int) -> dict[str, Any]:
        self._handle.seek(self._offsets[place])
        return parse_record(self._path, place + 1, self._handle.readline())["data"]
