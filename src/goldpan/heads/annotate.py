"""Apply heads to all records of an embeddings file, in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.embeddings.device import available_device
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.embeddings.store import storable
from goldpan.errors import ReconciliationError, StudyError
from goldpan.heads.columns import Columns
from goldpan.heads.fused import FusedHeads
from goldpan.heads.jsonl import writing
from goldpan.heads.model import HeadModel
from goldpan.records.model import RecordHead
from goldpan.records.read import iter_heads
from goldpan.study.head import RECORD_KEYS, Annotated
from goldpan.waves.strata import look_up

STATE_KEYS = ("state", "reason")
_BLOCK_ROWS = 8192

Embedded = tuple[str, int, dict[str, Any]]
"""Id, line in the source file, and columns of a record that has an embedding."""


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


def annotate_file(
    settings: Annotated,
    embeddings: Path,
    records: Path,
    heads: Sequence[HeadModel],
    output: Path,
    *,
    group: str = "train",
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

    Raises:
        HeadError: a head was trained on other embeddings.
        EmbeddingError: the embeddings file is damaged, or holds NaN; or there is no such device.
        ReconciliationError: embeddings and records are not about the same records in the same order.
        StudyError: two columns have one name.
        SourceError: the records file is damaged.
    """
    counts = AnnotatedCounts()
    columns = Columns([target for head in heads for target in head.targets], settings.probabilities)
    keys = _OutputKeys(settings.output_keys, columns.names, counts.missing_keys)
    with EmbeddingFile(embeddings, group) as file:
        for head in heads:
            head.check_fits(file.provenance, str(embeddings))
        fused = FusedHeads(heads, available_device(settings.device))
        made = _annotations(file, fused, columns)
        with writing(output, settings.compression) as out:
            for record, line, given in _joined(records, file, made):
                row: dict[str, Any] = {
                    "id": record["id"],
                    "source": record["source"],
                    "file": record["file"],
                }
                counts.rows += 1
                if isinstance(given, Skipped):
                    counts.skipped[given.code] += 1
                    row |= {"state": "skipped", "reason": given.reason}
                    given = columns.empty
                else:
                    counts.annotated += 1
                    row["state"] = "ok"
                keys.copy(record, line, row)
                row |= given
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return counts


def _annotations(file: EmbeddingFile, fused: FusedHeads, columns: Columns) -> Iterator[Embedded]:
    """What the heads say about each record that has an embedding, in the order of the file."""
    for block in file.blocks(_BLOCK_ROWS):
        rows = columns.rows(fused.predict(block.embeddings))
        yield from zip(block.document_ids, block.source_rows.tolist(), rows, strict=True)


def _joined(
    records: Path, file: EmbeddingFile, annotations: Iterator[Embedded]
) -> Iterator[tuple[RecordHead, bytes, dict[str, Any] | Skipped]]:
    """Each record, its line, and its annotation or why it has none.

    Raises:
        ReconciliationError: a record is neither the next one embedded nor the next one skipped.
    """
    skipped = iter(file.skipped())
    annotation, skip = next(annotations, None), next(skipped, None)
    for record, line in iter_heads(records):
        if annotation is not None and annotation[:2] == (record["id"], record["line"]):
            yield record, line, annotation[2]
            annotation = next(annotations, None)
        elif skip is not None and (skip.id, skip.source_row) == (storable(record["id"]), record["line"]):
            yield record, line, skip
            skip = next(skipped, None)
        else:
            raise _mismatch(records, file, f"record {record['id']!r} has no embedding and was not skipped")
    if annotation is not None:
        raise _mismatch(records, file, f"record {annotation[0]!r} has an embedding but is not there")
    if skip is not None:
        raise _mismatch(records, file, f"record {skip.id!r} was skipped but is not there")


def _mismatch(records: Path, file: EmbeddingFile, what: str) -> ReconciliationError:
    return ReconciliationError(
        f"{what}: the records are not those that {file.path} was made of",
        where=str(records),
        remedy="make the embeddings again",
    )


class _OutputKeys:
    """The fields of the original rows that are carried over.

    Args:
        keys: as the study names them.
        columns: of the heads.
        missing: counts records that lack a key.

    Raises:
        StudyError: a key has the name of a column.
    """

    def __init__(self, keys: Sequence[str], columns: Sequence[str], missing: Counter[str]) -> None:
        taken = {*columns, *STATE_KEYS}
        for key in keys:
            if key in taken:
                raise StudyError(
                    f"output_keys: `{key}` is the name of a column that is written anyway",
                    remedy="give the head another name, or leave the key out",
                )
        repeated = [name for name in columns if columns.count(name) > 1]
        if repeated:
            raise StudyError(f"two heads write the column `{repeated[0]}`", remedy="rename one of them")
        self._has_line = "line" in keys
        self._of_data = [key for key in keys if key not in RECORD_KEYS]
        self._missing = missing

    def copy(self, record: RecordHead, line: bytes, row: dict[str, Any]) -> None:
        """Put the fields of a record into its row; a line is parsed only if fields of its data are wanted."""
        if self._has_line:
            row["line"] = record["line"]
        if not self._of_data:
            return
        data = orjson.loads(line)["data"]
        for key in self._of_data:
            found, row[key] = look_up(data, key)
            if not found:
                self._missing[key] += 1
