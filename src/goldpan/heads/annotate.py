"""Apply heads to all records of an embeddings file, in memory that does not grow with their number."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.embeddings.store import storable
from goldpan.errors import ReconciliationError
from goldpan.files import document_as, iter_lines
from goldpan.heads.columns import Columns
from goldpan.heads.files import ANNOTATED_REMEDY
from goldpan.heads.fused import FusedHeads
from goldpan.heads.jsonl import writing
from goldpan.heads.model import HeadModel
from goldpan.heads.output_keys import OutputKeys
from goldpan.heads.record_lines import line_start, parsed, row_start
from goldpan.models.device import available_device
from goldpan.models.threads import made_ahead
from goldpan.study.head import Annotated

_BLOCK_ROWS = 8192

Annotation = tuple[bytes, bytes, str]
"""Start of the line, columns as JSON text, and id of a record that has an embedding."""


@dataclass
class AnnotatedCounts:
    """What became of the records of one file; `rows` = `annotated` + all of `skipped`.

    Attributes:
        rows: records of the file.
        annotated: those with an embedding.
        skipped: those without, by the code of the reason.
        missing_keys: output key -> records whose row has no such field; there it is null.
    """

    rows: int = 0
    annotated: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    missing_keys: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "rows": self.rows,
            "annotated": self.annotated,
            "skipped": dict(sorted(self.skipped.items())),
            "missing_keys": dict(sorted(self.missing_keys.items())),
        }

    def add(self, more: AnnotatedCounts) -> None:
        """Count the records of another file, too."""
        self.rows += more.rows
        self.annotated += more.annotated
        self.skipped.update(more.skipped)
        self.missing_keys.update(more.missing_keys)


def read_counts(path: Path) -> AnnotatedCounts:
    """Read the counts beside an annotated file. Raises SourceError when they are damaged."""

    def read(counts: dict[str, Any]) -> AnnotatedCounts:
        skipped, missing = Counter(counts["skipped"]), Counter(counts["missing_keys"])
        return AnnotatedCounts(counts["rows"], counts["annotated"], skipped, missing)

    return document_as(path, read, "the counts of an annotated file", ANNOTATED_REMEDY)


def annotate_file(
    settings: Annotated,
    embeddings: Path,
    records: Path,
    heads: Sequence[HeadModel],
    output: Path,
    *,
    group: str = "train",
    threads: int = 1,
) -> AnnotatedCounts:
    """Write one row for each record of a records file, with what all heads say about it.

    A row has `id`, `source`, `file`, `state` (`ok` or `skipped`), the output keys, and the columns of
    `goldpan.heads.columns`. For a record that was skipped these are null, and `reason` says why.

    Args:
        settings: what the study says.
        embeddings: the embeddings file of the records file.
        records: the records file.
        heads: the heads to apply, those of the study and those made elsewhere.
        output: the JSONL to write, compressed as the study says.
        group: of the HDF5 file.
        threads: of the CPU, for the matrix product; for heads of one layer one is best.

    Raises:
        HeadError: a head was trained on other embeddings.
        EmbeddingError: the embeddings file is damaged, or holds NaN; or there is no such device.
        ReconciliationError: embeddings and records are not about the same records in the same order.
        StudyError: two columns have one name.
        SourceError: the records file is damaged.
    """
    counts = AnnotatedCounts()
    columns = Columns([target for head in heads for target in head.targets], settings.probabilities)
    keys = OutputKeys(settings.output_keys, columns.names, str(records))
    with EmbeddingFile(embeddings, group) as file:
        # Of no vectors at all nobody can say how they were made.
        for head in heads if len(file) else ():
            head.check_fits(file.provenance, str(embeddings))
        fused = FusedHeads(heads, available_device(settings.device))
        with writing(output, settings.compression) as out:
            for line, annotation in _joined(records, file, _annotations(file, fused, columns, threads)):
                counts.rows += 1
                kept = keys.text(line)
                if isinstance(annotation, Skipped):
                    counts.skipped[annotation.code] += 1
                    reason = orjson.dumps(annotation.reason)
                    out.write(
                        b'%b%b%b,"reason":%b}\n' % (row_start(line, b"skipped"), kept, columns.empty, reason)
                    )
                else:
                    out.write(b"%b%b%b}\n" % (row_start(line, b"ok"), kept, annotation))
    counts.annotated = counts.rows - counts.skipped.total()
    counts.missing_keys = keys.missing
    return counts


def _annotations(
    file: EmbeddingFile, fused: FusedHeads, columns: Columns, threads: int
) -> Iterator[Annotation]:
    """What the heads say about each record that has an embedding, in the order of the file."""
    blocks = (
        list(
            zip(
                map(line_start, block.document_ids),
                columns.texts(fused.predict(block.embeddings)),
                block.document_ids,
                strict=True,
            )
        )
        for block in file.blocks(_BLOCK_ROWS)
    )
    return itertools.chain.from_iterable(made_ahead(blocks, threads))


def _joined(
    records: Path, file: EmbeddingFile, annotations: Iterator[Annotation]
) -> Iterator[tuple[bytes, bytes | Skipped]]:
    """Each line of a records file, and what the heads say about its record or why they say nothing.

    Raises:
        ReconciliationError: a record is neither the next one embedded nor the next one skipped.
        SourceError: a line is not a record.
    """
    skipped = iter(file.skipped())
    annotation, skip = next(annotations, None), next(skipped, None)
    for number, line in iter_lines(records):
        if annotation is not None and line.startswith(annotation[0]):
            yield line, annotation[1]
            annotation = next(annotations, None)
            continue
        record = parsed(line, f"{records}:{number}")
        if skip is None or (skip.id, skip.source_row) != (storable(record["id"]), record["line"]):
            raise _mismatch(
                records, file, f"record {record['id']!r} has no embedding here and was not skipped"
            )
        yield line, skip
        skip = next(skipped, None)
    if annotation is not None:
        raise _mismatch(records, file, f"record {annotation[2]!r} has an embedding but is not there")
    if skip is not None:
        raise _mismatch(records, file, f"record {skip.id!r} was skipped but is not there")


def _mismatch(records: Path, file: EmbeddingFile, what: str) -> ReconciliationError:
    return ReconciliationError(
        f"{what}: the records are not those that {file.path} was made of",
        where=str(records),
        remedy="make the embeddings again",
    )
