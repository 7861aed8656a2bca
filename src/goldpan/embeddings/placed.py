"""Vectors in HDF5 files that lie elsewhere, read by the places of their rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.closing import ClosedAtEnd
from goldpan.errors import EmbeddingError

if TYPE_CHECKING:
    import h5py
    import numpy as np

REMEDY = "make it again with what made it, or leave it out of `files`"


# What h5py raises where bytes of a file are damaged, besides OSError.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError)


@contextlib.contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Tell what h5py finds wrong in a file as an error with the file's name.

    Raises:
        EmbeddingError: the file is not there, damaged, half-written or no HDF5 file.
    """
    try:
        yield
    except FileNotFoundError:
        raise EmbeddingError(
            "there is no such file", where=str(path), remedy="check `files` of the embedding"
        ) from None
    except _DAMAGE as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise bad_file(path, f"it is damaged, half-written or no HDF5 file ({said})") from None


def opened_hdf5(path: Path) -> h5py.File:
    """A file, open for reading; within `faults_of`."""
    import h5py

    return h5py.File(path, "r", locking=False)


def bad_file(path: Path, what: str, remedy: str = REMEDY) -> EmbeddingError:
    """The error of a file that cannot be used."""
    return EmbeddingError(f"this file cannot be used: {what}", where=str(path), remedy=remedy)


def check_vectors(group: Any, path: Path) -> h5py.Dataset:
    """The dataset `embeddings` of a group. Raises EmbeddingError where it is none of vectors."""
    import h5py

    vectors = group.get("embeddings")
    if not isinstance(vectors, h5py.Dataset) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        said = f"{vectors.shape} of {vectors.dtype}" if isinstance(vectors, h5py.Dataset) else "not there"
        raise bad_file(
            path, f"`embeddings` must be [rows, numbers] of float16, float32 or float64; it is {said}"
        )
    if vectors.shape[0] and not vectors.shape[1]:
        raise bad_file(path, "its vectors have no numbers")
    return vectors


class PlacedColumns(ClosedAtEnd):
    """Columns of HDF5 files that lie elsewhere, read by the places of their rows: the rows of all files, one
    after the other, have the places 0, 1, 2, ...

    Args:
        parts: the files, each with its number of rows.
        group: of each.
        dimension: numbers in a vector.
    """

    _GAP = 8
    """Rows that are read and thrown away rather than read twice as often."""

    def __init__(self, parts: list[tuple[Path, int]], group: str, dimension: int) -> None:
        self._parts, self._group, self._dimension = parts, group, dimension
        self._open: dict[int, Any] = {}
        self._stack = ExitStack()

    def vectors(self, places: np.ndarray) -> np.ndarray:
        """[n, D] float32, the vectors at n places.

        Raises:
            EmbeddingError: a file is gone, damaged, or not what it was.
        """
        import numpy as np

        out = np.empty((len(places), self._dimension), dtype=np.float32)
        for number, path, rows, at in self._rows(places):
            self._read(self._opened(number)["embeddings"], path, rows, at, out)
        return out

    def labels(self, places: np.ndarray) -> np.ndarray | None:
        """[n] or [n, T] float64 or text, the labels at n places; None where a file has none."""
        import h5py
        import numpy as np

        found = []
        for number in range(len(self._parts)):
            labels = self._opened(number).get("labels")
            if labels is None or len(labels) != self._parts[number][1]:
                return None
            found.append(labels)
        is_text = any(h5py.check_string_dtype(labels.dtype) for labels in found)
        out = np.empty((len(places), *found[0].shape[1:]), dtype=object if is_text else np.float64)
        for number, path, rows, at in self._rows(places):
            self._read(found[number].asstr() if is_text else found[number], path, rows, at, out)
        return out

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    def _rows(self, places: np.ndarray) -> Iterator[tuple[int, Path, np.ndarray, np.ndarray]]:
        """(number of the part, path, rows there, where they stand among the places) of each part."""
        import numpy as np

        begin = 0
        for number, (path, count) in enumerate(self._parts):
            at = np.flatnonzero((places >= begin) & (places < begin + count))
            if len(at):
                yield number, path, places[at] - begin, at
            begin += count

    def _read(self, column: Any, path: Path, rows: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
        import numpy as np

        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        breaks = np.flatnonzero(np.diff(ordered) > self._GAP) + 1
        try:
            for run, where in zip(np.split(ordered, breaks), np.split(order, breaks), strict=True):
                first = int(run[0])
                read = column[first : int(run[-1]) + 1]
                out[at[where]] = read if len(read) == len(run) else read[run - first]
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            raise bad_file(path, f"it cannot be read to its end ({str(error).splitlines()[0]})") from None

    def _opened(self, number: int) -> Any:
        if number not in self._open:
            path, rows = self._parts[number]
            with faults_of(path):
                group = self._stack.enter_context(opened_hdf5(path)).get(self._group)
                vectors = None if group is None else check_vectors(group, path)
            if vectors is None or vectors.shape != (rows, self._dimension):
                now = "no such group" if vectors is None else str(vectors.shape)
                raise bad_file(
                    path,
                    f"it is not what it was when it was taken: {now}, not {(rows, self._dimension)}",
                    "run again: what was taken from it is then made anew",
                )
            self._open[number] = group
        return self._open[number]
