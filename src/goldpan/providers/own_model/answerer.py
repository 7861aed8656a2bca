"""Chat requests answered with a Hugging Face causal model on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from goldpan.providers.engine.answerers import Reply, Request

ChatTemplate = Literal["model", "plain"]


class TransformersAnswerer:
    """Answers chat requests with a causal model, many at a time; fulfils `Answerer`.

    The model is loaded when the first request comes.

    Args:
        model: a folder, `package:NAME`, or a name on the hub.
        adapter: folder of a PEFT adapter over it.
        revision: commit, of a model of the hub.
        trust_remote_code: let the model's own Python code run.
        device: `auto` is the first GPU, else the CPU.
        compute_dtype: `auto` or a type of PyTorch (bfloat16, float16, float32, float64).
        batch_tokens: tokens that a batch may hold, prompts and answers; None: what suits the device.
        max_length: tokens that prompt and answer may have together; None: what the model allows.
        chat_template: `model` takes the model's own; `plain` writes the messages one after the other, for
            base models.
        say: told what people should know, a line at a time.
    """

    def __init__(
        self,
        model: Path | str,
        *,
        adapter: Path | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        device: str = "auto",
        compute_dtype: str = "auto",
        batch_tokens: int | None = None,
        max_length: int | None = None,
        chat_template: ChatTemplate = "model",
        say: Callable[[str], None] | None = None,
    ):
        raise NotImplementedError

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`."""
        raise NotImplementedError
