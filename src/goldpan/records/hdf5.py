"""Reading the rows of HDF5 files with embeddings: ids and labels, without texts or vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import SourceError
from goldpan.records.rows import Row

if TYPE_CHECKING:
    import h5py

_ROWS = 65_536


def read_hdf5(path: Path, group: str | None) -> Iterator[Row]:
    """Yield the rows of an HDF5 file of embeddings, numbered from 1: `document_id`, and `labels` where
    there are any (a list where a row has several, null for NaN). No vector is read.

    Args:
        path: the file.
        group: that holds the datasets; default the only one with `document_id`.

    Raises:
        SourceError: the file is damaged, has no such group, or ids that are neither text nor whole numbers.
    """
    try:
        import h5py
    except ImportError:
        raise SourceError(
            "HDF5 needs h5py, which is not installed in this environment",
            where=str(path),
            remedy="pip install 'goldpan[models]'",
        ) from None
    try:
        with h5py.File(path, "r", locking=False) as file:
            found = _group(file, path, group)
            ids, labels = found["document_id"], found.get("labels")
            if labels is not None and len(labels) != len(ids):
                raise _wrong(path, f"it has {len(labels)} labels for {len(ids)} document ids")
            for start in range(0, len(ids), _ROWS):
                texts = id_texts(ids, slice(start, start + _ROWS))
                values = None if labels is None else _labels(labels, slice(start, start + _ROWS))
                for at, id in enumerate(texts):
                    data: dict[str, Any] = {"document_id": id}
                    if values is not None:
                        data["labels"] = values[at]
                    yield Row(start + at + 1, data)
    except (OSError, RuntimeError, ValueError) as error:
        raise _wrong(path, str(error).splitlines()[0]) from None


def groups_with(file: h5py.File, *names: str) -> list[str]:
    """The groups of a file that hold all of these datasets."""
    import h5py

    found: list[str] = []

    def look(at: str, member: Any) -> None:
        if isinstance(member, h5py.Group) and all(name in member for name in names):
            found.append(at)

    file.visititems(look)
    return found


def id_texts(ids: h5py.Dataset, rows: slice) -> list[str]:
    """The document ids of some rows as text: they are stored as text, bytes or whole numbers.

    Raises:
        ValueError: they are stored otherwise, or are not UTF-8.
    """
    if ids.size != ids.shape[0] or ids.dtype.kind not in "OSUiu":
        raise ValueError(
            f"`document_id` must be [rows] of text or whole numbers; it is {ids.shape} of {ids.dtype}"
        )
    texts = []
    for row, id in enumerate(ids[rows].reshape(-1).tolist(), rows.start or 0):
        if isinstance(id, bytes):
            try:
                id = id.decode()
            except UnicodeDecodeError:
                raise ValueError(f"the document id of row {row} is not UTF-8: {id[:40]!r}") from None
        texts.append(str(id))
    return texts


def _group(file: h5py.File, path: Path, name: str | None) -> h5py.Group:
    there = groups_with(file, "document_id")
    if name is None and len(there) == 1:
        name = there[0]
    if name not in there:
        what = (
            f"it has no group `{name}` with `document_id`" if name else "its rows lie in no or several groups"
        )
        remedy = f"write `group` in the source: {' or '.join(there)}" if there else None
        raise _wrong(path, f"{what}; it has: {', '.join(file) or 'nothing'}", remedy)
    return file[name]


def _labels(labels: h5py.Dataset, rows: slice) -> list[Any]:
    import h5py

    if h5py.check_string_dtype(labels.dtype):
        return list(labels.asstr()[rows].tolist())
    return [_plain(value) for value in labels[rows].tolist()]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _wrong(path: Path, what: str, remedy: str | None = None) -> SourceError:
    return SourceError(
        f"this HDF5 file cannot be read: {what}",
        where=str(path),
        remedy=remedy or "make it again with what made it, or leave it out of `files`",
    )
