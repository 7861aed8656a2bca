"""What was asked, as text: the messages of a request in whatever service's form, so that two can be compared.

Only what the model reads as messages counts. Parameters and schemas may differ: an answer is checked against
the task in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

_ROLES = {"developer": "system", "model": "assistant"}
_SYSTEM_KEYS = ("instructions", "system", "systemInstruction", "system_instruction")
_MESSAGE_KEYS = ("messages", "input", "contents")

AskedText = list[list[str]]
"""[role, text] of each message; roles are `system`, `user` and `assistant`."""


def asked_text(body: dict[str, Any]) -> AskedText:
    """The messages of a request: of OpenAI's chat completions or responses, Anthropic's or Google's.

    White space around a message does not count, nor do empty messages. A part that is no text (an image)
    stands as its kind in brackets, so that it is never taken for no part.
    """
    said: AskedText = []
    for key in _SYSTEM_KEYS:
        if body.get(key):
            said.append(["system", _text(body[key])])
    for key in _MESSAGE_KEYS:
        if body.get(key):
            said += [[role, text] for role, text in _messages(body[key])]
    stripped = ([role, text.strip()] for role, text in said)
    return [[role, text] for role, text in stripped if text]


def prompt_difference(asked: AskedText, wanted: AskedText) -> str | None:
    """Where two requests differ, in words; None where they ask the same."""
    if asked == wanted:
        return None
    if [role for role, _ in asked] != [role for role, _ in wanted]:
        return f"it has the messages {_roles(asked)}, where the stage asks {_roles(wanted)}"
    number, (role, text), (_, own) = next(
        (number, one, other)
        for number, (one, other) in enumerate(zip(asked, wanted, strict=True), 1)
        if one != other
    )
    at = next(
        (at for at, (a, b) in enumerate(zip(text, own, strict=False)) if a != b), min(len(text), len(own))
    )
    return f"its message {number} ({role}) has {_around(text, at)} where the stage's has {_around(own, at)}"


def _roles(said: AskedText) -> str:
    return ", ".join(role for role, _ in said) or "(none)"


def _around(text: str, at: int) -> str:
    piece = text[max(0, at - 10) : at + 30]
    return repr(piece) if piece else "nothing"


def _messages(given: Any) -> Iterator[tuple[str, str]]:
    if isinstance(given, str):
        yield "user", given
        return
    for message in given if isinstance(given, list) else [given]:
        if isinstance(message, str):
            yield "user", message
        elif isinstance(message, dict):
            role = str(message.get("role") or "user")
            yield _ROLES.get(role, role), _text(message.get("content", message.get("parts")))


def _text(given: Any) -> str:
    """The text of a message's content, in one piece or in parts."""
    if isinstance(given, str):
        return given
    if isinstance(given, dict):
        if isinstance(given.get("text"), str):
            return str(given["text"])
        if "parts" in given:
            return _text(given["parts"])
        return f"[{given.get('type') or ', '.join(sorted(map(str, given)))}]"
    if isinstance(given, Iterable):
        return "".join(map(_text, given))
    return ""
