"""How fast `kind: transformers` and `kind: vllm` answer on this machine, for the table of `gpu_llm`.

Requests with one long system prompt and texts of mixed length are answered with a JSON schema of ten labels,
each with a reason, by a model with random weights.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from goldpan.providers.engine.answerers import Request, WireReply
from goldpan.providers.keys import Keys
from goldpan.providers.model_facts import CHAT_URL
from goldpan.providers.own_model.answerer import TransformersAnswerer
from goldpan.providers.own_model.identity import OwnModel
from goldpan.providers.own_model.vllm import VllmAnswerer
from goldpan.study.provider import VllmSettings
from tests.bench.gpu_sizes import LlmSize, Measured
from tests.tiny_llm import make_tiny_llm

WARM_UP = 8
"""Requests that are not measured."""
LABELS = ["yes", "no", "perhaps", "not stated"]
CONTEXT = 8_192
REASON = {"type": "string"}
SCHEMA = {
    "type": "object",
    "properties": {
        key: part
        for number in range(10)
        for key, part in (
            (f"question_{number}_reason", REASON),
            (f"question_{number}", {"type": "string", "enum": LABELS}),
        )
    },
    "required": [key for number in range(10) for key in (f"question_{number}_reason", f"question_{number}")],
    "additionalProperties": False,
}


def measure_engine(
    size: LlmSize, device: str, *, requests: int, batch_tokens: int | None = None
) -> list[Measured]:
    """Answer made-up requests as the provider does; two lines, for all tokens and for those of answers.

    The work is that of the forward passes on real tokens: the shared beginning of the prompts once.

    Args:
        device: in PyTorch's words.
        requests: how many.
        batch_tokens: of a batch; None for what the provider takes.
    """
    with tempfile.TemporaryDirectory(prefix="goldpan-bench-") as folder:
        model = save_random_model(Path(folder), size)
        answerer = TransformersAnswerer(model, device=device, batch_tokens=batch_tokens)
        asked = made_up_requests(requests)
        # Kernels are chosen and memory is taken in the first go.
        for _ in answerer.answers(iter(asked[:WARM_UP])):
            pass
        on_gpu = device.startswith("cuda")
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        replies = [reply for _, reply in answerer.answers(iter(asked))]
        if on_gpu:
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
    usages = [reply["usage"] for reply in replies if isinstance(reply, dict)]
    memory = torch.cuda.max_memory_allocated() if on_gpu else 0
    return _lines("transformers", size, usages, seconds, memory, asked)


def measure_vllm(size: LlmSize, *, requests: int) -> list[Measured]:
    """The same requests answered by `vllm run-batch`, which must be installed; lines as of `measure_engine`.

    It loads the model in each run, so the time is that of all requests less that of eight.
    """
    with tempfile.TemporaryDirectory(prefix="goldpan-bench-") as folder:
        model = OwnModel("random", save_random_model(Path(folder), size))
        settings = VllmSettings(kind="vllm", model=str(model.folder), max_length=CONTEXT)
        asked = made_up_requests(requests)
        took = []
        for count in (WARM_UP, len(asked)):
            answerer = VllmAnswerer(
                settings,
                model,
                Path(folder) / f"of-{count}",
                secrets=Keys(None),
                variables=(),
                endpoint=CHAT_URL,
                is_cancelled=lambda: False,
                say=lambda line: print(line, file=sys.stderr),
            )
            start = time.perf_counter()
            replies = [reply for _, reply in answerer.answers(iter(asked[:count]))]
            took.append(time.perf_counter() - start)
    usages = [reply.body["usage"] for reply in replies if isinstance(reply, WireReply) and reply.is_answer]
    # What it had in its cache of prefixes counts as work here, unless its usage tells.
    return _lines("vllm", size, usages[WARM_UP:], took[1] - took[0], 0, asked[WARM_UP:])


def _lines(
    kind: str,
    size: LlmSize,
    usages: Sequence[Mapping[str, Any]],
    seconds: float,
    memory: int,
    asked: Sequence[Request],
) -> list[Measured]:
    assert len(usages) == len(asked), f"{len(usages)} of {len(asked)} requests were answered"
    answered = sum(usage["completion_tokens"] for usage in usages)
    shared = (usages[0].get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    computed = shared + answered + sum(usage["prompt_tokens"] - shared for usage in usages)
    work = sum(_work(size, usage, shared) for usage in usages) + _forward(size, shared, 0)
    what = f"kind: {kind}, {size.name}, {len(asked)} requests"
    return [
        Measured(f"{what}: prompts and answers", computed, seconds, work, memory),
        Measured(f"{what}: answers alone", answered, seconds, work, memory),
    ]


def _work(size: LlmSize, usage: Mapping[str, Any], shared: int) -> float:
    own = usage["total_tokens"] - shared
    output = 2.0 * usage["completion_tokens"] * size.width * size.vocabulary
    return _forward(size, own, shared) + output


def _forward(size: LlmSize, tokens: int, before: int) -> float:
    """Floating-point operations of so many tokens that follow others, without the output layer."""
    pairs = tokens * before + tokens**2 / 2
    return 2.0 * tokens * size.weights + 2 * 2 * size.layers * pairs * size.width


def made_up_requests(count: int) -> list[Request]:
    """Requests that begin alike and go on with 20 to 300 words."""
    draw = random.Random(0)
    words = ["survey", "data", "the", "of", "households", "census", "paper", "model", "bank", "in"]
    system = "You are an annotator. " + " ".join(draw.choices(words, k=800))
    held = {"type": "json_schema", "json_schema": {"name": "annotate", "schema": SCHEMA}}
    return [
        Request(
            {
                "model": "own",
                "max_completion_tokens": 600,
                "temperature": 0,
                "response_format": held,
                "messages": [
                    {"role": "system", "content": system},
                    {"role": "user", "content": " ".join(draw.choices(words, k=draw.randint(20, 300)))},
                ],
            },
            f"row-{number}",
        )
        for number in range(count)
    ]


def save_random_model(folder: Path, size: LlmSize) -> Path:
    """A model of a size with random weights, and the tokenizer of the tests."""
    from transformers import Qwen2ForCausalLM

    make_tiny_llm(folder)
    config = size.config(CONTEXT, bos_token_id=None, eos_token_id=2, pad_token_id=0, dtype=torch.bfloat16)
    torch.manual_seed(0)
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder
