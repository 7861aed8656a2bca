"""What a round will cost, before it is spent.

Prompt tokens are counted with the model's tokenizer on a sample of the requests and carried over to all by
bytes; the sample's size and the spread of the ratio are part of the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from goldpan.batches.prompt_cache import CacheEstimator
from goldpan.ledger import Spent
from goldpan.providers.model_facts import facts_of
from goldpan.providers.prices import Price, TokenCounter, price_of
from goldpan.study.stage import FLEX, Stage
from goldpan.tasks.features import Extraction
from goldpan.tasks.task import Task

SAMPLE = 100
# Answers of the stage itself from which the length of the next is learned.
LEARN_FROM = 10
# Reasoning tokens allowed for an answer before any is known, by effort. They are figures of ours, not of any
# service: what a model takes differs tenfold with the question, which the range of the estimate says.
REASONING_ALLOWANCE = {
    "none": 0, "minimal": 60, "low": 300, "medium": 1_000, "high": 4_000, "xhigh": 10_000,
}  # fmt: skip
_GUESS_FACTOR = 3.0
HERE = Price(0.0, 0.0, "the engine on this machine costs nothing")
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_TOKENS_PER_VALUE, _TOKENS_PER_REASON, _TOKENS_PER_TEXT, _TOKENS_PER_ITEM = 12, 40, 40, 120


@dataclass(frozen=True)
class CostEstimate:
    """Tokens and cost of the requests a round asks.

    Attributes:
        prompt_tokens: estimated total, and half the width of its 95 % interval.
        completion_tokens: estimated total, with its reasoning; a request's own limit bounds it.
        reasoning_tokens: those of them that are an allowance for reasoning.
        completion_basis: what the completion tokens are estimated from.
        tokenizer: what counted the sample, of `sampled` requests.
        cost_usd: None when no price is known.
        cost_usd_range: a low and a high figure; None when no price is known.
        price: USD per million prompt and completion tokens, and where the price comes from.
        cached_share: of the prompt tokens, that may come from the service's prompt cache. The cost does not
            count on it.
    """

    prompt_tokens: int
    prompt_tokens_margin: int
    completion_tokens: int
    reasoning_tokens: int
    completion_basis: str
    tokenizer: str
    sampled: int
    cost_usd: float | None
    cost_usd_range: tuple[float, float] | None
    price: dict[str, Any] | None
    cached_share: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For plan.json."""
        range_ = None if self.cost_usd_range is None else list(self.cost_usd_range)
        return {**asdict(self), "cost_usd_range": range_}


class TokenEstimator:
    """Watches requests go by and knows how many prompt tokens they have.

    Args:
        model, tokenizer: as of `TokenCounter`.

    Attributes:
        ratio: tokens for each byte, as seen so far.
        tokenizer: name of what counts the tokens; `none` until a request was seen.
    """

    def __init__(self, model: str, tokenizer: Path | None = None):
        self._model, self._tokenizer = model, tokenizer
        self._counter: TokenCounter | None = None
        self._ratios: list[float] = []
        self._bytes = 0
        self._cache = CacheEstimator()
        self.ratio = 0.0
        self.tokenizer = "none"

    def see(self, size: int, parts: Sequence[bytes], task: str = "") -> int:
        """Take a request of `size` bytes (`parts` make up what varies of it) into account.

        Returns:
            Its estimated prompt tokens.
        """
        self._bytes += size
        if len(self._ratios) < SAMPLE:
            if self._counter is None:
                self._counter = TokenCounter(self._model, self._tokenizer)
                self.tokenizer = self._counter.name
            text = b"".join(parts)
            self._ratios.append(self._counter.count(text.decode()) / max(1, len(text)))
            self.ratio = sum(self._ratios) / len(self._ratios)
            self._cache.see(task, size, parts, self.ratio)
        return math.ceil(size * self.ratio)

    @property
    def sampled(self) -> int:
        """How many requests were counted with the tokenizer."""
        return len(self._ratios)

    @property
    def cached_share(self) -> float:
        """The share of prompt tokens that may come from the service's prompt cache, by the same requests."""
        return self._cache.share

    def total(self) -> tuple[int, int]:
        """Estimated prompt tokens of all requests seen, and half the width of the 95 % interval."""
        count = len(self._ratios)
        if count < 2:
            return math.ceil(self._bytes * self.ratio), 0
        mean = self.ratio
        variance = sum((ratio - mean) ** 2 for ratio in self._ratios) / (count - 1)
        return math.ceil(self._bytes * mean), math.ceil(1.96 * self._bytes * math.sqrt(variance / count))


@dataclass(frozen=True)
class AnswerLength:
    """Completion tokens of one answer, as far as they can be known before it is there.

    Attributes:
        tokens: the mean, with reasoning, of which there are `reasoning`.
        low, high: between which the mean may well lie.
        basis: where the figures come from, for people.
        is_learned: from answers to the task as it is now; else it is a guess.
    """

    tokens: float
    reasoning: float
    low: float
    high: float
    basis: str
    is_learned: bool = False


