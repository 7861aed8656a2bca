"""The two files a batch's answers gather in, and how they become its output and error file.

Whatever moment the process dies at, the checkpoint says how much of each journal counts, and publishing can
be done again: a journal is either still there or has become the file.
"""

from __future__ import annotations

import contextlib
import os
import random
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from goldpan.files import replacing
from goldpan.providers.local.completions import unanswered_line
from goldpan.providers.local.objects import BatchRecord
from goldpan.providers.local.store import Store
from goldpan.providers.local.validation import input_rows

_BUFFER = 1 << 20
_UNANSWERED = {
    "expired": ("batch_expired", "This request was not run before the completion window ended."),
    "cancelled": ("batch_cancelled", "This request was not run before the batch was cancelled."),
}


class Journals:
    """The journals of one batch, for whoever holds its lock; lengths and file ids are noted in `record`."""

    def __init__(self, store: Store, record: BatchRecord):
        self._store, self._record = store, record
        self._output = store.journals / f"{record.id}.output"
        self._errors = store.journals / f"{record.id}.errors"

    def begin(self) -> None:
        """Make both, empty."""
        self._output.touch()
        self._errors.touch()

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """Both journals, cut back to the checkpoint; at the end they are on disk and their lengths noted."""
        with (
            self._output.open("r+b", buffering=_BUFFER) as output,
            self._errors.open("r+b", buffering=_BUFFER) as errors,
        ):
            for journal, length in ((output, self._record.output_bytes), (errors, self._record.error_bytes)):
                journal.truncate(length)
                journal.seek(length)
            yield output, errors
            for journal in (output, errors):
                journal.flush()
                os.fsync(journal.fileno())
            self._record.output_bytes, self._record.error_bytes = output.tell(), errors.tell()

    def shuffle(self) -> None:
        """Put the output into another order."""
        if self._output.exists():
            shuffle_lines(self._output, seed=self._record.ordinal)

    def publish(self, source: Path) -> None:
        """Turn the journals into files and note their ids; one without lines becomes none.

        Args:
            source: the batch's input, for the rows that were never run.
        """
        record = self._record
        if self._errors.exists() and record.ending in _UNANSWERED:
            self._write_unanswered(source)
        # Errors first: while their journal is there, the other one must be there to be opened with it.
        record.error_file_id = self._become_file(self._errors, "errors", "e")
        record.output_file_id = self._become_file(self._output, "output", "f")

    def _write_unanswered(self, source: Path) -> None:
        """A line in the error file for each row that an expired or cancelled batch did not come to.

        The saved checkpoint stays in front of these lines: after a crash they are cut off and written anew.
        """
        code, message = _UNANSWERED[self._record.ending]
        with self.open() as (_, errors):
            for _, line in input_rows(source, self._record.input_offset):
                custom_id = orjson.loads(line)["custom_id"]
                errors.write(unanswered_line(self._record.id, custom_id, code, message))

    def _become_file(self, journal: Path, name: str, mark: str) -> str | None:
        # The id follows from the batch's, so that a second attempt finds what the first has moved.
        file_id = f"file-{self._record.id.removeprefix('batch_')[:-1]}{mark}"
        if journal.exists():
            if journal.stat().st_size == 0:
                journal.unlink()
                return None
            self._store.adopt(journal, file_id)
        if not self._store.has_content(file_id):
            return None
        self._store.describe_file(file_id, f"{self._record.id}_{name}.jsonl", "batch_output")
        return file_id


def shuffle_lines(path: Path, seed: int) -> None:
    """Put the lines of a file into another order, the same each time; memory is some bytes a line."""
    starts = array("q", [0])
    with path.open("rb") as handle:
        for line in handle:
            starts.append(starts[-1] + len(line))
        order = list(range(len(starts) - 1))
        random.Random(seed).shuffle(order)
        with replacing(path) as target:
            for position in order:
                handle.seek(starts[position])
                target.write(handle.read(starts[position + 1] - starts[position]))
