"""The process that reads the pages of one PDF: PDFium is native code, and a file may be made to break it.

It is started by `extraction.py`, and writes a line of JSON for the file, then one for each page.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
from typing import Any

import orjson

from goldpan.records.pdf.characters import runs_of_page
from goldpan.records.pdf.pages import PdfPage, page_line
from goldpan.records.pdf.reading_order import lines_in_order

MOST_CHARACTERS = 300_000
"""Of one page. A page of a newspaper has some 50,000."""
_MOST_MEMORY = 4 << 30
_LONGEST_LABEL = 100
_NO_ERROR, _NEEDS_PASSWORD = 0, 4
"""What PDFium says where it opens no file: it takes one without pages for none, and has no error for that."""


def main(path: str, first: int, most_pages: int) -> None:
    """Write what a PDF says of itself, and its pages from `first` on (from 1)."""
    # Ctrl-C is the matter of who reads this; his end closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    import pypdfium2

    out = sys.stdout.buffer
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        _write(out, {"skip": _unopened(error)})
        return
    pages = len(document)
    if pages == 0:
        _write(out, {"skip": "no_pages: the PDF has no pages"})
        return
    if pages > most_pages:
        reason = f"too_many_pages: the PDF has {pages:,} pages, more than the {most_pages:,} of `most_pages`"
        _write(out, {"skip": reason})
        return
    _write(out, {"pages": pages})
    for number in range(first, pages + 1):
        out.write(page_line(_page(document, number)))
        out.flush()


def _write(out: Any, value: dict[str, Any]) -> None:
    out.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
    out.flush()


def _unopened(error: Any) -> str:
    if error.err_code == _NO_ERROR:
        return "no_pages: the PDF has no pages"
    if error.err_code == _NEEDS_PASSWORD:
        return "encrypted: the PDF cannot be read without its password"
    return f"broken_pdf: {error}"


def _page(document: Any, number: int) -> PdfPage:
    import pypdfium2

    label = None
    try:
        label = _label(document, number)
        page = document[number - 1]
        try:
            return _read(page, number, label)
        finally:
            page.close()
    except (pypdfium2.PdfiumError, OSError, ValueError) as error:
        return PdfPage(number, label, skip=f"broken_page: {error}")


def _label(document: Any, number: int) -> str | None:
    try:
        label = document.get_page_label(number - 1)
    except UnicodeDecodeError:
        # The page has its text all the same.
        return None
    label = "".join(map(_visible, (label or "")[:_LONGEST_LABEL])).strip()
    return label.encode("utf-8", "replace").decode() or None


def _visible(character: str) -> str:
    return character if character.isprintable() else " "


def _read(page: Any, number: int, label: str | None) -> PdfPage:
    text_page = page.get_textpage()
    try:
        count = text_page.count_chars()
        if count > MOST_CHARACTERS:
            return PdfPage(
                number,
                label,
                skip=f"page_too_long: the page has {count:,} characters, more than {MOST_CHARACTERS:,}",
            )
        found = runs_of_page(page, text_page)
    finally:
        text_page.close()
    lines = lines_in_order(found.runs) + found.turned
    if not lines:
        return PdfPage(number, label, size=_rounded(found.size), skip=_without_text(page))
    return PdfPage(
        number,
        label,
        "\n".join(line.text for line in lines),
        [_rounded(line.box) for line in lines],
        _rounded(found.size),
    )


def _rounded(values: tuple[float, ...]) -> Any:
    return tuple(round(value, 1) for value in values)


def _without_text(page: Any) -> str:
    # Pictures within forms count, too.
    if any(True for _ in page.get_objects(max_depth=3)):
        return "no_text_layer: the page shows something, but has no text; it may be scanned"
    return "empty_page: there is nothing on the page"


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
