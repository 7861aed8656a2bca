"""How fast goldpan embeds on this machine's GPU, as a Markdown table; run it by itself, not by pytest.

    PYTHONPATH=src python tests/bench/gpu_embeddings.py [--documents 40000] [--device cuda]

Encoders of two sizes with random weights embed documents of mixed length, made up here, in bfloat16. The
share of the peak is the floating-point work on real tokens (padding is not counted as work), per second,
over that of the fastest square matrix product measured in the same run. The baselines are loops that one
writes first: batches of 32 in the order of the documents, and the same sorted by length.

Besides goldpan's sources it needs torch, transformers, h5py, numpy and orjson; for the row that goes from a
records file to an HDF5 file also pydantic and PyYAML.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import torch

from goldpan.embeddings.encoder import Encoder
from goldpan.embeddings.forward import BatchForward
from goldpan.embeddings.layouts import layout_for
from goldpan.embeddings.loading import LoadedModel
from goldpan.embeddings.pooling import Pooler
from goldpan.embeddings.tokens import TextTokenizer, Tokens
from goldpan.models.folders import ModelFiles

BASELINE_BATCH = 32
BLOCK = 8192
REPEATS = 3
WORDS = 20_000


@dataclass(frozen=True)
class Size:
    """An encoder of the BERT family."""

    name: str
    layers: int
    width: int
    heads: int
    inner: int
    max_length: int

    def work(self, lengths: np.ndarray) -> float:
        """Floating-point operations for texts of these lengths: 2 for each multiplication and addition.

        Per layer and token 4 width² for queries, keys, values and the output and 2 width inner for the
        feed-forward part; per layer and pair of tokens 2 width for scores and their sums.
        """
        tokens, pairs = float(lengths.sum()), float((lengths.astype(np.float64) ** 2).sum())
        per_token = 4 * self.width**2 + 2 * self.width * self.inner
        return 2 * self.layers * (tokens * per_token + pairs * 2 * self.width)


SIZES = (
    Size("MiniLM-sized (22M)", layers=6, width=384, heads=12, inner=1536, max_length=256),
    Size("300M-sized (335M)", layers=24, width=1024, heads=16, inner=4096, max_length=512),
)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    encoder: str
    how: str
    documents: int
    tokens: int
    seconds: float
    work: float

    def as_markdown(self, peak: float) -> str:
        """The line, with the share of `peak` operations per second."""
        return (
            f"| {self.encoder} | {self.how} | {self.documents / self.seconds:,.0f} |"
            f" {self.tokens / self.seconds:,.0f} | {self.work / self.seconds / 1e12:.1f} |"
            f" {self.work / self.seconds / peak:.0%} |"
        )


def main() -> None:
    """Measure and print the table."""
    options = _options()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("there is no CUDA device here; --device cpu measures the CPU")
    texts = made_up_documents(options.documents)
    peak = matmul_peak(options.device)
    print(
        f"{_device_name(options.device)}, PyTorch {torch.__version__}, {torch.get_num_threads()} CPU threads."
    )
    print(
        f"{len(texts):,} documents; bfloat16 matrix products of this run peak at {peak / 1e12:.0f} TFLOP/s.\n"
    )
    print("| encoder | how | documents/s | tokens/s | TFLOP/s | share of peak |")
    print("|---|---|---|---|---|---|")
    for size in SIZES:
        for row in measure(size, texts, options):
            print(row.as_markdown(peak), flush=True)


def measure(size: Size, texts: list[str], options: argparse.Namespace) -> Iterator[Row]:
    """Rows for one size of encoder."""
    model = loaded_model(size, options.device, options.batch_tokens)
    # On a CPU an encoder replaces parts of its model, which plain loops are not to have.
    plain = loaded_model(size, options.device, options.batch_tokens)
    settings: Any = SimpleNamespace(on_long="truncate")
    # The baselines are slow: they get the first part of the documents.
    few = texts[: max(BASELINE_BATCH, len(texts) // 8)]
    tokens = TextTokenizer(model.tokenizer, model.max_length, "truncate", model.prefix)(texts)
    with Encoder(settings, model=model) as encoder:
        lengths = tokens.lengths
        few_lengths = lengths[: len(few)]

        def row(how: str, taken: np.ndarray, run: Callable[[], Any]) -> Row:
            return Row(
                size.name, how, len(taken), int(taken.sum()), _best(run, options.device), size.work(taken)
            )

        yield row("in order, batches of 32", few_lengths, lambda: loop(plain, few))
        by_length = sorted(few, key=len, reverse=True)
        yield row("sorted, batches of 32", few_lengths, lambda: loop(plain, by_length))
        yield row("goldpan, texts to vectors", lengths, lambda: _encode(encoder, texts))
        yield row("goldpan, forward passes alone", lengths, lambda: _forward_alone(model, tokens))
    yield from _whole_files(size, model, texts, lengths, options)


def _whole_files(
    size: Size, model: LoadedModel, texts: list[str], lengths: np.ndarray, options: argparse.Namespace
) -> Iterator[Row]:
    """From a records file to an HDF5 file."""
    try:
        from goldpan.embeddings.embed import embed_file
        from goldpan.study.embedding import Embedding
    except ImportError as error:
        print(f"<!-- from file to file is not measured: {error} -->")
        return
    settings = Embedding(source=["made_up"], model="random", block_size=BLOCK)
    with tempfile.TemporaryDirectory() as folder, Encoder(settings, model=model) as encoder:
        records = Path(folder) / "records.jsonl"
        write_records(records, texts)

        def run() -> None:
            embed_file(settings, records, Path(folder) / "out.h5", encoder=encoder)

        seconds = _best(run, options.device)
    yield Row(
        size.name,
        "goldpan, records file to HDF5",
        len(texts),
        int(lengths.sum()),
        seconds,
        size.work(lengths),
    )


def made_up_documents(count: int) -> list[str]:
    """Documents of mixed length: numbers of words are lognormal, half of them below 90, some above 600."""
    draw = np.random.default_rng(20)
    words = np.array([f"w{number}" for number in range(WORDS)])
    lengths = np.clip(draw.lognormal(4.5, 0.9, count), 3, 2_000).astype(int)
    return [" ".join(words[draw.integers(0, WORDS, length)]) for length in lengths]


def write_records(path: Path, texts: Sequence[str]) -> None:
    """Write texts as a records file."""
    with path.open("wb") as handle:
        for number, text in enumerate(texts, 1):
            record = {"id": f"d{number}", "source": "s", "file": "f", "line": number, "data": {"text": text}}
            handle.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def loaded_model(size: Size, device: str, batch_tokens: int | None) -> LoadedModel:
    """An encoder of this size with random weights, and a tokenizer with a token for each word."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {token: place for place, token in enumerate(special + [f"w{n}" for n in range(WORDS)])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30_522,
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.inner,
        max_position_embeddings=512,
        attn_implementation="sdpa",
    )
    encoder = BertModel(config, add_pooling_layer=False).to(device, torch.bfloat16).eval()
    return LoadedModel(
        files=ModelFiles("random", Path(), None, "0" * 64),
        encoder=encoder,
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=core, pad_token="[PAD]"),
        pooler=Pooler(("mean",), (), True),
        dimension=size.width,
        max_length=size.max_length,
        prefix="",
        padding="right",
        device=device,
        compute_dtype="bfloat16",
        budget=batch_tokens or 65_536,
    )


