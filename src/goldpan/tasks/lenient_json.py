"""JSON that is nearly JSON: read where there is one way to understand it, with a note on what was wrong.

What services and models are known to send: NaN and Infinity as numbers, half a surrogate pair (an emoji cut
in two), bytes that are not UTF-8, a byte order mark, line breaks within a text, a code fence around the
object, an object within a JSON text. All else that is not JSON stays what it is: nothing is guessed.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

from goldpan.errors import AnswerError
from goldpan.tasks.values import shown

NOT_A_NUMBER = "read NaN or Infinity, which JSON does not have, as text"
HALF_CHARACTER = "put U+FFFD for half a character"
NOT_UTF8 = "put U+FFFD for a byte that is not UTF-8"
BYTE_ORDER_MARK = "passed over a byte order mark"
CONTROL = "took a control character within a text"
FENCE = "took the JSON out of a code fence"
THINKING = "passed over the reasoning before the JSON"
TWICE = "took the JSON out of a JSON text"

_BOM = "\ufeff"
# A JSON text, or a number that JSON does not have. Texts come first: numbers are found outside of them only.
_PARTS = re.compile(
    # Never going back, and to the end of the line where a text has none: else long damage would take hours.
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
    r"|-?\b(?:NaN|Infinity|nan|inf)\b"
    r"|-?\b\d+(?:\.\d+)?[eE]\+?\d{3,}\b",
    re.DOTALL,
)
# A whole pair and any other escape are left as they are; half a pair is the only group.
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\.",
    re.DOTALL,
)
_CONTROLS = re.compile(r"[\x00-\x1f]")
_FENCED = re.compile(r"```[A-Za-z0-9_+.-]*[ \t]*\r?\n?(.*?)```", re.DOTALL)
# Where the prompt ends in the opening tag, as with some chat templates, the answer has the closing one alone.
_THOUGHT = re.compile(r"\s*+(?:<think(?:ing)?>|(?![{\[\"`])).*?</think(?:ing)?>", re.DOTALL)


def loads_leniently(line: bytes) -> tuple[Any, list[str]]:
    """What a line says, and notes on what was wrong with it.

    Raises:
        AnswerError: it is not JSON for another reason than those this module knows.
    """
    notes: list[str] = []
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode(errors="replace")
        notes.append(NOT_UTF8)
    if text.startswith(_BOM):
        text = text.lstrip(_BOM)
        notes.append(BYTE_ORDER_MARK)
    try:
        return orjson.loads(text), notes
    except orjson.JSONDecodeError as damage:
        mended = _PARTS.sub(lambda part: _mended(part[0], notes, numbers=True), text)
        try:
            return orjson.loads(mended), notes
        except orjson.JSONDecodeError:
            raise AnswerError(f"the line is not valid JSON: {damage}") from None


def answer_object(text: Any, adjusted: list[str]) -> dict[str, Any]:
    """The object that a model wrote: as JSON text, or as a service has parsed it.

    Args:
        adjusted: gets a note on each thing that was wrong with it.

    Raises:
        AnswerError: it is no JSON object.
    """
    if type(text) is dict:
        return text
    if type(text) is not str:
        raise AnswerError(f"the answer is {shown(text)}, not a JSON object")
    value = _loads(text, adjusted)
    if type(value) is str and value.lstrip()[:1] in ("{", "`"):
        value = _loads(value, adjusted)
        adjusted.append(TWICE)
    if type(value) is not dict:
        raise AnswerError(f"the answer is {shown(value)}, not a JSON object")
    return value


def _parsed(text: str) -> Any:
    value = orjson.loads(text)
    if type(value) is dict:
        # Each key has its colon, and within a text the quote before one is escaped (unless the backslash is):
        # where as many keys were read as there are, none stood twice, and there is no second reading.
        colons = text.count('":')
        if colons != len(value) and "\\" in text:
            colons -= text.count('\\":') - text.count('\\\\":')
        if colons != len(value) and colons != _count_keys(value):
            _check_keys(text)
    return value


def _count_keys(value: dict[str, Any] | list[Any]) -> int:
    inner: Iterable[Any] = value
    count = 0
    if type(value) is dict:
        count, inner = len(value), value.values()
    for part in inner:
        if type(part) is dict or type(part) is list:
            count += _count_keys(part)
    return count


def _loads(text: str, adjusted: list[str]) -> Any:
    try:
        return _parsed(text)
    except orjson.JSONDecodeError as error:
        # Of several ways to see what is wrong, the first complaint is about the text as it came.
        damage = error
    notes: list[str] = []
    thought = _THOUGHT.match(text)
    if thought:
        text = text[thought.end() :]
        notes.append(THINKING)
    fenced = _FENCED.findall(text)
    if len(fenced) == 1:
        text = fenced[0]
        notes.append(FENCE)
    try:
        value = _parsed(text)
    except orjson.JSONDecodeError:
        try:
            value = _parsed(_PARTS.sub(lambda part: _mended(part[0], notes, numbers=False), text))
        except orjson.JSONDecodeError:
            raise AnswerError(f"the answer is not valid JSON: {damage}") from None
    adjusted.extend(notes)
    return value


def _check_keys(text: str) -> None:
    """Check that no object of a JSON text has a key twice with different values: which one is meant?

    Raises:
        AnswerError: one has.
    """

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in pairs:
            if key in values and values[key] != value:
                raise AnswerError(f"the field `{key}` is given twice, with different values")
            values[key] = value
        return values

    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text, object_pairs_hook=object_of)


def _mended(part: str, notes: list[str], *, numbers: bool) -> str:
    """A JSON text without half characters and bare control characters; a number that JSON lacks as text."""

    def note(what: str) -> None:
        if what not in notes:
            notes.append(what)

    if not part.startswith('"'):
        if not numbers:
            return part
        note(NOT_A_NUMBER)
        return f'"{part}"'

    def escape(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        note(HALF_CHARACTER)
        return r"\ufffd"

    def control(match: re.Match[str]) -> str:
        note(CONTROL)
        return f"\\u{ord(match[0]):04x}"

    return _CONTROLS.sub(control, _ESCAPES.sub(escape, part))
