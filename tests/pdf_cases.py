"""Bad and odd PDFs, each as its row of docs/bad_input.md says."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

from tests.made_pdfs import Page, pdf_bytes

WORDS = "words of the page"


def page_of(*lines: str, **options: Any) -> Page:
    """A page of some lines."""
    page = Page(**options)
    page.lines(72, 200, lines)
    return page


def made(*pages: Page, **options: str | None) -> bytes:
    """A PDF of some pages, or of one with some words."""
    return pdf_bytes(pages or [page_of(WORDS)], **options)


def pdf(content: Callable[[], bytes], name: str = "in.pdf", **settings: Any) -> Callable[[Any], Any]:
    """A case in which a file of a source is read."""
    return lambda at: at.rows(name, content(), **({"pdf": settings} if settings else {}))


def drawn(content: bytes) -> Callable[[Any], Any]:
    """A case of a page with some words on which something else is drawn, too."""
    return pdf(lambda: made(page_of(WORDS, content=content)))


def text(*lines: str, **options: Any) -> Callable[[Any], Any]:
    """A case of a page of lines."""
    return pdf(lambda: made(page_of(*lines)), **options)


def columns() -> bytes:
    page = Page()
    for number in range(6):
        page.line(72, 100 + 14 * number, f"left {number} of the columns")
        page.line(320, 100 + 14 * number, f"right {number} of the columns")
    return made(page)


def invisible() -> bytes:
    page = Page(has_image=True)
    page.line(72, 200, WORDS, invisible=True)
    return made(page)


def turned() -> bytes:
    page = Page(rotate=90)
    page.line(300, 700, "first line", turned=True)
    page.line(314, 700, "second line", turned=True)
    return made(page)


def page_tree_in_a_circle() -> bytes:
    return made().replace(b"/Kids [11 0 R]", b"/Kids [ 2 0 R]")


def long_words(count: int) -> bytes:
    """A line of so many words of 20,000 letters, without a space between them."""
    return b"BT /F1 1 Tf 0 800 Td [%s] TJ ET" % (b"(%s)" % (b"ab" * 10_000) * count)


def unpacks_to(size: int) -> bytes:
    """A page that draws nothing, at length."""
    packed = zlib.compress(b" " * size, 9)
    plain = made()
    start = plain.index(b"<<  /Length", plain.index(b"12 0 obj"))
    end = plain.index(b"endobj", start)
    stream = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\n" % (len(packed), packed)
    return plain[:start] + stream + plain[end:]


PDF_CASES: dict[str, Callable[[Any], Any]] = {
    "pdf-encrypted": pdf(lambda: made(user_password="secret")),
    "pdf-owner-password": pdf(lambda: made(owner_password="secret")),
    "pdf-empty-file": pdf(lambda: b""),
    "pdf-not-a-pdf": pdf(lambda: b"Dear all,\n"),
    "pdf-named-txt": pdf(made, name="in.txt"),
    "pdf-without-a-suffix": pdf(made, name="paper"),
    "pdf-broken": pdf(lambda: b"%PDF-1.7\n" + bytes(range(256)) * 20),
    "pdf-truncated": pdf(lambda: made()[:900]),
    "pdf-end-missing": pdf(lambda: made()[:-60]),
    "pdf-behind-other-bytes": pdf(lambda: b"HTTP/1.1 200 OK\r\n\r\n" + made()),
    "pdf-circle": pdf(page_tree_in_a_circle),
    "pdf-no-pages": pdf(lambda: pdf_bytes([])),
    "pdf-gzip": pdf(lambda: gzip.compress(made()), name="in.pdf.gz"),
    "pdf-gzip-cut": pdf(lambda: gzip.compress(made())[:-9], name="in.pdf.gz"),
    "pdf-gzip-bomb": pdf(
        lambda: gzip.compress(made() + bytes(5_000_000)), name="in.pdf.gz", most_megabytes=1
    ),
    "pdf-too-large": pdf(lambda: made() + bytes(2_000_000), most_megabytes=1.5),
    "pdf-too-many-pages": pdf(lambda: made(*[Page() for _ in range(12)]), most_pages=11),
    "pdf-scanned": pdf(lambda: made(Page(has_image=True))),
    "pdf-scanned-with-text": pdf(invisible),
    "pdf-blank": pdf(lambda: made(Page())),
    "pdf-page-broken": pdf(lambda: made(page_of("a"), Page(broken=True))),
    "pdf-page-after-a-broken-one": pdf(lambda: made(Page(broken=True), page_of(WORDS))),
    "pdf-operators-broken": drawn(b"q q q ( BT /Nope 12 Tf [ <abc Tj ET \xff\xfe 1 0 0 cm"),
    "pdf-page-too-long": pdf(lambda: made(Page(content=long_words(16)))),
    "pdf-endless-word": pdf(lambda: made(Page(content=long_words(1)))),
    "pdf-unpacks-to-much": pdf(lambda: unpacks_to(20_000_000)),
    "pdf-huge-page": pdf(lambda: made(page_of(WORDS, size=(14_400_000, 14_400_000)))),
    "pdf-page-of-no-size": pdf(lambda: made(page_of(WORDS, size=(0, 0)))),
    "pdf-label": pdf(lambda: made(labels="A-1")),
    "pdf-turned": pdf(turned),
    "pdf-columns": pdf(columns),
    "pdf-ligature": text("e\ufb03cient \ufb01nes"),
    "pdf-soft-hyphen": text("agri\u00adcul\u00ad", "ture"),
    "pdf-hyphen": text("in agri-", "culture"),
    "pdf-combining-marks": text("Cafe\u0301 na\u0308her"),
    "pdf-right-to-left": text("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"[::-1]),
    "pdf-emoji": text("Grain \U0001f33e here"),
    "pdf-control-characters": text("a\x01b\x1fc\x7f d"),
    "pdf-lone-surrogate": text("half \ud83c here"),
    "pdf-line-separators": text("a\u2028b\u0085c"),
    "pdf-name": pdf(made, name="a {b} \u00fc %s.pdf"),
    "pdf-window-of-nothing": pdf(lambda: made(Page(), Page()), unit="window", pages=2),
}
