"""Reading embeddings files, block by block; what is not a whole file of ours is an error with its name."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from goldpan.closing import ClosedAtEnd
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.placed import PlacedColumns
from goldpan.embeddings.provenance import Provenance
from goldpan.embeddings.store import FORMAT, FORMAT_VERSION, PARTS, PLACES, PLACES_VERSION
from goldpan.errors import EmbeddingError

if TYPE_CHECKING:
    import h5py
    import numpy as np

_REMEDY = "delete it; the next run makes it again"
_COLUMNS = ("document_id", "source_row", "truncated")


@dataclass(frozen=True)
class EmbeddingRows:
    """Some consecutive rows of an embeddings file.

    Attributes:
        document_ids: [n] ids of their records.
        source_rows: [n] int64, lines or rows in the source file.
        embeddings: [n, D] float32.
        truncated: [n] bool, whether the end of the text was cut off.
        labels: [n] or [n, T], float64 with NaN for null or text; None when none were stored.
    """

    document_ids: list[str]
    source_rows: np.ndarray
    embeddings: np.ndarray
    truncated: np.ndarray
    labels: np.ndarray | None


class EmbeddingFile(ClosedAtEnd):
    """One embeddings file, open for reading.

    Args:
        path: the HDF5 file.
        group: the group that holds the datasets.

    Attributes:
        path, group: as given.
        provenance: how the embeddings were made.
        skipped_count: records that have none.
        truncated_count: texts whose end was cut off.
        tokens: how many went through the model.
        parts: HDF5 files made elsewhere that hold the vectors, each with its rows; none where this file does.

    Raises:
        EmbeddingError: the file is missing, damaged, not complete, or not one of goldpan's.
    """

    def __init__(self, path: str | Path, group: str = "train") -> None:
        import h5py

        self.path, self.group = Path(path), group
        try:
            self._file = h5py.File(self.path, "r", locking=False)
        except FileNotFoundError:
            raise EmbeddingError("there is no such file", where=str(path)) from None
        except OSError as error:
            raise self._damaged(f"it is not a whole HDF5 file ({error})") from None
        self._placed: PlacedColumns | None = None
        try:
            self._group = self._opened_group()
            self.provenance = self._checked_provenance()
            self.parts = self._read_parts()
            self._check_shapes()
            if self.parts:
                self._placed = PlacedColumns(self.parts, self.group, self.dimension)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Number of embeddings."""
        return self._embedded

    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
        return self.provenance.dimension

    def blocks(self, rows: int = 8192) -> Iterator[EmbeddingRows]:
        """Yield all rows in the order of the records file, at most `rows` at a time.

        Raises:
            EmbeddingError: an embedding holds NaN or infinity, the bytes are not those that were written
                (known after the last block), or the file cannot be read to its end.
        """
        import numpy as np

        checksum = 0
        try:
            for start in range(0, len(self), rows):
                place = slice(start, min(start + rows, len(self)))
                stored, labels = self._stored(place)
                checksum = zlib.crc32(stored.data, checksum)
                embeddings = stored.astype(np.float32, copy=False)
                ids = self._group["document_id"].asstr()[place].tolist()
                self._check_finite(embeddings, ids)
                yield EmbeddingRows(
                    document_ids=ids,
                    source_rows=self._group["source_row"][place],
                    embeddings=embeddings,
                    truncated=self._group["truncated"][place],
                    labels=labels,
                )
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            raise self._damaged(f"it cannot be read to its end ({error})") from None
        if checksum != self._checksum:
            raise self._damaged(
                "its embeddings are not those that were written (their checksum differs)"
                if self._placed is None
                else f"the vectors in {', '.join(str(path) for path, _ in self.parts)} have changed since"
            )

    def columns(self, rows: int = 65_536) -> Iterator[tuple[list[str], np.ndarray]]:
        """Yield ids and the flags `truncated` of all rows, at most `rows` at a time; no vector is read.

        Raises:
            EmbeddingError: the file cannot be read to its end.
        """
        try:
            for start in range(0, len(self), rows):
                place = slice(start, min(start + rows, len(self)))
                yield self._group["document_id"].asstr()[place].tolist(), self._group["truncated"][place]
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            raise self._damaged(f"it cannot be read to its end ({error})") from None

    def skipped(self) -> list[Skipped]:
        """The records that have no embedding, in the order of the records file, with the reason of each."""
        part = self._group["skipped"]
        columns = (part["document_id"].asstr()[:], part["source_row"][:], part["reason"].asstr()[:])
        return [Skipped(id, int(row), reason) for id, row, reason in zip(*columns, strict=True)]

    def close(self) -> None:
        """Close the file."""
        if self._placed is not None:
            self._placed.close()
        self._file.close()

    def _stored(self, place: slice) -> tuple[np.ndarray, np.ndarray | None]:
        """The vectors as they are stored, and the labels, of some consecutive rows."""
        if self._placed is not None:
            places = self._group[PLACES][place]
            return self._placed.vectors(places), self._placed.labels(places)
        labels = self._group.get("labels")
        return self._group["embeddings"][place], None if labels is None else _read_labels(labels, place)

    def _read_parts(self) -> list[tuple[Path, int]]:
        """The files that hold the vectors, each with its number of rows; their paths start from this file."""
        if PLACES not in self._group:
            return []
        try:
            parts = orjson.loads(self._group.attrs[PARTS])
            folder = Path(os.path.realpath(self.path.parent))
            return [(Path(os.path.normpath(folder / part["path"])), int(part["rows"])) for part in parts]
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(f"its list of files is not complete ({error})") from None

    def _opened_group(self) -> h5py.Group:
        import h5py

        if self._file.attrs.get("format") != FORMAT:
            raise self._damaged(
                "it is not an embeddings file of goldpan",
                remedy="name a file that an embedding of a study made",
            )
        version = self._file.attrs.get("format_version")
        if version not in (FORMAT_VERSION, PLACES_VERSION):
            raise self._damaged(f"its format has version {version}, but this goldpan reads {PLACES_VERSION}")
        group = self._file.get(self.group)
        if not isinstance(group, h5py.Group):
            raise self._damaged(
                f"it has no group `{self.group}`; it has: {', '.join(self._file) or 'none'}",
                remedy="name the `group` that the embedding was made with",
            )
        return group

    def _checked_provenance(self) -> Provenance:
        attributes = self._group.attrs
        try:
            if not attributes["complete"]:
                raise self._damaged("it is not complete")
            self.skipped_count = int(attributes["skipped"])
            self.truncated_count = int(attributes["truncated_count"])
            self.tokens = int(attributes["tokens"])
            self._embedded, self._checksum = int(attributes["embedded"]), int(attributes["embeddings_crc32"])
            return Provenance.from_attributes(attributes)
        except (KeyError, ValueError, TypeError) as error:
            raise self._damaged(f"its attributes are not complete ({error})") from None

    def _check_shapes(self) -> None:
        """Check that all datasets are there and have a value for each embedding."""
        vectors = PLACES if self.parts else "embeddings"
        missing = [name for name in (vectors, *_COLUMNS, "skipped/reason") if name not in self._group]
        if missing:
            raise self._damaged(f"it lacks the dataset {', '.join(missing)}")
        rows = self._embedded
        shape = self._group[vectors].shape
        if shape != ((rows,) if self.parts else (rows, self.dimension)):
            raise self._damaged(f"its embeddings are {shape}, not {(rows, self.dimension)}")
        columns = [*_COLUMNS, *(["labels"] if "labels" in self._group else [])]
        for name in columns:
            if self._group[name].shape[0] != rows:
                raise self._damaged(f"`{name}` has {self._group[name].shape[0]} values for {rows} embeddings")

    def _check_finite(self, embeddings: np.ndarray, ids: list[str]) -> None:
        import numpy as np

        # The sum of squares is finite only if all numbers are; rows are looked at where it is not.
        if np.isfinite(np.vdot(embeddings, embeddings)):
            return
        finite = np.isfinite(embeddings).all(axis=1)
        if not finite.all():
            raise self._damaged(f"the embedding of {ids[int(np.argmin(finite))]!r} holds NaN or infinity")

    def _damaged(self, what: str, remedy: str = _REMEDY) -> EmbeddingError:
        return EmbeddingError(f"this file cannot be used: {what}", where=str(self.path), remedy=remedy)


def _read_labels(labels: Any, place: slice) -> np.ndarray:
    import h5py

    return labels.asstr()[place] if h5py.check_string_dtype(labels.dtype) else labels[place]
