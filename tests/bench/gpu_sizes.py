"""Sizes of language models whose work is counted, and a line of the table of `gpu_llm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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

    def config(self, context: int, **more: Any) -> Any:
        """The configuration of such a model, by `transformers`, for texts of `context` tokens at most."""
        from transformers import Qwen2Config

        return Qwen2Config(
            vocab_size=self.vocabulary,
            hidden_size=self.width,
            intermediate_size=self.inner,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.key_value_heads,
            max_position_embeddings=context,
            tie_word_embeddings=True,
            **more,
        )

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
