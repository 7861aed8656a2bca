"""Taking the key out of whatever a service says, before any of it is kept.

A service may echo what it was sent: in an error, in the rows of a batch, with all headers. So every byte that
comes from it passes here first, at the provider's edge, and no other room ever holds a text with the key.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

REPLACEMENT = b"[key]"
# What is shorter cannot be told from a word of an answer, and taking it out would damage answers.
SHORTEST_SECRET = 8
# How often a character may be escaped: JSON within JSON within JSON.
_ESCAPES = 8
_BASE64_ALPHABETS = {"+": "+-", "/": "/_"}


@dataclass(frozen=True)
class _Form:
    """One way in which a secret may be written.

    Attributes:
        anchor: a part of it that stands there however it is escaped; most texts lack it, and are then done.
        pattern: the whole of it.
        longest: bytes of its longest spelling.
    """

    anchor: bytes
    pattern: re.Pattern[bytes]
    longest: int


class Scrubber:
    """Replaces secrets by `[key]`, also where they are escaped for JSON or a URL, or written in base64.

    What a service leaves out of a key itself (`sk-ab***yz`) stays as it is.

    Args:
        secrets: keys; those of less than SHORTEST_SECRET characters are passed over.
    """

    def __init__(self, secrets: Iterable[str | None] = ()):
        known = sorted({secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET})
        self._forms = [form for secret in known for form in _forms(secret)]
        self._longest = max((form.longest for form in self._forms), default=1)

    def content(self, content: bytes) -> bytes:
        """`content` without secrets."""
        return _without(self._forms, content)

    def text(self, text: str) -> str:
        """`text` without secrets. It is to be cut to length afterwards, never before."""
        return self.content(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: dict[str, Any]) -> dict[str, Any]:
        """An answer that was read from JSON already, without secrets."""
        before = orjson.dumps(value, default=str)
        after = self.content(before)
        if after == before:
            return value
        scrubbed: dict[str, Any] = orjson.loads(after)
        return scrubbed

    def stream(self) -> ScrubbedStream:
        """For content that comes in pieces; a secret may lie across their borders."""
        return ScrubbedStream(self._forms, self._longest)


class ScrubbedStream:
    """Takes pieces in and gives them back without secrets, somewhat later: the last bytes are held back until
    it is known that no secret begins in them."""

    def __init__(self, forms: list[_Form], longest: int):
        self._forms, self._held = forms, longest - 1
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """What can be written now that `piece` has come."""
        window = self._rest + piece
        # Of a secret that begins before `safe`, the longest spelling lies within the window.
        safe = max(0, len(window) - self._held)
        for start, end in _places(self._forms, window):
            if start < safe < end:
                safe = end
        self._rest = window[safe:]
        return _without(self._forms, window[:safe])

    def end(self) -> bytes:
        """What was held back, after the last piece."""
        rest, self._rest = self._rest, b""
        return _without(self._forms, rest)


def _without(forms: list[_Form], content: bytes) -> bytes:
    kept: list[bytes] = []
    position = 0
    for start, end in _places(forms, content):
        kept += (content[position:start], REPLACEMENT)
        position = end
    return b"".join((*kept, content[position:])) if kept else content


def _places(forms: list[_Form], content: bytes) -> Iterator[tuple[int, int]]:
    """Where secrets lie, in order and without overlap; of two that begin together the longer one."""
    places = [
        match.span() for form in forms if form.anchor in content for match in form.pattern.finditer(content)
    ]
    behind = 0
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if start >= behind:
            yield start, end
            behind = end


def _forms(secret: str) -> Iterator[_Form]:
    yield _form(secret, {})
    # In base64 three bytes are four characters, so the same key looks different behind 0, 1 or 2 other bytes
    # (`user:KEY`, `Bearer KEY`). Characters that also depend on its neighbours are left out.
    for before in range(3):
        content = b"\0" * before + secret.encode()
        whole = base64.b64encode(content).decode()[-(-before * 8 // 6) : len(content) * 8 // 6]
        if len(whole) >= SHORTEST_SECRET:
            yield _form(whole, _BASE64_ALPHABETS)


def _form(secret: str, alphabets: dict[str, str]) -> _Form:
    spellings = [_spellings(character, alphabets) for character in secret]
    # Letters and digits are escaped by nobody.
    anchor = max(re.findall(r"[A-Za-z0-9]*", secret), key=len)
    longest = sum(1 if character.isalnum() else _ESCAPES + 8 for character in secret)
    return _Form(anchor.encode(), re.compile("".join(spellings).encode()), longest)


def _spellings(character: str, alphabets: dict[str, str]) -> str:
    """A pattern for one character as it may stand in JSON or in a URL."""
    if character.isalnum():
        return character
    ways: list[str] = []
    for same in alphabets.get(character, character):
        code = f"{ord(same):02x}"
        either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
        ways += (
            rf"\\{{0,{_ESCAPES}}}{re.escape(same)}",
            rf"\\{{1,{_ESCAPES}}}u00{either}",
            f"%(?:25)?{either}",
        )
    return f"(?:{'|'.join(ways)})"
