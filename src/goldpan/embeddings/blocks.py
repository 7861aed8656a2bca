"""One block of embeddings between the encoder, the journal and the HDF5 file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldpan.embeddings.documents import Block, Label, Skipped
from goldpan.embeddings.encoder import Embedded
from goldpan.errors import EmbeddingError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class EmbeddedBlock:
    """What became of the records of one block.

    Attributes:
        ids: of the embedded documents.
        source_rows: [N] int64, their lines or rows in the source file.
        truncated: [N] bool, whether the end of each was cut off.
        labels: their labels, one for each field of the study's `labels`.
        skipped: records that were not embedded.
        tokens: how many went through the model.
        vectors: [N, D] in the storage dtype.
    """

    ids: list[str]
    source_rows: np.ndarray
    truncated: np.ndarray
    labels: list[tuple[Label, ...]]
    skipped: list[Skipped]
    tokens: int
    vectors: np.ndarray

    @property
    def rows(self) -> int:
        """How many records the block holds."""
        return len(self.ids) + len(self.skipped)


def embedded_block(block: Block, embedded: Embedded, storage_dtype: str, where: str) -> EmbeddedBlock:
    """Put a block and its embeddings together.

    Args:
        where: name of the records file, for errors.

    Raises:
        EmbeddingError: an embedding holds NaN, or a number that is infinite in the storage dtype.
    """
    import numpy as np

    with np.errstate(over="ignore"):
        vectors = embedded.vectors.astype(storage_dtype, copy=False)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        bad = block.documents[int(np.argmin(finite))]
        raise EmbeddingError(
            f"the model gave NaN or infinite numbers for {int((~finite).sum())} documents",
            where=f"{where}: record {bad.id!r}, row {bad.source_row}",
            remedy="set `compute_dtype: float32` and `storage_dtype: float32`; if that does not help, the"
            " model's weights are damaged",
        )
    return EmbeddedBlock(
        ids=[document.id for document in block.documents],
        source_rows=np.array([document.source_row for document in block.documents], dtype=np.int64),
        truncated=embedded.truncated,
        labels=[document.labels for document in block.documents],
        skipped=block.skipped,
        tokens=embedded.tokens,
        vectors=vectors,
    )
