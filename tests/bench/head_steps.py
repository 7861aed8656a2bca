"""What is measured of heads: annotating, and a loop over rows as a baseline."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.provenance import Provenance
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.embeddings.store import Totals, write_store
from goldpan.heads.annotate import annotate_file
from goldpan.heads.model import HeadModel, Linear
from goldpan.heads.targets import Target
from goldpan.study.head import Annotated
from tests.head_builders import PROVENANCE, block_of

WIDTH = 384
HEADS = 4
_BLOCK = 10_000


def make_corpus(folder: str, count: str) -> None:
    """Records and embeddings of so many documents, block by block."""
    totals = Totals()
    for block in _blocks(int(count)):
        totals.add(block)
    with (Path(folder) / "a.jsonl").open("wb") as records:
        for row in range(int(count)):
            record = {
                "id": f"d{row}",
                "source": "s",
                "file": "a",
                "line": row + 1,
                "data": {"text": "some text"},
            }
            records.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    checksum = 0
    for block in _blocks(int(count)):
        checksum = zlib.crc32(block.vectors.data, checksum)
    write_store(
        Path(folder) / "a.h5",
        _blocks(int(count)),
        totals,
        Provenance(**PROVENANCE, dimension=WIDTH, source_sha256=""),
        checksum=checksum,
        group="train",
        compression="none",
    )


def annotate(folder: str) -> dict[str, float]:
    """Annotate all records with four heads.

    Returns:
        Rows, and seconds for them by the clock and of the processor; importing PyTorch is not in them.
    """
    import torch  # noqa: F401

    place = Path(folder)
    names = [f"h{number}" for number in range(HEADS)]
    settings = Annotated(embedding="small", heads=names, device="cpu")
    wall, processor = time.perf_counter(), time.process_time()
    counts = annotate_file(settings, place / "a.h5", place / "a.jsonl", _heads(), place / "out.jsonl")
    return {
        "rows": counts.annotated,
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
    }


def loop_over_rows(folder: str, count: str) -> dict[str, float]:
    """The same of the first rows, one tensor and one line at a time, as a script would do it.

    Returns:
        As of `annotate`; reading the embeddings is not included.
    """
    import torch

    place = Path(folder)
    modules = {}
    for head in _heads():
        module = torch.nn.Linear(WIDTH, 1)
        module.load_state_dict(
            {
                "weight": torch.from_numpy(head.layers[0].weight),
                "bias": torch.from_numpy(head.layers[0].bias),
            }
        )
        modules[head.name] = module
    with EmbeddingFile(place / "a.h5") as file:
        block = next(iter(file.blocks(int(count))))
    wall, processor = time.perf_counter(), time.process_time()
    with (
        torch.no_grad(),
        (place / "a.jsonl").open(encoding="utf-8") as records,
        (place / "loop.jsonl").open("w", encoding="utf-8") as out,
    ):
        for line, embedding in zip(records, block.embeddings, strict=False):
            record = json.loads(line)
            tensor = torch.tensor(embedding)
            row = {"id": record["id"], "source": record["source"], "file": record["file"]}
            for name, module in modules.items():
                row[f"score_{name}"] = module(tensor).item()
            out.write(json.dumps(row) + "\n")
    return {
        "rows": len(block.document_ids),
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
    }


def _blocks(count: int) -> Iterator[EmbeddedBlock]:
    vectors = np.random.default_rng(0).normal(size=(_BLOCK, WIDTH)).astype(np.float32)
    for start in range(0, count, _BLOCK):
        rows = range(start, min(start + _BLOCK, count))
        yield block_of([f"d{row}" for row in rows], [row + 1 for row in rows], vectors[: len(rows)])


def _heads() -> list[HeadModel]:
    random = np.random.default_rng(1)
    made = Provenance(**PROVENANCE, dimension=WIDTH, source_sha256="")
    return [
        HeadModel(
            f"h{number}",
            (Linear(random.normal(size=(1, WIDTH)).astype(np.float32), np.zeros(1, dtype=np.float32)),),
            (Target(f"h{number}", f"h{number}", "regression"),),
            embedding=made,
        )
        for number in range(HEADS)
    ]
