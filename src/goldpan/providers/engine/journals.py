"""Where a batch's answers gather as they come, and how they become its output and error file.

    {id}.answers   the lines of answers, one after the other, in the order in which they came
    {id}.index     for each row that is done: its number, whether it failed, and where its lines are

An entry of the index is written after what it points to, and both as soon as an answer comes, so a process
that dies loses no answer. The checkpoint says how many rows were done when it was written; the rest is read
from the index. Publishing makes both files anew from the journals, and can be done again.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import orjson

from goldpan.providers.engine.completions import unanswered_line
from goldpan.providers.engine.objects import BatchRecord
from goldpan.providers.engine.store import Store
from goldpan.providers.engine.validation import input_rows

_ENTRY = struct.Struct("<I?QQ")
_UNANSWERED = {
    "expired": ("batch_expired", "This request was not run before the completion window ended."),
    "cancelled": ("batch_cancelled", "This request was not run before the batch was cancelled."),
}


class Entry(NamedTuple):
    """A row that is done: its number in the input, from 1, and which bytes of the answers are its lines."""

    row: int
    failed: bool
    start: int
    length: int


class Journals:
    """The journals of one batch, for whoever holds its lock."""

    def __init__(self, store: Store, record: BatchRecord):
        self._store, self._record = store, record
        self._answers_path = store.journals / f"{record.id}.answers"
        self._index_path = store.journals / f"{record.id}.index"

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Have both ready; the record then counts all rows that are in them.

        Those that were done after the checkpoint are added to it. Where a power cut took some that it counts,
        it is made anew from what is left.
        """
        record = self._record
        with self._answers_path.open("a+b") as self._answers, self._index_path.open("a+b") as self._index:
            self._end = self._answers.seek(0, os.SEEK_END)
            entries = self._entries(record.rows_done)
            if entries is None:
                record.count_again()
                entries = self._entries(0) or []
            for entry in entries:
                record.count(entry.row, failed=entry.failed)
            self._index.truncate(record.rows_done * _ENTRY.size)
            yield

    def add(self, row: int, lines: bytes, *, failed: bool) -> None:
        """Write down that a row is done, with the lines that it has in the output or the error file."""
        self._answers.write(lines)
        self._answers.flush()
        self._index.write(_ENTRY.pack(row, failed, self._end, len(lines)))
        self._index.flush()
        self._end += len(lines)
        self._record.count(row, failed=failed)

    def sync(self) -> None:
        """See to it that what was added outlives a power cut."""
        os.fsync(self._answers.fileno())
        os.fsync(self._index.fileno())

    def lines(self) -> Iterator[bytes]:
        """The lines of all rows that are done, in the order in which they came."""
        return self._lines(self._entries(0) or [])

    def publish(self, source: Path, order: Callable[[list[Entry]], list[Entry]]) -> None:
        """Make the batch's files in the order of its input and note their ids; one without lines is not made.

        Args:
            source: the batch's input, for the rows that were never run.
            order: another order for the output.
        """
        record = self._record
        with self.open():
            entries = sorted(self._entries(0) or [])
            output = order([entry for entry in entries if not entry.failed])
            errors = [entry for entry in entries if entry.failed]
            unanswered = self._unanswered(source, {entry.row for entry in entries})
            record.error_file_id = self._file("errors", "e", self._lines(errors), unanswered)
            record.output_file_id = self._file("output", "f", self._lines(output))

    def remove(self) -> None:
        """Remove both, once the batch has ended."""
        self._answers_path.unlink(missing_ok=True)
        self._index_path.unlink(missing_ok=True)

    def _entries(self, first: int) -> list[Entry] | None:
        """Those from number `first` on, but not what was written in part; None if there are not so many."""
        before = max(0, first - 1)
        self._index.seek(before * _ENTRY.size)
        content = self._index.read()
        whole = len(content) // _ENTRY.size * _ENTRY.size
        entries = [Entry(*values) for values in _ENTRY.iter_unpack(content[:whole])]
        # They point to ever later bytes.
        while entries and entries[-1].start + entries[-1].length > self._end:
            entries.pop()
        return entries[first - before :] if len(entries) >= first - before else None

    def _lines(self, entries: list[Entry]) -> Iterator[bytes]:
        for entry in entries:
            self._answers.seek(entry.start)
            yield self._answers.read(entry.length)

    def _unanswered(self, source: Path, done: set[int]) -> Iterator[bytes]:
        """A line for each row that an expired or cancelled batch did not come to; none where it was not
        validated, since its lines may be anything."""
        if self._record.ending in _UNANSWERED and self._record.total:
            code, message = _UNANSWERED[self._record.ending]
            for row, (_, line) in enumerate(input_rows(source), 1):
                if row not in done:
                    custom_id = orjson.loads(line)["custom_id"]
                    yield unanswered_line(self._record.id, custom_id, code, message)

    def _file(self, name: str, mark: str, *parts: Iterator[bytes]) -> str | None:
        # The id follows from the batch's, so that a second attempt overwrites what the first has written.
        prefix, _, number = self._record.id.rpartition("batch_")
        file_id = f"{prefix}file-{number[:-1]}{mark}"
        lines = chain(*parts)
        first = next(filter(None, lines), None)
        if first is None:
            return None
        with self._store.writing(file_id) as target:
            target.writelines(chain([first], lines))
        self._store.describe_file(file_id, f"{self._record.id}_{name}.jsonl", "batch_output")
        return file_id
