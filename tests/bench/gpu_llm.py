"""How fast goldpan works with a language model on this machine's GPU, as a Markdown table; not run by pytest.

    PYTHONPATH=src:. python tests/bench/gpu_llm.py [--device cuda] [--rows 1024] [--requests 256]

A model of the Qwen 2.5 family's 0.5B size with random weights learns made-up rows by LoRA, in bfloat16 on a
GPU, and answers made-up requests through `kind: transformers` and, where vLLM is installed, `kind: vllm`. The
share of the peak is the floating-point work on real tokens (padding, and what is computed twice to save
memory, are not counted) per second, over that of the fastest square matrix product measured in the same run.

Besides goldpan's sources it needs the extras `models` and `finetune`, and numpy.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator

import torch

from tests.bench.gpu_embeddings import matmul_peak
from tests.bench.gpu_engine import measure_engine, measure_vllm
from tests.bench.gpu_lora import measure_lora
from tests.bench.gpu_sizes import HALF_BILLION, TINY, Measured


def main() -> None:
    """Measure and print the table."""
    options = _options()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("there is no CUDA device here; --device cpu --tiny tries the script on a CPU")
    peak = matmul_peak(options.device)
    name = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else "CPU"
    print(
        f"{name}, PyTorch {torch.__version__}; bfloat16 matrix products peak at {peak / 1e12:.1f} TFLOP/s.\n"
    )
    print("| what | tokens/s | TFLOP/s | share of peak | memory, GiB |")
    print("|---|---|---|---|---|")
    for measured in _measured(options):
        print(measured.as_markdown(peak), flush=True)


def _measured(options: argparse.Namespace) -> Iterator[Measured]:
    size = TINY if options.tiny else HALF_BILLION
    for is_checkpointed in (False, True):
        yield measure_lora(
            size,
            options.device,
            rows=options.rows,
            batch_tokens=options.train_tokens,
            gradient_checkpointing=is_checkpointed,
        )
    yield from measure_engine(
        size, options.device, requests=options.requests, batch_tokens=options.batch_tokens
    )
    if shutil.which("vllm"):
        yield from measure_vllm(size, requests=options.requests)
    else:
        print("vLLM is not installed here: not measured", file=sys.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rows", type=int, default=1024, help="of the training")
    parser.add_argument("--train-tokens", type=int, default=16_384, help="of a batch of the training")
    parser.add_argument("--requests", type=int, default=256, help="to the engines; more than 8")
    parser.add_argument("--batch-tokens", type=int, help="of a batch of `kind: transformers`")
    parser.add_argument("--tiny", action="store_true", help="a model of two small layers, to try the script")
    return parser.parse_args()


if __name__ == "__main__":
    main()
