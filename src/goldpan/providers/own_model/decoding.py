"""A batch of requests through the model, from their prompts to the ends of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldpan.providers.own_model.answer_rows import AnswerRow, AskedFor
from goldpan.providers.own_model.causal_model import CausalModel
from goldpan.providers.own_model.choosing import chance_of, next_tokens
from goldpan.providers.own_model.closing import Closer
from goldpan.providers.own_model.grammars import Grammars

if TYPE_CHECKING:
    from goldpan.providers.own_model.slot_cache import SlotCache

_CHUNK = 512
"""Tokens of a prompt that go through the model at once: mask and scores of all of it grow as its square."""
_SMALLEST_PREFIX = 16


@dataclass(frozen=True)
class SharedPrefix:
    """The tokens that several prompts begin with, computed once.

    Attributes:
        length: of the prefix.
        cache: its keys and values; None where nothing is shared.
    """

    length: int = 0
    cache: SlotCache | None = None


class Decoder:
    """Answers batches with a model."""

    def __init__(self, model: CausalModel):
        self.model = model
        self.grammars = Grammars(model.tokenizer, model.vocabulary, model.ends)
        self.closer = Closer(self.grammars)

    def share(self, prompts: Sequence[list[int]]) -> SharedPrefix:
        """Compute what prompts have in common; the last token of each is its own."""
        length = common_length(prompts)
        if len(prompts) < 2 or length < _SMALLEST_PREFIX:
            return SharedPrefix()
        cache = self.model.cache(1, length)
        self._read([prompts[0][:length]], 0, cache)
        return SharedPrefix(length, cache)

    def decode(self, batch: Sequence[AskedFor], prefix: SharedPrefix) -> list[AnswerRow]:
        """Answer requests together.

        Raises:
            RuntimeError: memory does not suffice (see `is_out_of_memory`).
        """
        rows = [AnswerRow(asked, self.closer, self.model.ends, chance_of(asked.body)) for asked in batch]
        under_way = [row for row in rows if row.finish is None]
        if not under_way:
            return rows
        capacity = max(len(row.asked.prompt.ids) + row.asked.limit for row in under_way)
        cache = self.model.cache(len(under_way), capacity, prefix.cache, prefix.length)
        new = [row.asked.prompt.ids[prefix.length :] + row.new for row in under_way]
        logits = self._read(new, prefix.length, cache)
        while True:
            self._choose(under_way, logits)
            going_on = [place for place, row in enumerate(under_way) if row.finish is None]
            if not going_on:
                return rows
            # Rows that have ended are let go of when they are many: to do so costs a copy of the cache.
            if len(going_on) <= len(under_way) // 2:
                cache.keep(self.model.places(going_on))
                under_way = [under_way[place] for place in going_on]
            logits = self.model.logits(
                [row.new or row.answer[-1:] for row in under_way],
                [len(row.asked.prompt.ids) + len(row.answer) - max(1, len(row.new)) for row in under_way],
                cache,
            )

    def _choose(self, rows: list[AnswerRow], logits: Any) -> None:
        matchers = [row.matcher if row.finish is None else None for row in rows]
        allowed = self.grammars.allowed(matchers) if any(matchers) else None
        tokens = next_tokens(logits, allowed, [row.chance if row.finish is None else None for row in rows])
        for row, token in zip(rows, tokens, strict=True):
            if row.finish is None:
                row.take(token)
            else:
                row.new = []

    def _read(self, prompts: list[list[int]], start: int, cache: SlotCache) -> Any:
        """Let the model read prompts, a stretch of each at a time; the logits after their last tokens.

        Args:
            start: position of the first tokens.
        """
        longest = max(map(len, prompts))
        for begin in range(0, longest, _CHUNK):
            end = min(begin + _CHUNK, longest)
            # Aligned at their ends, so that all end in the last stretch.
            parts, positions = [], []
            for prompt in prompts:
                offset = longest - len(prompt)
                first = max(0, begin - offset)
                parts.append(prompt[first : max(0, end - offset)])
                positions.append(start + first)
            logits = self.model.logits(parts, positions, cache)
        return logits


def common_length(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, the last of each left out."""
    if not prompts:
        return 0
    first, last = min(prompts), max(prompts)
    shortest = min(map(len, prompts)) - 1
    return next(
        (place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b or place >= shortest),
        shortest,
    )
