"""The lines of a document, each with its place on the page and in the document's raw text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goldpan.records.pdf.pages import PdfPage

BETWEEN_PAGES = "\n"
"""What stands between the texts of two pages in the raw text of a document."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        text: as it was extracted.
        start: offset of the text within the raw text of the document, in characters.
        page: number of its page, from 1.
        left, top, right, bottom: in points from the top left corner of the page.
    """

    text: str
    start: int
    page: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def end(self) -> int:
        """Offset behind its last character."""
        return self.start + len(self.text)

    @property
    def height(self) -> float:
        """Of its font, in points."""
        return self.bottom - self.top


def lines_of(page: PdfPage, start: int) -> Iterator[Line]:
    """The lines of a page whose text begins at `start` of the raw text of the document."""
    if not page.boxes:
        return
    for text, box in zip(page.text.split("\n"), page.boxes, strict=True):
        yield Line(text, start, page.number, *box)
        start += len(text) + 1
