"""Embeddings and labels joined by record id: what a head is trained and measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.embeddings.provenance import Provenance, differences
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.errors import HeadError, ReconciliationError
from goldpan.heads.labels import LabelledRecord
from goldpan.records.splits import SplitName

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Dataset:
    """The labelled records that have an embedding, in the order of the embeddings files.

    Attributes:
        labels: n records with their values.
        embeddings: [n, D] float32.
        provenance: how the embeddings were made; without the hash of a records file.
        without_embedding: labelled records that are in none of the files, or were skipped there.
    """

    labels: list[LabelledRecord]
    embeddings: np.ndarray
    provenance: Provenance
    without_embedding: int

    def rows(self, split: SplitName) -> np.ndarray:
        """Where the records of a split stand, shape (n_split,)."""
        import numpy as np

        return np.flatnonzero([label.split == split for label in self.labels])

    def values(self, target: str) -> list[Any]:
        """The values of a target, one for each record; None where there is none."""
        return [label.values[target] for label in self.labels]

    @property
    def ids(self) -> list[str]:
        """The ids of the records."""
        return [label.id for label in self.labels]


def join(labels: Mapping[str, LabelledRecord], files: Sequence[Path], group: str) -> Dataset:
    """Join labels with embeddings by record id. Memory grows with the number of labels only.

    Args:
        labels: by record id.
        files: embeddings files.
        group: of the HDF5 files.

    Raises:
        EmbeddingError: a file is missing or damaged, or holds NaN.
        HeadError: no files, or files that were not made alike.
        ReconciliationError: a labelled record has an embedding in two places.
    """
    import numpy as np

    file_of: dict[str, Path] = {}
    vectors: list[np.ndarray] = []
    provenance: Provenance | None = None
    for path in files:
        with EmbeddingFile(path, group) as file:
            if len(file) or provenance is None:
                provenance = _same(provenance, file.provenance, files[0], path)
            for block in file.blocks():
                rows = [row for row, id in enumerate(block.document_ids) if id in labels]
                for row in rows:
                    id = block.document_ids[row]
                    if id in file_of:
                        raise ReconciliationError(
                            f"record {id!r} has one embedding here and another in {file_of[id]}",
                            where=str(path),
                            remedy="labels are joined by id; give the sources ids that differ",
                        )
                    file_of[id] = path
                vectors.append(block.embeddings[rows])
    if provenance is None:
        raise HeadError("there are no embeddings files", remedy="name an embedding that has records")
    return Dataset(
        labels=[labels[id] for id in file_of],
        embeddings=np.concatenate(vectors)
        if vectors
        else np.empty((0, provenance.dimension), dtype=np.float32),
        provenance=replace(provenance, source_sha256=""),
        without_embedding=len(labels) - len(file_of),
    )


def _same(first: Provenance | None, provenance: Provenance, first_path: Path, path: Path) -> Provenance:
    if first is None:
        return provenance
    different = differences(first, provenance)
    if different:
        raise HeadError(
            f"these embeddings were not made like those of {first_path}: {'; '.join(different)}",
            where=str(path),
            remedy="make them again with the same settings",
        )
    return first
