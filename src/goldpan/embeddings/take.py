"""Embeddings that are there already: joined with the records of a file by id, and read where they lie.

What is written holds ids, the places of the vectors and how they were made. The vectors stay in their files;
they are looked at once, so that NaN and a wrong statement are known before a head is applied.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.existing import ExistingPart, read_part
from goldpan.embeddings.placed import PlacedColumns
from goldpan.embeddings.stated import SeenVectors, provenance_of_parts
from goldpan.embeddings.store import EmbedCounts, Totals, write_store
from goldpan.errors import EmbeddingError, ReconciliationError
from goldpan.files import sha256_file
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.study.embedding import Embedding

if TYPE_CHECKING:
    import numpy as np

_ROWS = 8192
_SHOWN = 5


def take_embeddings(
    settings: Embedding,
    records: Path,
    files: Sequence[Path],
    output: Path,
    *,
    model_sha256: str = "",
    may_hold_more: bool = False,
) -> EmbedCounts:
    """Write which vectors of HDF5 files made elsewhere are those of the records of a file.

    Args:
        settings: what the study says: where the vectors lie and how they were made.
        records: the records file.
        files: the HDF5 files, in the order of their parts.
        output: the file to write.
        model_sha256: of the stated model's files where they are here.
        may_hold_more: whether the files may hold vectors of other records: of a trial, or another file.

    Raises:
        EmbeddingError: a file is damaged or of another layout, holds NaN or an id twice, or is not what the
            study states.
        ReconciliationError: records and vectors are not about the same ids.
        SourceError: the records file is damaged.
    """
    import numpy as np

    parts = [read_part(path, settings.group, settings.layout) for path in files]
    place_of = _places(parts)
    joined = _join(settings, records, parts, place_of, may_hold_more)
    dimension = parts[0].dimension
    listed = [(part.path, len(part.ids)) for part in parts]
    with PlacedColumns(listed, settings.group, dimension) as columns:
        seen = _look_at(columns, np.array(joined.places, dtype=np.int64), joined.ids, parts, settings)
    provenance = provenance_of_parts(settings, parts, model_sha256, seen)
    kept = seen.finite
    bad = [
        Skipped(
            joined.ids[row],
            joined.rows[row],
            "damaged_vector: its embedding holds NaN or infinity, or is all zeros",
        )
        for row in np.flatnonzero(~kept).tolist()
    ]
    ids = [joined.ids[row] for row in np.flatnonzero(kept).tolist()]
    places = np.array(joined.places, dtype=np.int64)[kept]
    flags = [
        np.zeros(len(part.ids), dtype=bool) if part.truncated is None else part.truncated for part in parts
    ]
    block = EmbeddedBlock(
        ids=ids,
        source_rows=np.array(joined.rows, dtype=np.int64)[kept],
        truncated=np.concatenate(flags)[places],
        labels=[],
        skipped=sorted([*joined.skipped, *bad], key=lambda skip: joined.order[skip.id, skip.source_row]),
        tokens=sum(part.tokens for part in parts),
        vectors=places,
    )
    totals = Totals()
    totals.add(block)
    write_store(
        output,
        [block],
        totals,
        replace(provenance, source_sha256=sha256_file(records)),
        checksum=seen.checksum,
        group=settings.group,
        compression="none",
        parts=[(_path_from(output, path), rows) for path, rows in listed],
    )
    return totals.counts


@dataclass
class _Joined:
    """Records and the places of their vectors; those that have none, with the reason; where each stands."""

    ids: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    order: dict[tuple[str, int], int] = field(default_factory=dict)


def _places(parts: Sequence[ExistingPart]) -> dict[str, int]:
    """Document id -> place of its vector among the rows of all parts."""
    place_of: dict[str, int] = {}
    twice: dict[str, None] = {}
    begin = 0
    for part in parts:
        if part.dimension != parts[0].dimension:
            raise EmbeddingError(
                f"its vectors have {part.dimension} numbers, those of {parts[0].path} {parts[0].dimension}",
                where=str(part.path),
                remedy="files of one embedding are made by one model",
            )
        for row, id in enumerate(part.ids):
            if id in place_of:
                twice[id] = None
            place_of[id] = begin + row
        begin += len(part.ids)
    if twice:
        raise EmbeddingError(
            f"{len(twice)} document ids have more than one embedding: {_shown(twice)}",
            where=", ".join(str(part.path) for part in parts),
            remedy="vectors are joined by id, so each needs its own: was the file written by two jobs, or"
            " made of two source files with the same ids?",
        )
    return place_of


def _join(
    settings: Embedding,
    records: Path,
    parts: Sequence[ExistingPart],
    place_of: dict[str, int],
    may_hold_more: bool,
) -> _Joined:
    joined = _Joined()
    said = {skip.id: skip.reason for part in parts for skip in part.skipped}
    taken: dict[str, str] = {}
    alike: list[str] = []
    missing: list[str] = []
    for number, record in enumerate(iter_records(records)):
        id, row = record["id"], record["line"]
        joined.order[id, row] = number
        if "skip" in record:
            joined.skipped.append(Skipped(id, row, record["skip"]))
            continue
        document = _document_id(settings, record)
        if document in place_of and document in taken:
            alike.append(document)
        if document in place_of:
            taken[document] = id
            joined.ids.append(id)
            joined.rows.append(row)
            joined.places.append(place_of[document])
            continue
        if id not in said:
            missing.append(document)
        reason = said.get(id, f"no_embedding: the files hold no document_id {document!r}")
        joined.skipped.append(Skipped(id, row, reason))
    where = f"{records} and {', '.join(str(part.path) for part in parts)}"
    if alike:
        raise ReconciliationError(
            f"{len(alike)} records have the document_id of another record: {_shown(alike)}",
            where=where,
            remedy="name the fields that tell them apart under `document_id`",
        )
    if missing and settings.on_error == "stop":
        theirs = f"; document ids there are {_shown(place_of)}" if place_of else "; the files hold no rows"
        raise ReconciliationError(
            f"{len(missing)} of {len(missing) + len(joined.ids)} records have no embedding:"
            f" {_shown(missing)}{theirs}",
            where=where,
            remedy="name the fields that make the document ids under `document_id`; with `on_error: skip`"
            " such records are listed as skipped",
        )
    more = [id for id in place_of if id not in taken]
    if more and settings.on_error == "stop" and not may_hold_more:
        raise ReconciliationError(
            f"{len(more)} of {len(place_of)} embeddings are of no record: {_shown(more)}",
            where=where,
            remedy="is a file missing from the source, or was it changed since? with `on_error: skip` they"
            " are passed over",
        )
    return joined


def _document_id(settings: Embedding, record: Record) -> str:
    """The id that a record has in the files."""
    if settings.document_id is None:
        return record["id"]
    values = (look_up(record["data"], name)[1] for name in settings.document_id)
    return "__".join("" if value is None else str(value) for value in values)


def _look_at(
    columns: PlacedColumns,
    places: np.ndarray,
    ids: Sequence[str],
    parts: Sequence[ExistingPart],
    settings: Embedding,
) -> SeenVectors:
    import numpy as np

    finite = np.ones(len(places), dtype=bool)
    shortest, longest, checksum = np.inf, 0.0, 0
    for start in range(0, len(places), _ROWS):
        vectors = columns.vectors(places[start : start + _ROWS])
        # A row that was made room for and never written is all zeros.
        good = np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)
        finite[start : start + _ROWS] = good
        if not good.all():
            vectors = np.ascontiguousarray(vectors[good])
        if len(vectors):
            lengths = np.linalg.norm(vectors, axis=1)
            shortest, longest = min(shortest, float(lengths.min())), max(longest, float(lengths.max()))
            checksum = zlib.crc32(vectors.data, checksum)
    bad = np.flatnonzero(~finite).tolist()
    if bad and settings.on_error == "stop":
        raise EmbeddingError(
            f"{len(bad)} of {len(places)} embeddings hold NaN or infinity, or are all zeros:"
            f" {_shown(ids[row] for row in bad)}",
            where=_rows_of(places[bad].tolist(), parts, settings.group),
            remedy="make them again with what made them; with `on_error: skip` these records are listed as"
            " skipped",
        )
    return SeenVectors(finite, shortest, longest, checksum)


def _rows_of(places: Iterable[int], parts: Sequence[ExistingPart], group: str) -> str:
    """In which files, and which rows of them, some places are."""
    found = []
    begin = 0
    wanted = sorted(places)
    for part in parts:
        rows = [place - begin for place in wanted if begin <= place < begin + len(part.ids)]
        begin += len(part.ids)
        if rows:
            shown = ", ".join(map(str, rows[:_SHOWN])) + (", …" if len(rows) > _SHOWN else "")
            noun = "row" if len(rows) == 1 else "rows"
            found.append(f"{part.path}, {noun} {shown} of `{group}/embeddings` (the first is 0)")
    return "; ".join(found)


def _path_from(output: Path, path: Path) -> str:
    """Where a file lies, from the folder of the output, so that a project can be moved as a whole. Links are
    followed first: `results` may be one to another disk."""
    return os.path.relpath(os.path.realpath(path), os.path.realpath(output.parent))


def _shown(ids: Iterable[str]) -> str:
    many = list(ids)
    shown = ", ".join(repr(id if len(id) <= 60 else id[:59] + "…") for id in many[:_SHOWN])
    return f"{shown}, …" if len(many) > _SHOWN else shown
