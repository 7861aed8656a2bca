"""HDF5 files with embeddings that were made elsewhere: what is in them, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.placed import REMEDY, bad_file, check_vectors, faults_of, opened_hdf5
from goldpan.embeddings.provenance import Provenance
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.errors import EmbeddingError
from goldpan.records.hdf5 import groups_with, id_texts

if TYPE_CHECKING:
    import h5py
    import numpy as np


@dataclass(frozen=True)
class ExistingPart:
    """One HDF5 file of embeddings.

    Attributes:
        path: the file.
        ids: [n] its document ids, as text.
        dimension: numbers in a vector.
        dtype: of the stored vectors.
        provenance: what it says of itself; None for a file without attributes.
        truncated: [n] bool, where the file says it.
        skipped: records of which it says that they have none.
        tokens: that went through the model, where the file says it.
    """

    path: Path
    ids: list[str]
    dimension: int
    dtype: str
    provenance: Provenance | None = None
    truncated: np.ndarray | None = None
    skipped: list[Skipped] = field(default_factory=list)
    tokens: int = 0


def read_part(path: Path, group: str, layout: str) -> ExistingPart:
    """Read all of a file but its vectors.

    Raises:
        EmbeddingError: it is missing, damaged or half-written, or is not of this layout.
    """
    import h5py

    if layout == "goldpan":
        return _goldpan_part(path, group)
    with faults_of(path), opened_hdf5(path) as file:
        found = _classic_group(file, path, group)
        vectors = check_vectors(found, path)
        for name in ("embeddings", "document_id"):
            column = found[name]
            if isinstance(column, h5py.Dataset) and (column.is_virtual or column.external):
                # What lies elsewhere reads as fill values where it is gone, or as whatever bytes are there.
                raise bad_file(path, f"its `{name}` lie in other files", "copy them into one file")
        return ExistingPart(path, _ids(found, path), int(vectors.shape[1]), str(vectors.dtype))


def _goldpan_part(path: Path, group: str) -> ExistingPart:
    import numpy as np

    try:
        with EmbeddingFile(path, group) as file:
            blocks = list(file.columns())
            return ExistingPart(
                path,
                [id for ids, _ in blocks for id in ids],
                file.dimension,
                file.provenance.storage_dtype,
                file.provenance,
                np.concatenate([flags for _, flags in blocks]) if blocks else np.zeros(0, dtype=bool),
                file.skipped(),
                file.tokens,
            )
    except EmbeddingError as error:
        if "not an embeddings file of goldpan" in error.what:
            error.remedy = "state `layout: ml_filter` if it has a group with `embeddings` and `document_id`"
        else:
            error.remedy = REMEDY if error.remedy and "next run" in error.remedy else error.remedy
        raise


def _classic_group(file: h5py.File, path: Path, name: str) -> h5py.Group:
    import h5py

    group = file.get(name)
    if isinstance(group, h5py.Group) and "embeddings" in group and "document_id" in group:
        return group
    fitting = groups_with(file, "embeddings", "document_id")
    if isinstance(group, h5py.Group):
        what = (
            f"its group `{name}` lacks `embeddings` or `document_id`; it has: {', '.join(group) or 'nothing'}"
        )
    else:
        what = f"it has no group `{name}`; it has: {', '.join(file) or 'nothing at all'}"
    if fitting:
        raise bad_file(path, what, f"write `group: {' or '.join(fitting)}`")
    raise bad_file(path, what)


def _ids(group: Any, path: Path) -> list[str]:
    """The document ids as text."""
    import h5py

    ids, vectors = group["document_id"], group["embeddings"]
    if not isinstance(ids, h5py.Dataset) or not ids.shape:
        raise bad_file(path, "`document_id` is no column of ids")
    if ids.shape[0] != vectors.shape[0]:
        raise bad_file(path, f"it has {ids.shape[0]} document ids for {vectors.shape[0]} embeddings")
    try:
        return id_texts(ids, slice(0, ids.shape[0]))
    except ValueError as error:
        raise bad_file(path, str(error)) from None
