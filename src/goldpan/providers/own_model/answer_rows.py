"""An answer as it grows, token by token, held to its schema and to its limit of tokens.

Each moment of an answer has a short way to its end (`closing`). What an answer may grow by beyond it is its
slack. When the slack is used up but for what labels may need, texts, lists and numbers are ended where they
stand: the model still chooses each label, and the answer is whole at its limit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from goldpan.providers.own_model.choosing import Chance
from goldpan.providers.own_model.closing import Closer, HeldSchema, JsonState
from goldpan.providers.own_model.prompts import TokenPrompt


class AskedFor(NamedTuple):
    """What a request asks for, read once.

    Attributes:
        place: of the request among those taken.
        prompt: what the model is given.
        limit: tokens that the answer may have.
        held: what the answer is held to; None for free text.
        stops: texts that end the answer.
        body, custom_id: of the request.
    """

    place: int
    prompt: TokenPrompt
    limit: int
    held: HeldSchema | None
    stops: tuple[str, ...]
    body: dict[str, Any]
    custom_id: str

    @property
    def tokens(self) -> int:
        """Of prompt and answer, at most."""
        return len(self.prompt.ids) + self.limit


class AnswerRow:
    """An answer under way.

    Args:
        asked: for what.
        closer: finds ways to an end.
        ends: tokens that end an answer.
        chance: how tokens are drawn.

    Attributes:
        answer: all tokens.
        new: those that the model has not seen yet.
        finish: why it has ended, in OpenAI's words; None as long as it goes on.
        is_cut: something in it was ended near its limit, not by the model.
    """

    def __init__(self, asked: AskedFor, closer: Closer, ends: list[int], chance: Chance | None):
        self.asked, self.chance = asked, chance
        self.answer: list[int] = []
        self.new: list[int] = []
        self.finish: str | None = None
        self.is_cut = False
        self._closer, self._ends = closer, {*ends}
        self.matcher: Any = asked.held.matcher.deep_copy() if asked.held else None
        self._jump = asked.held.jump if asked.held else 0
        self._state = JsonState()
        self._written = b""
        # Tokens to the end from here, to which the slack is exact; None where they are not known at
        # present, and the slack is at least what is said.
        self._way: list[int] | None = None
        self._slack = self._reserve = 0
        # Where not even the shortest way fits, nothing can be held.
        self._is_held = self.matcher is not None and self._find_way()
        if asked.held is not None and self._is_held:
            self._reserve = min(asked.held.reserve, self._slack // 2)
        self._settle()

    @property
    def room(self) -> int:
        """Tokens that the answer may still have."""
        return self.asked.limit - len(self.answer)

    def take(self, token: int) -> None:
        """Go on with a token that the model has chosen."""
        self.new = []
        if token in self._ends:
            self.finish = "stop"
            return
        if self._is_held:
            token = self._fitting(token)
        self._write([token])
        self._settle()

    def _settle(self) -> None:
        """Write what needs no choice, until the model has to choose or the answer ends."""
        if self.matcher is not None:
            while self.finish is None:
                self._forced()
                if self.matcher.is_stopped():
                    self.finish = "stop"
                    break
                if not self._is_tight or not self._is_ending(self._way):
                    break
                assert self._way is not None
                self.is_cut = True
                self._write(self._way[:1])
        if (self.finish is None and self.room <= 0) or self.room < 0:
            del self.answer[self.asked.limit :]
            self.finish = "length"

    def _forced(self) -> None:
        tokens = self.matcher.compute_ff_tokens()
        if tokens:
            self._write(tokens)

    def _write(self, tokens: list[int]) -> None:
        if self.matcher is not None:
            self.matcher.consume_tokens(tokens)
            self._state.read(self._closer.text(tokens))
            if self._way is not None:
                is_on_it = self._way[: len(tokens)] == tokens
                self._way = self._way[len(tokens) :] if is_on_it else None
        self.answer += tokens
        self.new += tokens
        if self.asked.stops:
            self._written += self._closer.text(tokens)
            if any(stop.encode() in self._written for stop in self.asked.stops):
                self.finish = "stop"

    def _fitting(self, token: int) -> int:
        """The token, or the first of the way where there would be no way to the end after it."""
        cost = 1 + self._jump
        if self._way and token == self._way[0]:
            return token
        if self._slack - cost >= self._reserve:
            self._slack -= cost
            return token
        ahead = self.matcher.deep_copy()
        state = self._state.copy()
        ahead.consume_token(token)
        state.read(self._closer.text([token]))
        way = self._way_of(ahead, state)
        if way is not None and len(way) < self.room:
            self._way, self._slack = [token, *way], self.room - 1 - len(way)
            return token
        if self._way is None and not self._find_way():
            self._is_held = False
            return token
        assert self._way is not None
        self.is_cut = True
        return self._way[0]

    @property
    def _is_tight(self) -> bool:
        """Whether nothing may grow any more but by labels."""
        if not self._is_held or self._slack - 1 - self._jump >= self._reserve:
            return False
        if self._way is None and not self._find_way():
            self._is_held = False
            return False
        return self._slack <= self._reserve

    def _way_of(self, matcher: Any, state: JsonState) -> list[int] | None:
        assert self.asked.held is not None
        return self._closer.way(matcher, state, self.asked.held.known)

    def _find_way(self) -> bool:
        self._way = self._way_of(self.matcher, self._state)
        if self._way is None or len(self._way) > self.room:
            self._way = None
            return False
        self._slack = self.room - len(self._way)
        return True

    def _is_ending(self, way: list[int] | None) -> bool:
        return bool(way) and self._closer.is_ending(way[0])  # type: ignore[index]
