"""The way from any point of an answer to a short end of it that still fits the schema.

A model may write on and on; near its limit of tokens the answer is ended for it. At each choice the way takes
what ends the value at hand: the quote, bracket or brace that closes, else null, false, the smallest number,
the first label. It is short, not always the shortest.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldpan.providers.own_model.grammars import Grammars, Schema

if TYPE_CHECKING:
    import numpy as np

_LONGEST_WAY = 8_192
_BREVITY = (*"}]", "null", "n", "false", "f", "true", "t", *'",:{[', *"0123456789", *"-.")
_IN_STRING = ('"',)
# After a point, zeros could go on for ever where a number must exceed zero.
_IN_FRACTION = ("}", "]", ",", *"9876543210")
_ENDINGS = {b'"', b"]", b"}", b","}
_NEXT_KEY = re.compile(rb',?\s*"(?:[^"\\]|\\.)*":')
_SLACK = 32
_KEPT_SCHEMAS = 64


KnownWays = dict[tuple[int, ...], list[int]]
"""From the tokens that open a property of the outermost object to the way from there."""


class JsonState:
    """Where the JSON written so far ends.

    Attributes:
        inside: in a string.
        depth: of open objects and lists.
        in_fraction: in a number, after its point.
    """

    def __init__(self) -> None:
        self.inside = self._escaped = self.in_fraction = False
        self.depth = 0

    def read(self, text: bytes) -> None:
        """Go on with what is written next."""
        for byte in text:
            if self._escaped:
                self._escaped = False
            elif self.inside and byte == 0x5C:
                self._escaped = True
            elif byte == 0x22:
                self.inside = not self.inside
            elif not self.inside:
                self.depth += (byte in b"{[") - (byte in b"}]")
                self.in_fraction = byte == 0x2E or (self.in_fraction and byte in b"0123456789")

    def copy(self) -> JsonState:
        """The same, to read on by itself."""
        return copy.copy(self)


@dataclass(frozen=True)
class HeldSchema:
    """A schema that answers are held to.

    Attributes:
        matcher: at the beginning of an answer; to be copied.
        jump: see `largest_jump`.
        reserve: see `label_reserve`.
        known: ways to the end that were found.
    """

    matcher: Any
    jump: int
    reserve: int
    known: KnownWays = field(default_factory=dict, repr=False)


class Closer:
    """Finds the ways, for one tokenizer."""

    def __init__(self, grammars: Grammars):
        self._grammars = grammars
        self._tokens = grammars.tokens
        self._kept: dict[bytes, HeldSchema] = {}

    def held(self, schema: Schema, separators: tuple[str, str]) -> HeldSchema:
        """What answers are held to by a schema; see `Grammars.matcher`.

        Raises:
            ServiceError: as `Grammars.matcher`.
        """
        key = json.dumps([schema, separators]).encode()
        if key not in self._kept:
            if len(self._kept) >= _KEPT_SCHEMAS:
                self._kept.clear()
            matcher = self._grammars.matcher(schema, separators)
            self._kept[key] = HeldSchema(matcher, largest_jump(schema), label_reserve(schema))
        return self._kept[key]

    def way(self, matcher: Any, state: JsonState, known: KnownWays) -> list[int] | None:
        """Tokens that complete an answer; None where none are found.

        Args:
            matcher: at the point of the answer; it stays there.
            state: of what is written up to there.
            known: ways of answers to the same schema; grows.
        """
        matcher, state = matcher.deep_copy(), state.copy()
        way: list[int] = []
        keys: list[tuple[int, tuple[int, ...]]] = []
        while not matcher.is_accepting():
            forced = matcher.compute_ff_tokens()
            taken = forced or [self._choice(matcher, state)]
            text = self.text(taken)
            # A property of the outermost object tells all that is still to come.
            if forced and state.depth == 1 and not state.inside and _NEXT_KEY.match(text):
                key = tuple(forced)
                if key in known:
                    way += known[key]
                    break
                keys.append((len(way), key))
            if matcher.is_error() or not matcher.consume_tokens(taken):
                return None
            state.read(text)
            way += taken
            if len(way) > _LONGEST_WAY:
                return None
        known.update((key, way[place:]) for place, key in keys)
        return way

    def text(self, tokens: list[int]) -> bytes:
        """What tokens write."""
        return self._tokens.decode_bytes(tokens)

    def is_ending(self, token: int) -> bool:
        """Whether a way that begins with this token ends a text, a list, an object or a number."""
        return self._texts[token] in _ENDINGS

    def _choice(self, matcher: Any, state: JsonState) -> int:
        if state.inside:
            wanted = _IN_STRING
        else:
            wanted = _IN_FRACTION if state.in_fraction else _BREVITY
        for text in wanted:
            token = self._by_text.get(text)
            if token is not None and matcher.validate_tokens([token]) == 1:
                return token
        return self._longest_allowed(matcher)

    @functools.cached_property
    def _lengths(self) -> np.ndarray:
        """[V] bytes of each token."""
        import numpy as np

        return np.array([len(text) for text in self._texts])

    @functools.cached_property
    def _texts(self) -> list[bytes]:
        return [self._tokens.decode_bytes([token]) for token in range(self._tokens.vocab_size)]

    @functools.cached_property
    def _by_text(self) -> dict[str, int]:
        found = {text: token for token, text in reversed([*enumerate(self._texts)])}
        wanted = {*_BREVITY, *_IN_STRING, *_IN_FRACTION}
        return {text: found[text.encode()] for text in wanted if text.encode() in found}

    def _longest_allowed(self, matcher: Any) -> int:
        """Where it is the schema that says how long a string is, and within labels."""
        import numpy as np

        bits = self._grammars.allowed([matcher]).view(np.uint8)
        allowed = np.unpackbits(bits[0], bitorder="little")[: len(self._lengths)]
        return int(np.argmax(np.where(allowed, self._lengths, -1)))


def largest_jump(schema: Schema) -> int:
    """By how many tokens at most one token of an answer makes the way to its end longer, roughly.

    That is what an item of an array, a property that need not be there, an alternative or a label adds: no
    more than there is of it in the schema, with a token for each byte.
    """
    return _SLACK + max(map(_size, _optional_parts(schema)), default=0)


def label_reserve(schema: Schema) -> int:
    """Tokens that labels may need beyond those of the way to the end, roughly; not of labels in lists."""
    return sum(max(map(_size, labels), default=0) for labels in _labels(schema))


def _labels(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("enum"), list):
            yield node["enum"]
        for key, part in node.items():
            if key != "items":
                yield from _labels(part)


def _optional_parts(node: Any) -> Iterator[Any]:
    if isinstance(node, list):
        for part in node:
            yield from _optional_parts(part)
        return
    if not isinstance(node, dict):
        return
    if "items" in node:
        yield node["items"]
    for key in ("enum", "anyOf", "oneOf", "allOf"):
        if isinstance(node.get(key), list):
            yield from node[key]
    if isinstance(node.get("properties"), dict):
        required = node.get("required") or []
        yield from ({key: part} for key, part in node["properties"].items() if key not in required)
    for part in node.values():
        yield from _optional_parts(part)


def _size(node: Any) -> int:
    match node:
        case dict():
            parts = (len(key) + 4 + _size(value) for key, value in node.items() if key != "description")
            least = node.get("minLength", 0), node.get("minItems", 0)
            return 2 + sum(parts) + sum(_SLACK * number for number in least if isinstance(number, int))
        case list():
            return 2 + sum(1 + _size(part) for part in node)
        case str():
            return 2 + len(node.encode())
        case _:
            return len(str(node))
