"""The records of a document: its pages, windows of pages, or paragraphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from goldpan.records.pdf.cleaning import CleanedText, cleaned
from goldpan.records.pdf.furniture import Furniture
from goldpan.records.pdf.hyphens import Hyphenation
from goldpan.records.pdf.lines import BETWEEN_PAGES, Line, lines_of
from goldpan.records.pdf.pages import PdfPage, iter_pages
from goldpan.records.pdf.paragraphs import ParagraphBuilder, paragraphs_of
from goldpan.study.pdf import PdfSettings


@dataclass(frozen=True)
class Unit:
    """A part of a document that becomes a record, or a page that cannot.

    Attributes:
        first, last: the pages it stands on.
        start, end: where its raw text begins and ends in that of the document.
        raw: the raw text.
        text: the cleaned text, with its map to the raw text of the document.
        skip: why it is none, `code: explanation`.
    """

    first: PdfPage
    last: PdfPage
    start: int
    end: int
    raw: str = ""
    text: CleanedText = field(default_factory=CleanedText)
    skip: str | None = None


@dataclass(frozen=True)
class _PageLines:
    """A page, where it begins in the raw text, its lines that are text, and its furniture."""

    page: PdfPage
    start: int
    lines: list[Line]
    furniture: list[Line]

    @property
    def end(self) -> int:
        return self.start + len(self.page.text)


def units_of(path: Path, settings: PdfSettings) -> Iterator[Unit]:
    """The units of a pages file, in their order. The file is read twice, and never held as a whole.

    Raises:
        SourceError: the pages file is damaged.
    """
    hyphenation, furniture = Hyphenation(), Furniture()
    for page, start in _placed(path):
        if page.skip is None:
            lines = list(lines_of(page, start))
            hyphenation.add(line.text for line in lines)
            furniture.add(page, lines)
    pages = _pages(path, furniture)
    if settings.unit == "paragraph":
        return _paragraphs(pages, hyphenation, settings)
    return _windows(pages, hyphenation, settings)


def _placed(path: Path) -> Iterator[tuple[PdfPage, int]]:
    start = 0
    for page in iter_pages(path):
        yield page, start
        start += len(page.text) + len(BETWEEN_PAGES)


def _pages(path: Path, furniture: Furniture) -> Iterator[_PageLines]:
    for page, start in _placed(path):
        lines = list(lines_of(page, start))
        recurring = furniture.of(page, lines)
        yield _PageLines(
            page,
            start,
            [line for line in lines if line.start not in recurring],
            [line for line in lines if line.start in recurring],
        )


def _skipped(page: _PageLines, skip: str) -> Unit:
    return Unit(page.page, page.page, page.start, page.end, raw=page.page.text, skip=skip)


def _windows(pages: Iterable[_PageLines], hyphenation: Hyphenation, settings: PdfSettings) -> Iterator[Unit]:
    """Pages, or so many together; the pages of a window that cannot be read come before it."""
    size = settings.pages or 1
    window: list[_PageLines] = []
    for page in pages:
        window.append(page)
        if len(window) == size:
            yield from _window(window, hyphenation, settings)
            window = []
    if window:
        yield from _window(window, hyphenation, settings)


def _window(window: Sequence[_PageLines], hyphenation: Hyphenation, settings: PdfSettings) -> Iterator[Unit]:
    readable = []
    for page in window:
        if page.page.skip is not None:
            yield _skipped(page, page.page.skip)
        else:
            readable.append(page)
    if not readable:
        return
    shown = [_shown(page, settings) for page in readable]
    start, end = readable[0].start, readable[-1].end
    within = [page for page in window if start <= page.start <= end]
    raw = BETWEEN_PAGES.join(page.page.text for page in within)
    text = cleaned(paragraphs_of(shown), hyphenation)
    yield Unit(readable[0].page, readable[-1].page, start, end, raw, text)


def _shown(page: _PageLines, settings: PdfSettings) -> list[Line]:
    if settings.furniture == "drop":
        return page.lines
    return sorted([*page.lines, *page.furniture], key=lambda line: line.start)


def _paragraphs(
    pages: Iterable[_PageLines], hyphenation: Hyphenation, settings: PdfSettings
) -> Iterator[Unit]:
    """Paragraphs where they end; those of furniture that is kept come before what goes on behind it."""
    builder, recent = ParagraphBuilder(), _RecentPages()
    unit = _unit_maker(recent, hyphenation)
    for page in pages:
        if page.page.skip is not None:
            yield from map(unit, builder.end())
            yield _skipped(page, page.page.skip)
            continue
        recent.add(page, builder.first)
        if settings.furniture == "keep":
            yield from (unit([line]) for line in page.furniture)
        yield from map(unit, builder.add(page.lines))
    yield from map(unit, builder.end())


def _unit_maker(recent: _RecentPages, hyphenation: Hyphenation) -> Callable[[list[Line]], Unit]:
    def unit(lines: list[Line]) -> Unit:
        start, end = lines[0].start, max(line.end for line in lines)
        first, last = recent.page(lines[0].page), recent.page(lines[-1].page)
        return Unit(first, last, start, end, recent.raw(start, end), cleaned([lines], hyphenation))

    return unit


class _RecentPages:
    """The pages on which the open paragraph stands."""

    def __init__(self) -> None:
        self._pages: list[_PageLines] = []

    def add(self, page: _PageLines, first: Line | None) -> None:
        """Take a page, and leave those behind that no open paragraph needs."""
        oldest = page.page.number if first is None else first.page
        self._pages = [known for known in self._pages if known.page.number >= oldest]
        self._pages.append(page)

    def page(self, number: int) -> PdfPage:
        return next(known.page for known in self._pages if known.page.number == number)

    def raw(self, start: int, end: int) -> str:
        """The raw text of the document from `start` to `end`."""
        first = self._pages[0].start
        text = BETWEEN_PAGES.join(known.page.text for known in self._pages)
        return text[start - first : end - first]
