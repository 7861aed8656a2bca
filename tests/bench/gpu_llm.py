"""How fast goldpan works with a language model on this machine's GPU, as a Markdown table; not run by pytest.

    PYTHONPATH=src:. python tests/bench/gpu_llm.py [--device cuda] [--rows 1024] [--batch-tokens 16384]

A model of the Qwen 2.5 family's 0.5B size with random weights learns made-up rows by LoRA, in bfloat16 on a
GPU. The share of the peak is the floating-point work on real tokens (padding, and what is computed twice to
save memory, are not counted) per second, over that of the fastest square matrix product measured in the same
run.

Besides goldpan's sources it needs the extras `models` and `finetune`, and numpy.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldpan.finetune.base_model import load_tokenizer
from goldpan.finetune.sft import PlannedTrainer, sft_arguments
from goldpan.finetune.steps import plan_steps
from goldpan.finetune.token_budget import TokenBudget
from goldpan.finetune.tokens import TokenizedRow
from tests.bench.gpu_embeddings import matmul_peak
from tests.tiny_llm import make_tiny_llm

WARM_UP = 3
"""Steps that are not measured: kernels are chosen and memory is taken in them."""


@dataclass(frozen=True)
class LlmSize:
    """A decoder of the Qwen 2 family."""

    name: str
    layers: int
    width: int
    heads: int
    key_value_heads: int
    inner: int
    vocabulary: int

    @property
    def weights(self) -> int:
        """Weights that every token is multiplied with, but for those of the output."""
        keys_values = 2 * self.width * self.width * self.key_value_heads // self.heads
        per_layer = 2 * self.width**2 + keys_values + 3 * self.width * self.inner
        return self.layers * per_layer

    def lora_work(self, lengths: np.ndarray, learned: int) -> float:
        """Floating-point operations of a LoRA step on texts of these lengths, `learned` tokens of which are.

        Forward 2 for each weight and token, and as many backward, for weights that stay need no gradient of
        their own; the output only where a token is learned. Attention looks back, so half of the pairs of
        tokens count: per layer and pair 2 multiplications and additions for each of width, and twice as much
        backward. The adapters, a hundredth of it, are not counted.
        """
        tokens, pairs = float(lengths.sum()), float((lengths.astype(np.float64) ** 2).sum()) / 2
        output = 4.0 * learned * self.width * self.vocabulary
        return 4.0 * tokens * self.weights + output + 3 * 2 * self.layers * pairs * 2 * self.width


HALF_BILLION = LlmSize("0.5B-sized", 24, 896, 14, 2, 4864, 151_936)
TINY = LlmSize("tiny", 2, 64, 4, 2, 128, 512)


@dataclass(frozen=True)
class Measured:
    """One line of the table.

    Attributes:
        what: was done.
        tokens: real ones, prompt and answer.
        seconds: that it took.
        work: floating-point operations on real tokens.
        memory: most bytes of the GPU that were in use; 0 on a CPU.
    """

    what: str
    tokens: int
    seconds: float
    work: float
    memory: int = 0

    def as_markdown(self, peak: float) -> str:
        """The line, with the share of `peak` operations per second."""
        rate = self.work / self.seconds
        return (
            f"| {self.what} | {self.tokens / self.seconds:,.0f} | {rate / 1e12:.2f} | {rate / peak:.0%} |"
            f" {self.memory / 2**30:.1f} |"
        )


def main() -> None:
    """Measure and print the table."""
    options = _options()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("there is no CUDA device here; --device cpu --tiny tries the script on a CPU")
    size = TINY if options.tiny else HALF_BILLION
    peak = matmul_peak(options.device)
    name = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else "CPU"
    print(
        f"{name}, PyTorch {torch.__version__}; bfloat16 matrix products peak at {peak / 1e12:.1f} TFLOP/s.\n"
    )
    print("| what | tokens/s | TFLOP/s | share of peak | memory, GiB |")
    print("|---|---|---|---|---|")
    for is_checkpointed in (False, True):
        row = measure_lora(
            size,
            options.device,
            rows=options.rows,
            batch_tokens=options.batch_tokens,
            gradient_checkpointing=is_checkpointed,
        )
        print(row.as_markdown(peak), flush=True)


def measure_lora(
    size: LlmSize,
    device: str,
    *,
    rows: int,
    batch_tokens: int,
    gradient_checkpointing: bool = False,
    rank: int = 16,
) -> Measured:
    """Train an adapter on all linear layers for one epoch, as the rule does, and time its steps.

    Args:
        device: in PyTorch's words; on a GPU it computes in bfloat16, else in float32.
        rows: made-up ones of 200 to 1,500 tokens, of which 20 to 200 are the answer.
        batch_tokens: of a batch, padding included.
    """
    from peft import LoraConfig
    from transformers import Qwen2Config, Qwen2ForCausalLM, TrainerCallback
    from transformers.trainer_callback import DefaultFlowCallback, PrinterCallback

    is_gpu = device.startswith("cuda")
    data = made_up_rows(rows, size.vocabulary)
    steps = plan_steps(
        [len(row.ids) for row in data], batch_tokens=batch_tokens, gradient_accumulation=1, epochs=1, seed=0
    )
    if len(steps) <= WARM_UP:
        sys.exit(
            f"{rows} rows make {len(steps)} steps, of which {WARM_UP} are not measured: give more --rows"
        )
    config = Qwen2Config(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.key_value_heads,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        dtype=torch.bfloat16 if is_gpu else torch.float32,
    )
    model = Qwen2ForCausalLM(config).to(config.dtype)
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        """The time at the end of each step, once the device has done it."""

        def on_step_end(self, *_: Any, **__: Any) -> None:
            if is_gpu:
                torch.cuda.synchronize()
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory(prefix="goldpan-bench-") as folder:
        tokenizer = load_tokenizer(make_tiny_llm(Path(folder) / "tiny"), False)
        arguments = sft_arguments(
            Path(folder) / "out",
            device=device,
            bf16=is_gpu,
            learning_rate=1e-4,
            gradient_checkpointing=gradient_checkpointing,
        )
        trainer = PlannedTrainer(
            steps=steps,
            train=data,
            valid=data[:1],
            budget=TokenBudget(batch_tokens, 0),
            model=model,
            args=arguments,
            processing_class=tokenizer,
            peft_config=LoraConfig(task_type="CAUSAL_LM", r=rank, target_modules="all-linear"),
        )
        for callback in (DefaultFlowCallback, PrinterCallback):
            trainer.remove_callback(callback)
        trainer.add_callback(Clock())
        if is_gpu:
            torch.cuda.reset_peak_memory_stats()
        trainer.train()
    seen = [data[row] for step in steps[WARM_UP:] for row in step]
    lengths = np.array([len(row.ids) for row in seen])
    how = ", activations computed twice" if gradient_checkpointing else ""
    return Measured(
        f"LoRA of rank {rank}, {size.name}{how}",
        tokens=int(lengths.sum()),
        seconds=times[-1] - times[WARM_UP - 1],
        work=size.lora_work(lengths, sum(row.completion_length for row in seen)),
        memory=torch.cuda.max_memory_allocated() if is_gpu else 0,
    )


def made_up_rows(count: int, vocabulary: int) -> Sequence[TokenizedRow]:
    """Rows of random tokens, of the lengths that annotation has: long prompts, short answers."""
    chance = np.random.default_rng(0)
    rows = []
    for _ in range(count):
        length, answer = int(chance.integers(200, 1500)), int(chance.integers(20, 200))
        rows.append(TokenizedRow(chance.integers(3, vocabulary, length).tolist(), length - answer))
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--batch-tokens", type=int, default=16_384)
    parser.add_argument("--tiny", action="store_true", help="a model of two small layers, to try the script")
    return parser.parse_args()


if __name__ == "__main__":
    main()
