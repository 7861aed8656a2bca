"""Reading Parquet, batch by batch."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import io
import math
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from goldpan.compressed import damage_errors, damaged, open_decompressed
from goldpan.errors import SourceError
from goldpan.files import LONGEST_LINE
from goldpan.records.fields import check_columns
from goldpan.records.rows import Row, RowError

if TYPE_CHECKING:
    import pyarrow

_BATCH_ROWS = 256
_BUFFER = 1 << 20


def read_parquet(path: Path, required: list[str]) -> Iterator[Row]:
    """Yield the rows of a Parquet file, numbered from 1, with values as JSON has them.

    Times become ISO 8601 text, decimals and UUIDs text, durations seconds, binary columns UTF-8 text and NaN
    null. A file that is itself gzip or zstd is unpacked to a temporary file first, for Parquet is read from
    its end.

    Args:
        path: the file.
        required: columns that must be there.

    Raises:
        SourceError: the file cannot be read to its end, lacks a column, has two of one name, or cells too
            large to be read.
    """
    import pyarrow
    from pyarrow import parquet

    number = 0
    with seekable(path) as handle:
        try:
            file = parquet.ParquetFile(handle, buffer_size=_BUFFER, pre_buffer=False)
            _check_names(file.schema_arrow.names, path)
            check_columns(file.schema_arrow.names, required, str(path))
            _check_sizes(file.metadata, path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
                yield from _rows(batch, number)
                number += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise SourceError(
                f"not a whole Parquet file: {error}",
                where=f"{path}, after row {number}",
                remedy="copy the file again from where it came from, or give the right `format`",
            ) from None


def _rows(batch: pyarrow.RecordBatch, before: int) -> Iterator[Row]:
    for index in range(batch.num_rows):
        number = before + index + 1
        try:
            (row,) = batch.slice(index, 1).to_pylist()
            yield Row(number, {name: json_value(value, name) for name, value in row.items()})
        except UnicodeDecodeError:
            yield Row(number, {}, RowError("bad_encoding", "a text value is not UTF-8"))
        except RowError as error:
            yield Row(number, {}, error)


def json_value(value: Any, column: str) -> Any:
    """A Python value of Arrow's as JSON has it; nested values too."""
    match value:
        case None | str() | bool() | int():
            return value
        case float():
            if math.isinf(value):
                raise RowError("bad_row", f"column `{column}` holds an infinite number, which JSON has not")
            return None if math.isnan(value) else value
        case dict():
            return {str(key): json_value(item, column) for key, item in value.items()}
        case list() | tuple():
            return [json_value(item, column) for item in value]
        case bytes():
            return _text(value, column)
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case decimal.Decimal() | uuid.UUID():
            return str(value)
    raise RowError("bad_row", f"column `{column}` holds a value of type {type(value).__name__}")


def _text(value: bytes, column: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RowError("bad_encoding", f"column `{column}` holds bytes that are not UTF-8 text") from None


def _check_names(names: list[str], path: Path) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"there are two columns `{twice[0]}`", where=str(path), remedy="rename one of them")


def _check_sizes(metadata: Any, path: Path) -> None:
    """Refuse, before they are unpacked, columns whose cells are too large on average.

    A single large one among small ones is found out by its record; until then it takes 2 GiB at most, the
    largest page that Parquet allows.
    """
    for group in (metadata.row_group(number) for number in range(metadata.num_row_groups)):
        for column in (group.column(number) for number in range(group.num_columns)):
            if column.total_uncompressed_size > LONGEST_LINE * max(column.num_values, 1):
                raise SourceError(
                    f"column `{column.path_in_schema}` has cells of more than {LONGEST_LINE:,} bytes",
                    where=str(path),
                    remedy="leave the column out, or split its cells",
                )


@contextlib.contextmanager
def seekable(path: Path) -> Iterator[IO[bytes]]:
    """The content of a file that may be compressed, such that one can seek in it."""
    with open_decompressed(path) as content:
        if isinstance(content, io.BufferedReader) and isinstance(content.raw, io.FileIO):
            yield content
            return
        with tempfile.TemporaryFile() as unpacked:
            try:
                shutil.copyfileobj(content, unpacked, _BUFFER)
            except damage_errors() as error:
                raise damaged(str(path), error) from None
            unpacked.seek(0)
            yield unpacked
