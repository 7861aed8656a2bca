"""How fast a language model learns by LoRA on this machine, for the table of `gpu_llm`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldpan.finetune.base_model import load_tokenizer
from goldpan.finetune.sft import PlannedTrainer, sft_arguments
from goldpan.finetune.steps import plan_steps
from goldpan.finetune.token_budget import TokenBudget
from goldpan.finetune.tokens import TokenizedRow
from tests.bench.gpu_sizes import LlmSize, Measured
from tests.tiny_llm import make_tiny_llm

WARM_UP = 3
"""Steps that are not measured: kernels are chosen and memory is taken in them."""


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
    from transformers import Qwen2ForCausalLM, TrainerCallback
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
    config = size.config(4096, dtype=torch.bfloat16 if is_gpu else torch.float32)
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
