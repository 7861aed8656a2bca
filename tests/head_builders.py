"""Embeddings files made of given vectors, and records and labels to go with them, for the tests of heads."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.provenance import Provenance
from goldpan.embeddings.store import Totals, write_store
from goldpan.files import sha256_file
from goldpan.records.read import iter_records
from goldpan.study.head import Head

PROVENANCE: dict[str, Any] = {
    "model": "made-up",
    "revision": "",
    "model_sha256": "ab" * 32,
    "pooling": "mean",
    "normalize": False,
    "max_length": 128,
    "on_long": "truncate",
    "prefix": "",
    "text": ("text",),
    "separator": "\n\n",
    "template": "",
    "labels": (),
    "compute_dtype": "float32",
    "storage_dtype": "float32",
    "block_size": 2048,
    "batch_tokens": 512,
    "padding": "right",
    "goldpan_version": "0",
    "torch_version": "0",
    "transformers_version": "0",
}


def write_records(path: Path, rows: Iterable[Mapping[str, Any]], source: str = "notes") -> Path:
    """A records file of rows with the ids d1, d2, ..., or what `id` of a row says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        for line, data in enumerate(rows, 1):
            id = str(data.get("id", f"d{line}"))
            record = {"id": id, "source": source, "file": path.stem, "line": line, "data": dict(data)}
            handle.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    return path


def write_embeddings(
    path: Path, records: Path, vectors: np.ndarray, *, skip: Mapping[str, str] | None = None, **changes: Any
) -> Path:
    """An embeddings file of a records file.

    Args:
        vectors: [n, D], one for each record that is not skipped.
        skip: id -> why the record has no embedding.
        changes: to how the embeddings were made.
    """
    skip = skip or {}
    kept, skipped = [], []
    for record in iter_records(records):
        if record["id"] in skip:
            skipped.append(Skipped(record["id"], record["line"], skip[record["id"]]))
        else:
            kept.append(record)
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    assert len(vectors) == len(kept)
    block = block_of([record["id"] for record in kept], [record["line"] for record in kept], vectors, skipped)
    totals = Totals()
    totals.add(block)
    given = PROVENANCE | {"dimension": vectors.shape[1], "source_sha256": sha256_file(records)} | changes
    write_store(
        path,
        [block],
        totals,
        Provenance(**given),
        checksum=zlib.crc32(vectors.tobytes()),
        group="train",
        compression="none",
    )
    return path


def block_of(
    ids: list[str], source_rows: Sequence[int], vectors: np.ndarray, skipped: Sequence[Skipped] = ()
) -> EmbeddedBlock:
    """Embedded documents and skipped records, without labels, as they come from the encoder."""
    return EmbeddedBlock(
        ids=ids,
        source_rows=np.array(source_rows, dtype=np.int64),
        truncated=np.zeros(len(ids), dtype=bool),
        labels=[()] * len(ids),
        skipped=list(skipped),
        tokens=0,
        vectors=vectors,
    )


def head_settings(targets: Any, **changes: Any) -> Head:
    """Settings that learn quickly from fields of records, without a learning curve."""
    given = {
        "embedding": "small",
        "labels": {"source": "notes"},
        "targets": targets,
        "learning_curve": [],
        "learning_rate": 0.1,
        "max_epochs": 50,
    }
    return Head(**(given | changes))


def random_vectors(count: int, dimension: int = 8, seed: int = 0) -> np.ndarray:
    """Normally distributed vectors, [count, dimension] float32."""
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A JSONL file of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return path
