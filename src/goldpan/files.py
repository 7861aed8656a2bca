"""Writing files so that a reader never sees half of one, and reading them by content, not by name."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import orjson

from goldpan.errors import SourceError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary neighbour of `path` for binary writing; on success flush it to disk and rename it.

    On any exception the temporary file is removed and `path` is left as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("wb", buffering=_CHUNK) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:
            # Python names no file where a write fails.
            error.filename = str(path)
        temporary.unlink(missing_ok=True)
        raise


def put_in_place(written: Path, path: Path) -> None:
    """Flush a finished file of the same disk to it, and give it the name `path`."""
    with written.open("rb") as handle:
        os.fsync(handle.fileno())
    written.replace(path)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with replacing(path) as handle:
        handle.write(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON with a final newline, atomically; key order is kept."""
    write_bytes(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read one JSON document. Raises SourceError that names the file when it is not JSON."""
    try:
        return orjson.loads(Path(path).read_bytes())
    except orjson.JSONDecodeError as error:
        raise SourceError(f"not valid JSON: {error}", where=str(path)) from None


def canonical_json(value: Any) -> bytes:
    """The canonical JSON text of `value`: keys sorted, no spaces, UTF-8; what hashes are taken over."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes in hexadecimal, read in blocks."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def open_decompressed(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a file for reading bytes; gzip and zstd are recognised by their first bytes.

    Raises:
        SourceError: the file does not exist or cannot be read.
    """
    try:
        raw = Path(path).open("rb", buffering=_CHUNK)  # noqa: SIM115 - handed to the caller
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from None
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == GZIP_MAGIC:
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _CHUNK)
    if magic == ZSTD_MAGIC:
        return io.BufferedReader(_ZstdFile(raw), _CHUNK)
    return raw


def iter_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line without its newline) of a possibly compressed file.

    Lines end at b"\\n" only: U+2028, U+0085 and lone carriage returns may stand inside a JSON string.
    A byte order mark at the start is dropped; blank lines are passed over but counted.

    Raises:
        SourceError: the file is cut short or not what its first bytes say (with the line reached).
    """
    number = 0
    try:
        with open_decompressed(path) as handle:
            for number, line in enumerate(handle, 1):
                if number == 1 and line.startswith(b"\xef\xbb\xbf"):
                    line = line[3:]
                line = line.rstrip(b"\r\n")
                if line and not line.isspace():
                    yield number, line
    except damage_errors() as error:
        raise damaged(f"{path}, after line {number}", error) from None


def damage_errors() -> tuple[type[Exception], ...]:
    """What reading from `open_decompressed` raises when the compressed data is cut short or damaged."""
    import zstandard

    return (EOFError, OSError, zlib.error, zstandard.ZstdError)


def damaged(where: str, error: Exception) -> SourceError:
    """The error for one of `damage_errors`, met at `where`."""
    return SourceError(
        f"the compressed data breaks off or is damaged: {error}",
        where=where,
        remedy="copy the file again from where it came from",
    )


class _ZstdFile(io.RawIOBase):
    """The content of a zstd file of one or more frames.

    Unlike zstandard's own stream reader it does not take a frame that is cut short for the end of the file.
    """

    _BLOCK = 1 << 14

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
