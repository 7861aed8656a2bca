"""What a round will cost, before it is spent.

Prompt tokens are counted with the model's tokenizer on a sample of the requests and carried over to all by
bytes; the sample's size and the spread of the ratio are part of the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldpan.providers.prices import Price, TokenCounter, price_of
from goldpan.study.model import Stage
from goldpan.tasks.features import Extraction
from goldpan.tasks.task import Task

SAMPLE = 100
_TOKENS_PER_VALUE, _TOKENS_PER_REASON, _TOKENS_PER_TEXT, _TOKENS_PER_ITEM = 12, 40, 40, 120


@dataclass(frozen=True)
class Estimate:
    """Tokens and cost of the requests a round asks.

    Attributes:
        prompt_tokens: estimated total, and half the width of its 95 % interval.
        completion_tokens: a guess from the task's schema, or the request's limit where that is lower.
        tokenizer: what counted the sample, of `sampled` requests.
        cost_usd: None when no price is known.
        price: USD per million prompt and completion tokens, and where the price comes from.
    """

    prompt_tokens: int
    prompt_tokens_margin: int
    completion_tokens: int
    tokenizer: str
    sampled: int
    cost_usd: float | None
    price: dict[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """For plan.json."""
        return asdict(self)


class TokenEstimator:
    """Watches requests go by and knows how many prompt tokens they have.

    Attributes:
        ratio: tokens for each byte, as seen so far.
        tokenizer: name of what counts the tokens; `none` until a request was seen.
    """

    def __init__(self, model: str, expected: int | None = None):
        self._model = model
        self._counter: TokenCounter | None = None
        self._ratios: list[float] = []
        self._bytes = 0
        self.ratio = 0.0
        self.tokenizer = "none"

    def see(self, size: int, parts: Sequence[bytes]) -> int:
        """Take a request of `size` bytes (`parts` make up what varies of it) into account.

        Returns:
            Its estimated prompt tokens.
        """
        self._bytes += size
        if len(self._ratios) < SAMPLE:
            if self._counter is None:
                self._counter = TokenCounter(self._model)
                self.tokenizer = self._counter.name
            text = b"".join(parts)
            self._ratios.append(self._counter.count(text.decode()) / max(1, len(text)))
            self.ratio = sum(self._ratios) / len(self._ratios)
        return math.ceil(size * self.ratio)

    @property
    def sampled(self) -> int:
        """How many requests were counted with the tokenizer."""
        return len(self._ratios)

    def total(self) -> tuple[int, int]:
        """Estimated prompt tokens of all requests seen, and half the width of the 95 % interval."""
        count = len(self._ratios)
        if count < 2:
            return math.ceil(self._bytes * self.ratio), 0
        mean = self.ratio
        variance = sum((ratio - mean) ** 2 for ratio in self._ratios) / (count - 1)
        return math.ceil(self._bytes * mean), math.ceil(1.96 * self._bytes * math.sqrt(variance / count))


def completion_tokens(task: Task, stage: Stage) -> int:
    """A guess at the tokens of one answer: so much for each value, reason, text and list."""
    guess = 0
    for feature in task.features:
        guess += _TOKENS_PER_VALUE + (_TOKENS_PER_REASON if feature.rationale else 0)
        if feature.type == "text":
            guess += _TOKENS_PER_TEXT
        if isinstance(feature, Extraction):
            guess += _TOKENS_PER_ITEM * min(feature.max_items or 5, 5)
    limit = stage.params.get("max_completion_tokens") or stage.params.get("max_tokens")
    return min(guess, limit) if limit else guess


def stage_price(stage: Stage) -> Price | None:
    """The price of the stage's model: as the study gives it, else from litellm's table."""
    if stage.price_usd_per_million is None:
        return price_of(stage.model)
    prompt, completion = stage.price_usd_per_million
    return Price(prompt / 1e6, completion / 1e6, "study: price_usd_per_million")
