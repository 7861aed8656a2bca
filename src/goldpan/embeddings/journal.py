"""Finished blocks of a file that is being embedded, so that a killed job goes on where it was.

The journal lies beside the HDF5 file it will become, under a name that a later run finds. It begins with a
line that says what is being made; then each block follows with its length and checksum. A run that finds a
journal of the same making reads its whole blocks and goes on after them; a block cut short is dropped.

One process at a time: the journal is locked, and the lock dies with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import orjson

from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.provenance import Provenance
from goldpan.errors import EmbeddingError
from goldpan.files import canonical_json

if TYPE_CHECKING:
    import numpy as np

# Lengths of the description and of the vectors, and the checksum of both.
_FRAME = struct.Struct("<QQI")


class Journal:
    """The finished blocks of one output.

    Opening waits until no other process has the journal open. Nothing is read from it before `resume`.

    Args:
        output: the HDF5 file that is to be made.

    Attributes:
        path: where it lies.
        waited: whether another process had it open; it may have made the output meanwhile.
    """

    def __init__(self, output: Path) -> None:
        self.path = journal_path(output)
        self._handle, self.waited = _locked(self.path)
        self._begin = self._end = 0
        self._provenance: Provenance | None = None

    def resume(self, provenance: Provenance) -> Iterator[EmbeddedBlock]:
        """Yield the blocks that are whole and were made in the same way, and drop the rest.

        When they are through, `append` adds after them.
        """
        self._provenance = provenance
        header = canonical_json(provenance.as_attributes()) + b"\n"
        with self.path.open("rb") as reader:
            is_same = reader.read(len(header)) == header
        if not is_same:
            self._handle.truncate(0)
            self._handle.seek(0)
            self._write(header)
        self._begin = self._end = len(header)
        yield from self.blocks()
        self._handle.truncate(self._end)
        self._handle.seek(self._end)

    def append(self, block: EmbeddedBlock) -> None:
        """Add a block after those that are there.

        Raises:
            EmbeddingError: the disk is full or fails; the blocks before are kept.
        """
        import numpy as np

        vectors = np.ascontiguousarray(block.vectors).reshape(-1).view(np.uint8).data
        described = orjson.dumps(_description(block))
        checksum = zlib.crc32(vectors, zlib.crc32(described))
        self._write(_FRAME.pack(len(described), len(vectors), checksum) + described)
        self._write(vectors)

    def blocks(self) -> Iterator[EmbeddedBlock]:
        """Yield the whole blocks, one at a time, and stop after the last of them."""
        with self.path.open("rb") as reader:
            reader.seek(self._begin)
            while (block := self._read_block(reader)) is not None:
                self._end = reader.tell()
                yield block

    def remove(self) -> None:
        """Delete the journal; what it was for is done."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the lock back; the journal stays."""
        self._handle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_block(self, reader: BinaryIO) -> EmbeddedBlock | None:
        """The next block; None where no whole block stands."""
        frame = reader.read(_FRAME.size)
        if len(frame) < _FRAME.size:
            return None
        description_length, vectors_length, checksum = _FRAME.unpack(frame)
        if description_length + vectors_length > os.fstat(reader.fileno()).st_size - reader.tell():
            return None
        described, vectors = reader.read(description_length), reader.read(vectors_length)
        if zlib.crc32(vectors, zlib.crc32(described)) != checksum:
            return None
        assert self._provenance is not None
        return _block(orjson.loads(described), vectors, self._provenance)

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._handle.write(rest) :]
        except OSError as error:
            raise EmbeddingError(
                f"cannot be written: {error.strerror}",
                where=str(self.path),
                remedy="make room and run again; it goes on after the last whole block",
            ) from None


def journal_path(output: Path) -> Path:
    """Where the journal of an output lies."""
    return output.with_name(f".{output.name}.journal")


def _locked(path: Path) -> tuple[FileIO, bool]:
    """Open a file for writing without a buffer once no other process has it locked, and whether one had."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waited = False
    while True:
        handle = FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(handle, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                return handle, waited
        # While this process waited, the one before it finished and removed the file.
        handle.close()


def _description(block: EmbeddedBlock) -> dict[str, Any]:
    return {
        "ids": block.ids,
        "source_rows": block.source_rows,
        "truncated": block.truncated,
        "labels": block.labels,
        "skipped": [(skip.id, skip.source_row, skip.reason) for skip in block.skipped],
        "tokens": block.tokens,
    }


def _block(description: dict[str, Any], vectors: bytes, provenance: Provenance) -> EmbeddedBlock:
    description["labels"] = [tuple(labels) for labels in description["labels"]]
    description["skipped"] = [Skipped(*skip) for skip in description["skipped"]]
    return EmbeddedBlock(**description, vectors=_vectors(vectors, provenance))


def _vectors(data: bytes, provenance: Provenance) -> np.ndarray:
    import numpy as np

    return np.frombuffer(data, dtype=provenance.storage_dtype).reshape(-1, provenance.dimension)
