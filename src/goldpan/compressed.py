"""Compressed files, recognised by their first bytes and never by their name."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from goldpan.errors import SourceError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
XZ_MAGIC = b"\xfd7zXZ\x00"
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
"""How bzip2 begins: its name, then the mark of a block or the end; a text may begin with the name alone."""
_CHUNK = 1 << 20
_LEVEL = 3


def open_decompressed(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file for reading bytes; gzip, zstd, bzip2 and xz are recognised by their first bytes.

    Raises:
        SourceError: the file does not exist or cannot be read.
    """
    try:
        raw = Path(path).open("rb", buffering=_CHUNK)  # noqa: SIM115 - handed to the caller
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from None
    magic = raw.read(10)
    raw.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return io.BufferedReader(_GzipFile(raw), _CHUNK)
    if magic.startswith(ZSTD_MAGIC):
        return io.BufferedReader(_ZstdFile(raw), _CHUNK)
    if _BZIP2.match(magic):
        return io.BufferedReader(cast(Any, bz2.BZ2File(raw)), _CHUNK)
    if magic.startswith(XZ_MAGIC):
        return io.BufferedReader(cast(Any, lzma.LZMAFile(raw)), _CHUNK)
    return raw


def compress(plain: Path, handle: IO[bytes]) -> None:
    """Write the content of a plain file to an open one as a zstd frame, in constant memory."""
    import zstandard

    size = plain.stat().st_size
    with plain.open("rb") as source:
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        compressor.copy_stream(source, handle, size=size, read_size=_CHUNK, write_size=_CHUNK)


@contextlib.contextmanager
def compressing(handle: IO[bytes]) -> Iterator[IO[bytes]]:
    """A file for writing whose content goes to `handle` as a zstd frame, made quickly rather than small."""
    import zstandard

    compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
    with compressor.stream_writer(handle, closefd=False) as writer:
        yield cast(Any, writer)


def damage_errors() -> tuple[type[Exception], ...]:
    """What reading from `open_decompressed` raises when the compressed data is cut short or damaged."""
    import zstandard

    return (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


def damaged(where: str, error: Exception) -> SourceError:
    """The error for one of `damage_errors`, met at `where`."""
    return SourceError(
        f"the compressed data breaks off or is damaged: {error}",
        where=where,
        remedy="copy the file again from where it came from",
    )


class _GzipFile(io.RawIOBase):
    """The content of a gzip file of one or more members, in large blocks: half the time of Python's own.

    Zeros may follow the last member, as on tapes; anything else is damage, and so is a member cut short.
    """

    _BLOCK = 1 << 16

    def __init__(self, compressed: BinaryIO):
        self._compressed = compressed
        self._member = _gzip_member()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            block = self._rest or self._compressed.read(self._BLOCK)
            self._rest = b""
            if self._member.eof:
                if not block:
                    return 0
                if not (block := block.lstrip(b"\0")):
                    continue
                self._member = _gzip_member()
            unpacked = self._member.decompress(block, len(buffer))
            self._rest = self._member.unconsumed_tail or self._member.unused_data
            if unpacked:
                buffer[: len(unpacked)] = unpacked
                return len(unpacked)
            if not block and not self._member.eof:
                raise EOFError("the last member is not complete")

    def close(self) -> None:
        self._compressed.close()
        super().close()


def _gzip_member() -> Any:
    """What unpacks one member, header and checksum included."""
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


class _ZstdFile(io.RawIOBase):
    """The content of a zstd file of one or more frames.

    Unlike zstandard's own stream reader it does not take a frame that is cut short for the end of the file.
    """

    # Four bytes may stand for 128 KiB: what one block unpacks to has 64 MiB at most.
    _BLOCK = 1 << 11

    def __init__(self, compressed: BinaryIO):
        import zstandard

        self._compressed = compressed
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._rest = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            block = self._rest or self._compressed.read(self._BLOCK)
            self._rest = b""
            if not block:
                if not self._frame.eof:
                    raise EOFError("the last frame is not complete")
                return 0
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
            self._ready = memoryview(self._frame.decompress(block))
            if self._frame.eof:
                self._rest = self._frame.unused_data
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        self._compressed.close()
        super().close()