def loop(model: LoadedModel, texts: Sequence[str]) -> np.ndarray:
    """The loop one writes first: tokenise, pad and embed 32 texts at a time."""
    found = []
    for start in range(0, len(texts), BASELINE_BATCH):
        batch = model.tokenizer(
            list(texts[start : start + BASELINE_BATCH]),
            padding=True,
            truncation=True,
            max_length=model.max_length,
            return_tensors="pt",
        ).to(model.device)
        with torch.inference_mode():
            hidden = model.encoder(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
            ).last_hidden_state
            mask = batch["attention_mask"][..., None]
            vectors = (hidden * mask).sum(1) / mask.sum(1)
            found.append(torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy())
    return np.concatenate(found)


def matmul_peak(device: str) -> float:
    """Floating-point operations per second of the fastest of some square bfloat16 matrix products."""
    fastest = 0.0
    for side in (4096, 8192) if device.startswith("cuda") else (1024,):
        left = torch.randn(side, side, device=device, dtype=torch.bfloat16)
        right = torch.randn(side, side, device=device, dtype=torch.bfloat16)

        def products(left: torch.Tensor = left, right: torch.Tensor = right) -> None:
            for _ in range(20):
                left @ right

        fastest = max(fastest, 20 * 2 * side**3 / _best(products, device))
    return fastest


def _encode(encoder: Encoder, texts: list[str]) -> None:
    """Embed in blocks, the next under way while one is awaited, as `embed_file` does."""
    pending = [encoder.submit(texts[:BLOCK])]
    for start in range(BLOCK, len(texts), BLOCK):
        pending.append(encoder.submit(texts[start : start + BLOCK]))
        pending.pop(0).result()
    for block in pending:
        block.result()


def _forward_alone(model: LoadedModel, tokens: Tokens) -> None:
    """What is left when all texts are tokenised before."""
    forward = BatchForward(
        layout_for(
            model.encoder,
            device=model.device,
            pad_id=model.tokenizer.pad_token_id,
            padding=model.padding,
        ),
        model.pooler,
        device=model.device,
        budget=model.budget,
    )
    with ThreadPoolExecutor(max_workers=2) as feeders:
        batches = forward.batches(tokens.lengths)
        vectors = list(feeders.map(lambda places: forward([tokens.ids[place] for place in places]), batches))
    torch.cat(vectors).cpu()


def _best(run: Callable[[], Any], device: str) -> float:
    """Seconds of the fastest of some runs after one to warm up."""
    seconds = []
    for _ in range(1 + REPEATS):
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=40_000)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch-tokens", type=int, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
