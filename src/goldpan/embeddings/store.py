"""Writing an embeddings file: HDF5, the same bytes from the same blocks, complete or not there at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan import crashpoints
from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.documents import Label
from goldpan.embeddings.provenance import Provenance
from goldpan.errors import EmbeddingError, ReconciliationError
from goldpan.files import canonical_json, replacing

if TYPE_CHECKING:
    import h5py

FORMAT = "goldpan embeddings"
FORMAT_VERSION = 1
PLACES_VERSION = 2
"""Of a file whose vectors lie in other files: it has the places of its rows there in their stead."""
PLACES, PARTS = "place", "parts"
"""Dataset of these places, and attribute with the files: paths from this file's folder, and their rows."""
_CHUNK_ROWS = 1024
_NUMBER_BYTES = 24
"""The longest a float64 is as text."""
_METADATA_BYTES = 256 << 10
"""Room for superblock, groups and attributes, which is far more than they take."""


@dataclass
class EmbedCounts:
    """What became of the records of one file; `rows` = `embedded` + all of `skipped`.

    Attributes:
        rows: records of the file.
        embedded: those with an embedding.
        truncated: those of them whose end was cut off.
        skipped: those without, by the code of the reason.
        tokens: how many went through the model.
        resumed: records that an earlier, killed run had done.
    """

    rows: int = 0
    embedded: int = 0
    truncated: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    resumed: int = 0

    def add(self, block: EmbeddedBlock) -> None:
        """Count one more block."""
        self.rows += block.rows
        self.embedded += len(block.ids)
        self.truncated += int(block.truncated.sum())
        self.skipped = dict(sorted((Counter(self.skipped) + Counter(s.code for s in block.skipped)).items()))
        self.tokens += block.tokens


@dataclass
class Totals:
    """What must be known of all blocks before the first is written.

    Attributes:
        counts: what became of the records.
        has_text_labels: whether a label is text; then all are stored as text, else as float64.
        texts: ids, reasons and text labels, how many.
        text_bytes: what they take in UTF-8.
    """

    counts: EmbedCounts = field(default_factory=EmbedCounts)
    has_text_labels: bool = False
    texts: int = 0
    text_bytes: int = 0

    def add(self, block: EmbeddedBlock) -> None:
        """Take in one more block."""
        self.counts.add(block)
        if not self.has_text_labels:
            kinds = {type(value) for row in block.labels for value in row}
            self.has_text_labels = str in kinds
        texts = [*block.ids, *(text for skip in block.skipped for text in (skip.id, skip.reason))]
        labels = [value for row in block.labels for value in row]
        self.texts += len(texts) + len(labels)
        self.text_bytes += sum(len(text.encode()) for text in texts)
        self.text_bytes += sum(
            len(value.encode()) if isinstance(value, str) else _NUMBER_BYTES for value in labels
        )

    def bytes_at_most(self, provenance: Provenance, has_vectors: bool = True) -> int:
        """The size that the file will have at most, whatever its layout.

        A text takes a reference of 16 bytes and, in a heap of blocks of 4 KiB that may be half empty, a head
        of 16 bytes and itself, padded to 8 (HDF5 File Format Specification 3.0, III.E).
        """
        rows, labels = self.counts.rows, 8 * len(provenance.labels)
        width = provenance.dimension * (2 if provenance.storage_dtype == "float16" else 4) * has_vectors
        heap = 2 * (24 * self.texts + self.text_bytes) + 16 * self.texts
        return _METADATA_BYTES + rows * (width + labels + 8 + 8 + 1) + heap


def write_store(
    output: Path,
    blocks: Iterable[EmbeddedBlock],
    totals: Totals,
    provenance: Provenance,
    *,
    checksum: int,
    group: str,
    compression: str,
    parts: Sequence[tuple[str, int]] = (),
) -> None:
    """Write an embeddings file, atomically and one block at a time.

    Args:
        output: the file.
        blocks: all blocks of the records file in their order.
        totals: what they add up to.
        provenance: how they were made.
        checksum: CRC-32 of the bytes of all vectors, taken when they were made.
        group: of the HDF5 file, for the datasets.
        compression: `none`, `gzip` or `lzf`.
        parts: files that hold the vectors, by their paths from the output's folder, each with its number of
            rows; the vectors of the blocks are then the places of the rows there, [N] int64.

    Raises:
        EmbeddingError: the disk is full or fails.
        ReconciliationError: the blocks are not those that were counted.
    """
    import h5py

    try:
        with replacing(output) as handle:
            size = totals.bytes_at_most(provenance, has_vectors=not parts)
            size += sum(len(path.encode()) + 64 for path, _ in parts)
            # HDF5 2.0 ends the process when it closes a file that it could not write to its end, so the room
            # is taken first. Opening a file to write gives its room back: hence twice.
            os.posix_fallocate(handle.fileno(), 0, size)
            with h5py.File(handle.name, "w", locking=False) as file:
                os.posix_fallocate(handle.fileno(), 0, size)
                file.attrs["format"] = FORMAT
                file.attrs["format_version"] = PLACES_VERSION if parts else FORMAT_VERSION
                target = file.create_group(group)
                columns = _Columns(target, totals, provenance, compression, is_placed=bool(parts))
                for block in blocks:
                    columns.append(block)
                    crashpoints.reached("embedding_block_stored")
                if columns.rows != totals.counts.rows:
                    raise ReconciliationError(
                        f"{columns.rows} of {totals.counts.rows} records reached the file",
                        where=str(output),
                        remedy="run again; if it happens again, the disk is failing",
                    )
                attributes = {**provenance.as_attributes(), **columns.attributes()}
                for name, value in {**attributes, "embeddings_crc32": checksum}.items():
                    target.attrs[name] = value
                if parts:
                    listed = [{"path": path, "rows": rows} for path, rows in parts]
                    target.attrs[PARTS] = canonical_json(listed).decode()
                file.flush()
                used = file.id.get_filesize()
            # HDF5 cuts the file to its length only where it knows that it is longer.
            os.truncate(handle.name, min(used, Path(handle.name).stat().st_size))
    except (OSError, RuntimeError) as error:
        raise EmbeddingError(
            f"cannot be written: {str(error).splitlines()[0]}",
            where=str(output),
            remedy="make room and run again; no text is embedded twice",
        ) from None


