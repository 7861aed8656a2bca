"""The extracted pages of a PDF (`sources/{source}/{file}.pages.ndjson`): a head, and a line for each page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from goldpan.errors import SourceError
from goldpan.files import iter_rows, of_known_keys

FORMAT = 1
"""Number of the form of these files, and of the way in which text is extracted."""
_KIND = "pages of a PDF"
_REMEDY = "delete it; the next run makes it again"


@dataclass(frozen=True)
class PagesHead:
    """What is known of a PDF as a whole; the first line of its pages file.

    Attributes:
        format: FORMAT of the goldpan that wrote it.
        document: what the PDF is called.
        sha256: of its bytes.
        pages: how many pages it has; 0 where it cannot be read.
        skip: why it cannot be read, `code: explanation`.
        kind: tells these files from others that are called so.
    """

    format: int
    document: str
    sha256: str
    pages: int = 0
    skip: str | None = None
    kind: str = _KIND


@dataclass(frozen=True)
class PdfPage:
    """The text of one page in reading order.

    Attributes:
        number: from 1.
        label: what the file calls it, such as `iv`; None where it does not say.
        text: its lines, joined by line ends. No line is empty.
        boxes: of each line left, top, right and bottom in points, from the top left corner of the page as it
            is read.
        size: width and height as it is read.
        skip: why it has no text that can be used, `code: explanation`.
    """

    number: int
    label: str | None = None
    text: str = ""
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    size: tuple[float, float] = (0.0, 0.0)
    skip: str | None = None


def write_head(handle: BinaryIO, head: PagesHead) -> None:
    """Write the first line of a pages file."""
    handle.write(orjson.dumps(asdict(head), option=orjson.OPT_APPEND_NEWLINE))


def page_line(page: PdfPage) -> bytes:
    """The line of a page."""
    return orjson.dumps(asdict(page), option=orjson.OPT_APPEND_NEWLINE)


def is_pages_file(path: Path) -> bool:
    """Whether a file holds extracted pages, and is not a user's own file that is called so."""
    try:
        with path.open("rb") as handle:
            head = orjson.loads(handle.readline(1 << 16))
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(head, dict) and head.get("kind") == _KIND


def read_head(path: Path) -> PagesHead:
    """The head of a pages file.

    Raises:
        SourceError: it is damaged.
    """
    for _, row in iter_rows(path, SourceError, _REMEDY):
        try:
            return of_known_keys(PagesHead, row)
        except TypeError:
            break
    raise SourceError("this is no file of the pages of a PDF", where=str(path), remedy=_REMEDY)


def iter_pages(path: Path) -> Iterator[PdfPage]:
    """Yield the pages of a pages file in their order.

    Raises:
        SourceError: it is damaged.
    """
    rows = iter_rows(path, SourceError, _REMEDY)
    next(rows, None)
    for number, row in rows:
        try:
            page = of_known_keys(PdfPage, row)
            whole = page.skip is not None or len(page.boxes) == page.text.count("\n") + 1
        except (AttributeError, TypeError):
            whole = False
        if not whole:
            raise SourceError("this line is no page", where=f"{path}, line {number}", remedy=_REMEDY)
        yield page
