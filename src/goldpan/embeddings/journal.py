"""Finished blocks of a file that is being embedded, so that a killed job goes on where it was.

The journal lies beside the HDF5 file it will become, under a name that a later run finds. It begins with a
line that says what is being made; then each block follows with its length and checksum. A run that finds a
journal of the same making reads its whole blocks and goes on after them; a block cut short is dropped.

One process at a time: the journal is locked, and the lock dies with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from goldpan.closing import ClosedAtEnd
from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.provenance import Provenance
from goldpan.errors import EmbeddingError
from goldpan.files import canonical_json

# Lengths of the description and of the vectors; checksums of the description, and of all vectors so far.
_FRAME_HEAD = struct.Struct("<QQII")


class _Frame(NamedTuple):
    """A block as it stands in the journal."""

    described: bytes
    vectors: memoryview
    described_checksum: int
    checksum: int


class Journal(ClosedAtEnd):
    """The finished blocks of one output.

    Opening waits until no other process has the journal open. Nothing is read from it before `resume`.

    Args:
        output: the HDF5 file that is to be made.

    Attributes:
        path: where it lies.
        waited: whether another process had it open; it may have made the output meanwhile.
        checksum: CRC-32 of the vectors of all blocks.
    """

    def __init__(self, output: Path) -> None:
        self.path = journal_path(output)
        self._handle, self.waited = _locked(self.path)
        self.checksum = 0
        self._begin = self._end = 0
        self._provenance: Provenance | None = None

    def resume(self, provenance: Provenance) -> Iterator[EmbeddedBlock]:
        """Yield the blocks that are whole and were made in the same way, and drop the rest.

        When they are through, `append` adds after them.
        """
        self._provenance = provenance
        # How labels are stored changes no vector, and the journal has them as they are.
        header = canonical_json(replace(provenance, label_dtype="auto").as_attributes()) + b"\n"
        with self.path.open("rb") as reader:
            is_same = reader.read(len(header)) == header
        if not is_same:
            self._handle.truncate(0)
            self._handle.seek(0)
            self._write(header)
        self._begin = self._end = len(header)
        self.checksum = 0
        size = self.path.stat().st_size
        for frame, end in self._frames(size):
            checksum = zlib.crc32(frame.vectors, self.checksum)
            if zlib.crc32(frame.described) != frame.described_checksum or checksum != frame.checksum:
                break
            self._end, self.checksum = end, checksum
            yield self._block(frame)
        self._handle.truncate(self._end)
        self._handle.seek(self._end)

    def append(self, block: EmbeddedBlock) -> None:
        """Add a block after those that are there.

        Raises:
            EmbeddingError: the disk is full or fails; the blocks before are kept.
        """
        import numpy as np

        vectors = np.ascontiguousarray(block.vectors).reshape(-1).view(np.uint8).data
        described = orjson.dumps(_description(block), option=orjson.OPT_SERIALIZE_NUMPY)
        checksum = zlib.crc32(vectors, self.checksum)
        lengths = len(described), len(vectors)
        self._write(_FRAME_HEAD.pack(*lengths, zlib.crc32(described), checksum) + described)
        self._write(vectors)
        self._end, self.checksum = self._handle.tell(), checksum

    def blocks(self) -> Iterator[EmbeddedBlock]:
        """Yield the blocks that were kept and added, one at a time."""
        for frame, _ in self._frames(self._end):
            yield self._block(frame)

    def remove(self) -> None:
        """Delete the journal; what it was for is done."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the lock back; the journal stays."""
        self._handle.close()

    def _frames(self, size: int) -> Iterator[tuple[_Frame, int]]:
        """Yield what stands in the first `size` bytes, with the place where each frame ends."""
        with self.path.open("rb") as reader:
            reader.seek(self._begin)
            while len(head := reader.read(_FRAME_HEAD.size)) == _FRAME_HEAD.size:
                described_length, vectors_length, *checksums = _FRAME_HEAD.unpack(head)
                end = reader.tell() + described_length + vectors_length
                if end > size:
                    return
                described = reader.read(described_length)
                yield _Frame(described, _mapped(reader, end - vectors_length, end), *checksums), end
                reader.seek(end)

    def _block(self, frame: _Frame) -> EmbeddedBlock:
        import numpy as np

        assert self._provenance is not None
        made = self._provenance
        vectors = np.frombuffer(frame.vectors, dtype=made.storage_dtype).reshape(-1, made.dimension)
        described = orjson.loads(frame.described)
        described["source_rows"] = np.array(described["source_rows"], dtype=np.int64)
        described["truncated"] = np.array(described["truncated"], dtype=bool)
        described["labels"] = [tuple(labels) for labels in described["labels"]]
        described["skipped"] = [Skipped(*skip) for skip in described["skipped"]]
        return EmbeddedBlock(**described, vectors=vectors)

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


def _mapped(reader: BinaryIO, begin: int, end: int) -> memoryview:
    """The bytes from `begin` to `end`, which are not copied, nor in memory for longer than they are used."""
    if begin == end:
        return memoryview(b"")
    aligned = begin - begin % mmap.ALLOCATIONGRANULARITY
    data = mmap.mmap(reader.fileno(), end - aligned, access=mmap.ACCESS_READ, offset=aligned)
    return memoryview(data)[begin - aligned :]


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
