"""Where annotators marked what they extracted: offsets into the texts of an item.

Offsets count characters as Python does (Unicode code points), so that `text[span.start : span.end]` is what
was marked. The page counts them so, too; a browser's own offsets are those of UTF-16.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from goldpan.waves.collect.filled import GivenOut, Problems
from goldpan.waves.collect.json_file import ToolModel
from goldpan.waves.items import Item
from goldpan.waves.sheets.sheet import shown_fields


class Span(ToolModel):
    """One marked place.

    Attributes:
        of: field of the extracted object that it stands for.
        field: field of the record, as it is called on the sheet.
        path: keys and numbers that lead to a text inside that field, such as a turn of a conversation.
        start, end: offsets in code points.
        text: what is marked there.
    """

    of: str
    field: str
    path: list[int | str] = Field(default_factory=list)
    start: int
    end: int
    text: str


Spans = dict[str, list[list[Span]]]
"""feature -> for each object of the answer the places that are marked for it."""


def checked_spans(
    spans: Spans,
    values: dict[str, Any],
    item: Item | None,
    given_out: GivenOut,
    problems: Problems,
    place: str,
) -> dict[str, list[list[dict[str, Any]]]]:
    """The spans of an answer as JSON values; those that do not fit go to `problems`.

    Args:
        spans: as the page exported them.
        values: the answers they belong to.
        item: what the page showed; None where that is not known any more, so that texts are not compared.
        given_out: the wave.
        problems: of the file.
        place: of the answer in it.
    """
    for feature, of_objects in spans.items():
        if len(of_objects) != len(values.get(feature) or []):
            problems.add(place, f"`{feature}`: what is marked does not fit the number of its objects")
        for span in (span for of_object in of_objects for span in of_object):
            if item is not None and _text(item, span, given_out) != span.text:
                problems.add(
                    place, f"`{feature}`: the item has no {span.text!r} at {span.start} to {span.end}"
                )
    return {
        feature: [[span.model_dump() for span in of_object] for of_object in of_objects]
        for feature, of_objects in spans.items()
        if any(of_objects)
    }


def _text(item: Item, span: Span, given_out: GivenOut) -> str | None:
    value: Any = shown_fields(item.data, given_out.wave.show).get(span.field)
    try:
        for step in span.path:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return None
    return value[span.start : span.end] if isinstance(value, str) and 0 <= span.start < span.end else None
