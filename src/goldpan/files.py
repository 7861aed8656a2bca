"""Writing files so that a reader never sees half of one, and reading them by content, not by name.

What is read comes from outside: a small file may unpack to a line without end, so lines have a limit
(`LONGEST_LINE`), and so has what is read as a whole (`LARGEST_DOCUMENT`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar, cast

import orjson

from goldpan.compressed import compressing, damage_errors, damaged, open_decompressed
from goldpan.errors import GoldpanError, ReconciliationError, SourceError

_CHUNK = 1 << 20
_Row = TypeVar("_Row")

LONGEST_LINE = 64 << 20
"""Bytes a line may have. The longest that is meant, an answer of 4,000 tokens with 20 alternatives to each,
has some 12 MB; a line is held in memory a few times over."""

LARGEST_DOCUMENT = 256 << 20
"""Bytes a file may have that is read as a whole (a JSON document, a sheet), far above what people fill."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary neighbour of `path` for binary writing; on success flush it to disk and rename it.

    On any exception the temporary file is removed and `path` is left as it was.
    """
    path = Path(path)
    temporary = part_of(path)
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


@contextlib.contextmanager
def replacing_compressed(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """As `replacing`, for a file that is read by content: what is written lies there as zstd."""
    with replacing(path) as handle, compressing(handle) as writer:
        yield writer


def part_of(path: Path) -> Path:
    """A name beside `path`, in a folder that is there, for what is written before it becomes `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")


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
    """Read one JSON document. Raises SourceError that names the file when it is not JSON, or too large."""
    try:
        return orjson.loads(read_whole(path))
    except orjson.JSONDecodeError as error:
        raise SourceError(f"not valid JSON: {error}", where=str(path)) from None


def document_as(path: str | Path, make: Callable[[Any], _Row], what: str, remedy: str) -> _Row:
    """What `make` reads from the JSON document of an artifact.

    Args:
        make, what, remedy: as for `rows_as`; `make` may raise AttributeError, too.

    Raises:
        SourceError: it is not JSON, or no such document.
    """
    try:
        return make(read_json(path))
    except SourceError as error:
        raise SourceError(error.what, where=error.where, remedy=remedy) from None
    except (AttributeError, KeyError, TypeError) as error:
        fault = f"is not {what} that this goldpan can read: {error}"
        raise SourceError(fault, where=str(path), remedy=remedy) from None


def of_known_keys(kind: type[_Row], raw: dict[str, Any]) -> _Row:
    """A dataclass from what an artifact says of it; keys that only a later version knows are passed over.

    Raises:
        TypeError: a key is missing that cannot be done without.
    """
    return kind(**{key.name: raw[key.name] for key in fields(cast(Any, kind)) if key.name in raw})


def read_whole(path: str | os.PathLike[str], at_most: int = LARGEST_DOCUMENT) -> bytes:
    """The bytes of a file that is meant to be read as a whole.

    Raises:
        SourceError: it has more than `at_most` bytes.
        OSError: it cannot be read.
    """
    with Path(path).open("rb") as handle:
        return _whole(handle, path, at_most)


def read_whole_unpacked(path: str | os.PathLike[str], at_most: int = LARGEST_DOCUMENT) -> bytes:
    """As `read_whole`, but of a compressed file what it unpacks to.

    Raises:
        SourceError: that has more than `at_most` bytes, or the file cannot be read or is damaged.
    """
    with open_decompressed(path) as handle:
        try:
            return _whole(handle, path, at_most)
        except damage_errors() as error:
            raise damaged(str(path), error) from None


def _whole(handle: IO[bytes], path: str | os.PathLike[str], at_most: int) -> bytes:
    # Read, not asked for its size: a pipe or a device has none.
    data = handle.read(at_most + 1)
    if len(data) > at_most:
        raise SourceError(
            f"the file has more than {at_most:,} bytes, too many to be read as a whole",
            where=str(path),
            remedy="split it, or see whether this is the file that was meant",
        )
    return data


def check_name_is_utf8(path: str | os.PathLike[str], error: type[GoldpanError] = SourceError) -> None:
    """Raise an error for a file whose name may not be written into results: on disk it may be any bytes."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise error(
            "the name of this file is not UTF-8, so no result can name it",
            where=str(path),
            remedy="rename the file; the bytes that are no UTF-8 are shown as in `\\xff`",
        ) from None


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


def iter_lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line without its newline) of a possibly compressed file.

    Lines end at b"\\n" only: U+2028, U+0085 and lone carriage returns may stand inside a JSON string.
    A byte order mark at the start is dropped; blank lines are passed over but counted.

    Raises:
        SourceError: the file is cut short or not what its first bytes say (with the line reached), or a line
            has more than LONGEST_LINE bytes.
    """
    return _iter_lines(path, partial(bounded_lines, where=str(path)))


def iter_rows(
    path: str | Path, error: type[GoldpanError] = ReconciliationError, remedy: str | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSONL file; its lines are those of `iter_lines`.

    Args:
        remedy: what to do with a file that cannot be read.

    Raises:
        GoldpanError (the class given by `error`): a line is not a JSON object.
    """
    for number, line in iter_lines(path):
        yield number, row_of_line(path, number, line, error, remedy)


def rows_as(
    path: str | Path, make: Callable[[dict[str, Any]], _Row], what: str, remedy: str
) -> Iterator[_Row]:
    """What `make` reads from each row of a JSONL artifact.

    Args:
        make: raises KeyError or TypeError for a row that lacks something.
        what: a row should be, for the error.
        remedy: what to do with a file that cannot be read.

    Raises:
        ReconciliationError: a line is no such row.
    """
    for number, line in iter_lines(path):
        row = row_of_line(path, number, line, remedy=remedy)
        try:
            read = make(row)
        except (KeyError, TypeError):
            raise ReconciliationError(
                f"this line is not {what}", where=f"{path}, line {number}", remedy=remedy
            ) from None
        yield read


def row_of_line(
    path: str | Path,
    number: int,
    line: bytes,
    error: type[GoldpanError] = ReconciliationError,
    remedy: str | None = None,
) -> dict[str, Any]:
    """The object that a line of a JSONL file holds; raises as `iter_rows`."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        raise error(f"not valid JSON: {problem}", where=f"{path}, line {number}", remedy=remedy) from None
    if not isinstance(row, dict):
        raise error("must be a JSON object", where=f"{path}, line {number}", remedy=remedy)
    return row


def iter_lines_cut(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    """As `iter_lines`, but of a line that is too long the first LONGEST_LINE bytes are given.

    For answers that are paid for: one that no reader can hold must not keep the others from being read.
    """
    return _iter_lines(path, cut_lines)


def _iter_lines(
    path: str | os.PathLike[str], lines_of: Callable[[IO[bytes]], Iterator[bytes]]
) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        with open_decompressed(path) as handle:
            for number, line in enumerate(lines_of(handle), 1):
                if number == 1 and line.startswith(b"\xef\xbb\xbf"):
                    line = line[3:]
                line = line.rstrip(b"\r\n")
                if line and not line.isspace():
                    yield number, line
    except GeneratorExit:
        # Closed while Python ends, when the errors below could no longer be imported.
        raise
    except damage_errors() as error:
        raise damaged(f"{path}, after line {number}", error) from None


def bounded_lines(handle: IO[bytes], where: str) -> Iterator[bytes]:
    """The lines of a file, each with its newline, in memory that no line can exceed.

    Args:
        handle: open for reading bytes.
        where: the file's name, for the error.

    Raises:
        SourceError: a line has more than LONGEST_LINE bytes.
    """
    for number, line in enumerate(iter(partial(handle.readline, LONGEST_LINE + 1), b""), 1):
        if len(line) > LONGEST_LINE:
            raise line_too_long(f"{where}, line {number}")
        yield line


def cut_lines(handle: IO[bytes]) -> Iterator[bytes]:
    """As `bounded_lines`, but a line that is too long is cut after LONGEST_LINE bytes, without an error."""
    while line := handle.readline(LONGEST_LINE):
        rest = line
        while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
            rest = handle.readline(LONGEST_LINE)
        yield line if rest is line or not rest.endswith(b"\n") else line + b"\n"


def line_too_long(where: str) -> SourceError:
    """The error for a line of more than LONGEST_LINE bytes, met at `where`."""
    return SourceError(
        f"this line has more than {LONGEST_LINE:,} bytes",
        where=where,
        remedy="write each row on a line of its own, and split what is longer; if a small compressed file"
        " from elsewhere unpacks to this, do not trust it",
    )
