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
_LONGEST_ESCAPE = _ESCAPES + 8
# A letter or a digit that is escaped, as no program writes them; but whoever wants a key to come through may.
_ALNUM = rb"(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"
_UNUSUAL = ((b"u00", re.compile(rb"\\u00" + _ALNUM)), (b"%", re.compile(rb"%(?:25)?" + _ALNUM)))
"""What such an escape holds, and one that is of a letter or a digit."""
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


class _Forms:
    """All ways in which some secrets may be written.

    Attributes:
        longest: bytes of the longest spelling.
    """

    def __init__(self, secrets: Iterable[str]):
        known = list(secrets)
        self._usual = [form for secret in known for form in _usual_forms(secret)]
        self._escaped = [form for secret in known for form in _escaped_forms(secret)]
        self.longest = max((form.longest for form in (*self._usual, *self._escaped)), default=1)

    def places(self, content: bytes) -> Iterator[tuple[int, int]]:
        """Where secrets lie, in order and without overlap; of two that begin together the longer one."""
        forms = self._usual
        if any(part in content and sign.search(content) for part, sign in _UNUSUAL):
            forms = self._usual + self._escaped
        places = [
            match.span()
            for form in forms
            if form.anchor in content
            for match in form.pattern.finditer(content)
        ]
        behind = 0
        for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
            if start >= behind:
                yield start, end
                behind = end

    def without(self, content: bytes) -> bytes:
        """`content` with `[key]` in the place of each."""
        kept: list[bytes] = []
        position = 0
        for start, end in self.places(content):
            kept += (content[position:start], REPLACEMENT)
            position = end
        return b"".join((*kept, content[position:])) if kept else content


class Scrubber:
    """Replaces secrets by `[key]`, also where they are escaped for JSON or a URL, or written in base64.

    What a service leaves out of a key itself (`sk-ab***yz`) stays as it is.

    Args:
        secrets: keys; those of less than SHORTEST_SECRET characters are passed over.
    """

    def __init__(self, secrets: Iterable[str | None] = ()):
        known = {secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET}
        self._forms = _Forms(sorted(known))

    def content(self, content: bytes) -> bytes:
        """`content` without secrets."""
        return self._forms.without(content)

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
        return ScrubbedStream(self._forms)


class ScrubbedStream:
    """Takes pieces in and gives them back without secrets, somewhat later: the last bytes are held back until
    it is known that no secret begins in them."""

    def __init__(self, forms: _Forms):
        self._forms, self._held = forms, forms.longest - 1
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """What can be written now that `piece` has come."""
        window = self._rest + piece
        # Of a secret that begins before `safe`, the longest spelling lies within the window.
        safe = max(0, len(window) - self._held)
        for start, end in self._forms.places(window):
            if start < safe < end:
                safe = end
        self._rest = window[safe:]
        return self._forms.without(window[:safe])

    def end(self) -> bytes:
        """What was held back, after the last piece."""
        rest, self._rest = self._rest, b""
        return self._forms.without(rest)


def _usual_forms(secret: str) -> Iterator[_Form]:
    """As programs write it: what is neither letter nor digit may be escaped."""
    for text, alphabets in _texts(secret):
        spellings = [letter if letter.isalnum() else _spellings(letter, alphabets) for letter in text]
        anchor = max(re.findall(r"[A-Za-z0-9]*", text), key=len)
        longest = sum(1 if letter.isalnum() else _LONGEST_ESCAPE for letter in text)
        yield _Form(anchor.encode(), re.compile("".join(spellings).encode()), longest)


def _escaped_forms(secret: str) -> Iterator[_Form]:
    """As somebody may write it who wants it to come through: anything may be escaped."""
    for text, alphabets in _texts(secret):
        spellings = [_spellings(letter, alphabets) for letter in text]
        yield _Form(b"", re.compile("".join(spellings).encode()), len(text) * _LONGEST_ESCAPE)


def _texts(secret: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A secret, and its spellings in base64 with the alphabets of these."""
    yield secret, {}
    # In base64 three bytes are four characters, so the same key looks different behind 0, 1 or 2 other bytes
    # (`user:KEY`, `Bearer KEY`). Characters that also depend on its neighbours are left out.
    for before in range(3):
        content = b"\0" * before + secret.encode()
        whole = base64.b64encode(content).decode()[-(-before * 8 // 6) : len(content) * 8 // 6]
        if len(whole) >= SHORTEST_SECRET:
            yield whole, _BASE64_ALPHABETS


def _spellings(character: str, alphabets: dict[str, str]) -> str:
    """A pattern for one character as it may stand in JSON or in a URL."""
    ways: list[str] = []
    for same in alphabets.get(character, character):
        code = f"{ord(same):02x}"
        either = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
        ways += (
            re.escape(same) if same.isalnum() else rf"\\{{0,{_ESCAPES}}}{re.escape(same)}",
            rf"\\{{1,{_ESCAPES}}}u00{either}",
            f"%(?:25)?{either}",
        )
    return f"(?:{'|'.join(ways)})"
