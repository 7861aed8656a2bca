"""Writing JSONL files, plain or compressed; the same rows give the same bytes."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from goldpan.files import replacing
from goldpan.study.head import Compression

_ZSTD_LEVEL = 3
_GZIP_LEVEL = 6


@contextlib.contextmanager
def writing(path: Path, compression: Compression) -> Iterator[IO[bytes] | Any]:
    """Open a file for writing lines; it is there when all are written, or not at all."""
    with replacing(path) as raw:
        if compression == "gzip":
            # Without name and time, so that the bytes depend on the content alone.
            with gzip.GzipFile(
                filename="", mode="wb", fileobj=raw, compresslevel=_GZIP_LEVEL, mtime=0
            ) as out:
                yield out
        elif compression == "zstd":
            import zstandard

            with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(raw, closefd=False) as out:
                yield out
        else:
            yield raw
