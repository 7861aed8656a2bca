"""Where marked places lie in our own texts.

Tools count characters (Unicode code points) or UTF-16 units, which differ behind an emoji. Where an export
tells the text of each place, that text decides; where it does not, a text in which they differ needs a word
from people (`offsets:` of a map).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from goldpan.errors import AnswerError
from goldpan.imports.annotations.exported import MarkedSpan

OffsetUnit = Literal["code_points", "utf16"]
_LAST_OF_ONE_UNIT = "\uffff"


@dataclass(frozen=True)
class RecordText:
    """A text of a record.

    Attributes:
        field: as it is called on sheets.
        path: keys and numbers that lead to it inside that field.
        text: itself.
    """

    field: str
    path: tuple[int | str, ...]
    text: str

    @property
    def name(self) -> str:
        """Field and path, for messages."""
        return ".".join(map(str, (self.field, *self.path)))


@dataclass(frozen=True)
class PlacedSpan:
    """A marked place in a text of ours, with offsets in code points."""

    label: str
    of: RecordText
    start: int
    end: int

    @property
    def text(self) -> str:
        """What is marked."""
        return self.of.text[self.start : self.end]


def record_texts(fields: dict[str, Any]) -> list[RecordText]:
    """All texts of the fields of a record, nested ones too."""
    return [text for field, value in fields.items() for text in _texts(field, (), value)]


def _texts(field: str, path: tuple[int | str, ...], value: Any) -> Iterator[RecordText]:
    if isinstance(value, str):
        yield RecordText(field, path, value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(field, (*path, key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(field, (*path, number), inner)


def place_spans(
    spans: Sequence[MarkedSpan],
    texts: Sequence[RecordText],
    shown: Sequence[str],
    unit: OffsetUnit | None,
) -> list[PlacedSpan]:
    """The marked places in the one text of the record that they fit.

    Args:
        spans: of one annotation.
        texts: those of the record that they may be in.
        shown: texts of the tool's row.
        unit: what the offsets count; None where nobody has said so.

    Raises:
        AnswerError: they fit none of the texts, or more than one.
    """
    if not spans:
        return []
    written = {
        text: next((one for one in shown if _characters(one) == _characters(text.text)), None)
        for text in texts
    }
    same = [text for text in texts if text.text in shown] or [
        text for text in texts if written[text] is not None
    ]
    told_apart = same or list(texts)
    fitting: list[list[PlacedSpan]] = []
    why = "the record has no text"
    for text in told_apart:
        try:
            fitting.append([_placed_as_written(span, text, written[text], unit) for span in spans])
        except AnswerError as error:
            why = error.what
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " and ".join(f"`{placed[0].of.name}`" for placed in fitting)
        raise AnswerError(f"the marked places may be in {names}: say with `texts` of a map which it is")
    raise AnswerError(why)


def _placed_as_written(
    span: MarkedSpan, text: RecordText, tool_text: str | None, unit: OffsetUnit | None
) -> PlacedSpan:
    """A span in our text, where the tool's may be written otherwise: offsets are in that."""
    if tool_text is None or tool_text == text.text or text.text[span.start : span.end] == span.text:
        return _placed(span, text, unit)
    there = _placed(span, RecordText(text.field, text.path, tool_text), unit)
    places = _places(tool_text)
    within = [
        number for number, (start, end) in enumerate(places) if start >= there.start and end <= there.end
    ]
    ours = _places(text.text)
    if not within or (places[within[0]][0], places[within[-1]][1]) != (there.start, there.end):
        raise AnswerError(
            f"`{text.name}` is written otherwise in the tool, and {span.start} to {span.end}"
            " is no place in ours"
        )
    return PlacedSpan(span.label, text, ours[within[0]][0], ours[within[-1]][1])


def _places(text: str) -> list[tuple[int, int]]:
    """Start and end of each character that people see: a letter with accents, a line end; no outer space."""
    places: list[tuple[int, int]] = []
    first = len(text) - len(text.lstrip())
    for at in range(first, len(text.rstrip())):
        goes_on = unicodedata.combining(text[at]) or (text[at] == "\n" and text[at - 1 : at] == "\r")
        if goes_on and places:
            places[-1] = (places[-1][0], at + 1)
        else:
            places.append((at, at + 1))
    return places


def _characters(text: str) -> list[str]:
    """The characters of a text, the same however accents and line ends are written."""
    return [
        unicodedata.normalize("NFC", text[start:end]).replace("\r\n", "\n") for start, end in _places(text)
    ]


def _placed(span: MarkedSpan, text: RecordText, unit: OffsetUnit | None) -> PlacedSpan:
    fitting = {
        (start, end): None
        for start, end in _readings(span, text.text, unit)
        if 0 <= start < end <= len(text.text) and span.text in (None, text.text[start:end])
    }
    if len(fitting) > 1:
        raise _unclear(span, text.text)
    for start, end in fitting:
        return PlacedSpan(span.label, text, start, end)
    marked = "" if span.text is None else f" {span.text!r}"
    raise AnswerError(f"`{text.name}` has no{marked or ' place'} at {span.start} to {span.end}")


def _readings(span: MarkedSpan, text: str, unit: OffsetUnit | None) -> Iterator[tuple[int, int]]:
    """The offsets in code points that a span's may be."""
    differ = any(character > _LAST_OF_ONE_UNIT for character in text[: span.end])
    if differ and unit is None and span.text is None:
        raise _unclear(span, text)
    if unit != "utf16":
        yield span.start, span.end
    if unit != "code_points":
        start, end = _code_point(text, span.start), _code_point(text, span.end)
        if start is not None and end is not None:
            yield start, end


def _unclear(span: MarkedSpan, text: str) -> AnswerError:
    return AnswerError(
        f"it is not told whether {span.start} to {span.end} count characters or UTF-16 units, which differ"
        f" in `{text[:20]}…`: say so with `offsets` of a map"
    )


def _code_point(text: str, units: int) -> int | None:
    """How many code points of a text so many UTF-16 units are; None within one of two units."""
    if units < 0:
        return None
    try:
        half = text.encode("utf-16-le")[: units * 2]
        return len(half.decode("utf-16-le")) if len(half) == units * 2 else None
    except UnicodeError:
        return None