class _Columns:
    """The datasets of a group, filled from the front."""

    def __init__(
        self,
        group: h5py.Group,
        totals: Totals,
        provenance: Provenance,
        compression: str,
        is_placed: bool = False,
    ) -> None:
        import h5py
        import numpy as np

        self._counts = totals.counts
        self._has_text_labels = totals.has_text_labels
        self._label_type = "float64"
        self._embedded = self._skipped = 0
        text, rows, width = h5py.string_dtype(), totals.counts.embedded, len(provenance.labels)
        skipped = totals.counts.rows - rows

        def create(name: str, shape: tuple[int, ...], dtype: Any) -> h5py.Dataset:
            packed = compression != "none" and all(shape)
            return group.create_dataset(
                name,
                shape=shape,
                dtype=dtype,
                compression=compression if packed else None,
                chunks=(min(_CHUNK_ROWS, shape[0]), *shape[1:]) if packed else None,
                track_times=False,
            )

        if is_placed:
            self._vectors = create(PLACES, (rows,), np.int64)
        else:
            self._vectors = create("embeddings", (rows, provenance.dimension), provenance.storage_dtype)
        self._ids = create("document_id", (rows,), text)
        self._source_rows = create("source_row", (rows,), np.int64)
        self._truncated = create("truncated", (rows,), np.bool_)
        self._labels = None
        if width and not is_placed:
            shape = (rows,) if width == 1 else (rows, width)
            as_text = self._has_text_labels or provenance.label_dtype == "text"
            self._label_type = "text" if as_text else provenance.label_dtype.replace("auto", "float64")
            self._labels = create("labels", shape, text if as_text else self._label_type)
        self._skipped_ids = create("skipped/document_id", (skipped,), text)
        self._skipped_rows = create("skipped/source_row", (skipped,), np.int64)
        self._reasons = create("skipped/reason", (skipped,), text)

    @property
    def rows(self) -> int:
        """Records filled in, embedded and skipped."""
        return self._embedded + self._skipped

    def append(self, block: EmbeddedBlock) -> None:
        """Fill in one more block."""
        import numpy as np

        place = slice(self._embedded, self._embedded + len(block.ids))
        if block.ids:
            self._vectors[place] = block.vectors
            self._ids[place] = block.ids
            self._source_rows[place] = block.source_rows
            self._truncated[place] = block.truncated
            if self._labels is not None:
                self._labels[place] = self._label_array(block)
        self._embedded = place.stop
        if block.skipped:
            place = slice(self._skipped, self._skipped + len(block.skipped))
            self._skipped_ids[place] = [storable(skip.id) for skip in block.skipped]
            self._skipped_rows[place] = np.array([skip.source_row for skip in block.skipped], dtype=np.int64)
            self._reasons[place] = [storable(skip.reason) for skip in block.skipped]
            self._skipped = place.stop

    def attributes(self) -> dict[str, Any]:
        """Counts and the mark of a complete group."""
        counts = self._counts
        return {
            "rows": counts.rows,
            "embedded": counts.embedded,
            "skipped": counts.rows - counts.embedded,
            "truncated_count": counts.truncated,
            "tokens": counts.tokens,
            "complete": True,
        }

    def _label_array(self, block: EmbeddedBlock) -> Any:
        import numpy as np

        if self._label_type == "text":
            texts = [[_label_text(value) for value in row] for row in block.labels]
            values: Any = np.array(texts, dtype=object)
        else:
            values = np.array(block.labels, dtype=np.float64).astype(self._label_type)
        return values[:, 0] if values.shape[1] == 1 else values


def _label_text(value: Label) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return str(int(value)) if value.is_integer() else repr(value)


def storable(text: str) -> str:
    """Text that HDF5 can hold: it ends strings at a NUL, which is written as its symbol."""
    return text.replace("\0", "␀")