def answer_length(
    task: Task, stage: Stage, spent: Sequence[Spent] = (), spent_on_any: Sequence[Spent] = ()
) -> AnswerLength:
    """How long an answer to a task will be.

    Learned from the answers that the stage already has of its model, once there are `LEARN_FROM`; before, a
    guess from the schema (so much for each value, reason, text and list), with an allowance for reasoning
    where the model reasons. What was learned of an earlier version of the task only widens the guess: a field
    more, or other words, may make answers of another length. The request's own limit bounds all.

    Args:
        spent: what the stage has cost so far with the task as it is now.
        spent_on_any: the same with whatever tasks.
    """
    limits = (stage.params.get(name) for name in _LIMITS)
    limit = next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)
    learned, before = _learned_from(spent, stage.model), _learned_from(spent_on_any, stage.model)
    if learned is not None:
        length = learned
    else:
        effort = facts_of(stage.model).effort(stage.params)
        allowance = 0 if effort is None else REASONING_ALLOWANCE.get(effort, REASONING_ALLOWANCE["medium"])
        visible = _visible_tokens(task)
        basis = "a guess from the task's schema, right within a factor of 3"
        if allowance:
            basis += (
                f", with {allowance} tokens of reasoning an answer (effort {effort}) until some are known"
            )
        total = visible + allowance
        length = AnswerLength(total, allowance, total / _GUESS_FACTOR, total * _GUESS_FACTOR, basis)
        if before is not None:
            length = AnswerLength(
                max(length.tokens, before.tokens),
                max(allowance, before.reasoning),
                min(length.low, before.low),
                max(length.high, before.high),
                f"{basis}; with another version of the task answers had {before.tokens:.0f} tokens",
            )
    if limit is None:
        return length
    basis = length.basis + (f"; at most {limit} by the request's limit" if limit < length.high else "")
    tokens, low, high = (min(value, limit) for value in (length.tokens, length.low, length.high))
    return AnswerLength(tokens, min(length.reasoning, tokens), low, high, basis, length.is_learned)


def _learned_from(spent: Sequence[Spent], model: str) -> AnswerLength | None:
    known = next((row for row in spent if row.model == model and row.paid >= LEARN_FROM), None)
    return None if known is None else _learned_length(known)


def _learned_length(spent: Spent) -> AnswerLength:
    count = spent.paid
    mean = spent.completion_tokens / count
    variance = max(0.0, spent.completion_squares / count - mean**2) * count / (count - 1)
    margin = 1.96 * math.sqrt(variance / count)
    basis = f"learned from {count} answers of this stage"
    low, high = max(0.0, mean - margin), mean + margin
    return AnswerLength(mean, spent.reasoning_tokens / count, low, high, basis, is_learned=True)


def _visible_tokens(task: Task) -> int:
    guess = 0
    for feature in task.features:
        guess += _TOKENS_PER_VALUE + (_TOKENS_PER_REASON if feature.rationale else 0)
        if feature.type == "text":
            guess += _TOKENS_PER_TEXT
        if isinstance(feature, Extraction):
            guess += _TOKENS_PER_ITEM * min(feature.max_items or 5, 5)
    return guess


def stage_price(stage: Stage, *, is_free: bool, is_online: bool, tier: str | None = None) -> Price | None:
    """The price of the stage's model: as the study gives it, else from litellm's table.

    Args:
        is_free: the answers cost nothing unless the study says otherwise.
        is_online: they are asked one by one, and not by a batch API.
        tier: at which they are answered, online.
    """
    if stage.price_usd_per_million is None:
        return HERE if is_free else price_of(stage.model, is_online=is_online, tier=tier)
    prompt, completion = stage.price_usd_per_million
    if is_online and tier == FLEX:
        return Price(prompt / 2e6, completion / 2e6, "study: half of price_usd_per_million, for flex")
    return Price(prompt / 1e6, completion / 1e6, "study: price_usd_per_million")


def round_estimate(
    lengths: Sequence[tuple[AnswerLength, int]], estimator: TokenEstimator, price: Price | None
) -> CostEstimate:
    """What the requests of a round cost.

    Args:
        lengths: how long the answers are, and how many of that length are asked.
        estimator: has seen the requests.
        price: of the model's tokens; None where it is not known.
    """
    prompt, margin = estimator.total()
    completion = math.ceil(_total(lengths, "tokens"))
    cost: float | None = None
    range_: tuple[float, float] | None = None
    if not lengths:
        cost, range_ = 0.0, (0.0, 0.0)
    elif price is not None:
        cost = round(price.cost(prompt, completion), 6)
        low = price.cost(max(0, prompt - margin), _total(lengths, "low"))
        range_ = (round(low, 6), round(price.cost(prompt + margin, _total(lengths, "high")), 6))
    return CostEstimate(
        prompt_tokens=prompt,
        prompt_tokens_margin=margin,
        completion_tokens=completion,
        reasoning_tokens=math.ceil(_total(lengths, "reasoning")),
        completion_basis="; ".join(sorted({length.basis for length, _ in lengths})) or "nothing is asked",
        tokenizer=estimator.tokenizer,
        sampled=estimator.sampled,
        cost_usd=cost,
        cost_usd_range=range_,
        price=None
        if price is None
        else {
            "prompt_usd_per_million": round(price.prompt * 1e6, 6),
            "completion_usd_per_million": round(price.completion * 1e6, 6),
            "rule": price.rule,
        },
        cached_share=round(estimator.cached_share, 4),
    )


def _total(lengths: Sequence[tuple[AnswerLength, int]], figure: str) -> float:
    """Tokens of all answers by one figure of their lengths."""
    return sum(getattr(length, figure) * count for length, count in lengths)
