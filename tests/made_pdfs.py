"""Small PDFs, made byte by byte: text at places, in columns or paragraphs, with labels, passwords and faults.

Places are in points from the top left corner of the page. The same pages always give the same bytes.

    page = Page()
    page.line(72, 72, "A title", size=18, bold=True)
    page.paragraph(72, 110, "Some long text that is broken into lines.", width=450)
    write_pdf(path, [page], labels="i")
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

A4 = (595.0, 842.0)
LEADING = 1.2
_PASSWORD_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
# Widths of Helvetica for the characters from 32 to 126, in thousandths of the size.
_WIDTHS = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
]  # fmt: skip


def text_width(text: str, size: float = 11) -> float:
    """The width of a text in points, as Helvetica sets it; letters outside ASCII are taken for 0.5 em."""
    return sum(_width(character) for character in text) * size / 1000


def broken_into_lines(text: str, width: float, size: float = 11) -> list[str]:
    """The lines of a text that is broken at spaces, and where it has them at line ends (`\\n`)."""
    lines = []
    for part in text.split("\n"):
        line = ""
        for word in part.split():
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, size) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


_PICTURE = b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
_RESOURCES = b"/Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R >> /XObject << /Im 6 0 R >>"


@dataclass
class Page:
    """One page.

    Attributes:
        size: width and height in points.
        rotate: what a viewer turns it by, clockwise: 0, 90, 180 or 270.
        has_image: whether a picture covers it, as a scanner leaves it.
        content: operators that are drawn as they are, after the lines.
        broken: whether the page object is no page at all.
    """

    size: tuple[float, float] = A4
    rotate: int = 0
    has_image: bool = False
    content: bytes = b""
    broken: bool = False
    _texts: list[tuple[float, float, str, float, bool, bool, tuple[float, float, float, float]]] = field(
        default_factory=list
    )

    def line(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 11,
        bold: bool = False,
        invisible: bool = False,
        turned: bool = False,
    ) -> float:
        """Draw one line with its base line at `y`; the place of the next one. `turned` runs upwards."""
        matrix = (0.0, 1.0, -1.0, 0.0) if turned else (1.0, 0.0, 0.0, 1.0)
        self._texts.append((x, y, text, size, bold, invisible, matrix))
        return y + size * LEADING

    def lines(self, x: float, y: float, texts: Iterable[str], size: float = 11, bold: bool = False) -> float:
        """Draw lines below each other; the place of the next one."""
        for text in texts:
            y = self.line(x, y, text, size, bold)
        return y

    def paragraph(
        self, x: float, y: float, text: str, width: float = 450, size: float = 11, indent: float = 0
    ) -> float:
        """Draw a paragraph that is broken into lines; the place of the next one, some space below.

        Args:
            indent: of its first line.
        """
        for number, text_line in enumerate(broken_into_lines(text, width - indent, size)):
            y = self.line(x + (indent if number == 0 else 0), y, text_line, size)
        return y + size * (LEADING - 0.5)


def write_pdf(path: Path, pages: Sequence[Page], **options: str | None) -> Path:
    """Write a PDF; options as of `pdf_bytes`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pdf_bytes(pages, **options))
    return path


def pdf_bytes(
    pages: Sequence[Page],
    labels: str | None = None,
    user_password: str | None = None,
    owner_password: str | None = None,
    title: str | None = None,
) -> bytes:
    """The bytes of a PDF.

    Args:
        labels: how pages are numbered: `i` (i, ii, iii), `A-1` (A-1, A-2), or None for no labels.
        user_password: without which nobody may read it; an empty one lets everybody.
        owner_password: for more rights; with one of the two the file is encrypted (RC4, 40 bits).
        title: in its description.
    """
    return _Writer(pages, labels, user_password, owner_password, title).whole()


class _Writer:
    """Numbers the objects: 1 catalog, 2 page tree, 3 to 5 fonts, 6 the picture, 7 to 9 of the font for all
    letters, 10 the description, then two for each page."""

    def __init__(
        self,
        pages: Sequence[Page],
        labels: str | None,
        user_password: str | None,
        owner_password: str | None,
        title: str | None,
    ) -> None:
        self.pages, self.labels, self.title = pages, labels, title
        texts = "".join(text for page in pages for _, _, text, *_ in page._texts)
        self.codes = {character: number for number, character in enumerate(sorted(set(texts)), 1)}
        self.file_id = hashlib.md5(repr(pages).encode(), usedforsecurity=False).digest()
        self.key: bytes | None = None
        if user_password is not None or owner_password is not None:
            self._set_passwords((user_password or "").encode(), (owner_password or "owner").encode())

    def whole(self) -> bytes:
        objects = self._objects()
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        name = self.file_id.hex().encode()
        encrypt = self.encryption if self.key else b""
        out += b"trailer\n<< /Size %d /Root 1 0 R /Info 10 0 R /ID [<%s> <%s>] %s >>\n" % (
            len(objects) + 1, name, name, encrypt,
        )  # fmt: skip
        return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)

    def _objects(self) -> list[bytes]:
        count = len(self.pages)
        kids = b" ".join(b"%d 0 R" % (11 + 2 * number) for number in range(count))
        prefix = self._sealed(1, b"A-").hex().encode()
        labels = {None: b"", "i": b"<< /S /r >>", "A-1": b"<< /S /D /P <%s> >>" % prefix}[self.labels]
        labels = b"/PageLabels << /Nums [0 %s] >>" % labels if labels else b""
        helvetica = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
        widths = b" ".join(b"%d" % _width(character) for character in self.codes)
        title = self._sealed(10, ("\ufeff" + (self.title or "")).encode("utf-16-be"))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % labels,
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count),
            helvetica % b"Helvetica",
            helvetica % b"Helvetica-Bold",
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Letters /Encoding /Identity-H"
            b" /DescendantFonts [7 0 R] /ToUnicode 9 0 R >>",
            self._stream(6, b"\x80", _PICTURE),
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Letters /FontDescriptor 8 0 R /DW 500"
            b" /W [1 [%s]]"
            b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>" % widths,
            b"<< /Type /FontDescriptor /FontName /Letters /Flags 4 /FontBBox [0 -200 1000 800]"
            b" /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>",
            self._stream(9, self._letters()),
            b"<< /Title <%s> >>" % title.hex().encode(),
        ]
        for page in self.pages:
            number = len(objects) + 1
            whole = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Rotate %d" % (
                *page.size,
                page.rotate,
            )
            whole += b" /Resources << %s >> /Contents %d 0 R >>" % (_RESOURCES, number + 1)
            objects += [b"null" if page.broken else whole, self._stream(number + 1, self._content(page))]
        return objects

    def _content(self, page: Page) -> bytes:
        parts = []
        if page.has_image:
            parts.append(b"q %.2f 0 0 %.2f 0 0 cm /Im Do Q" % page.size)
        for x, y, text, size, bold, invisible, matrix in page._texts:
            font, shown = self._shown(text, bold)
            parts.append(
                b"BT /%s %.2f Tf %d Tr %.2f %.2f %.2f %.2f %.2f %.2f Tm %s Tj ET"
                % (font, size, 3 if invisible else 0, *matrix, x, page.size[1] - y, shown)
            )
        return b"\n".join([*parts, page.content])

    def _shown(self, text: str, bold: bool) -> tuple[bytes, bytes]:
        if all(" " <= character <= "~" for character in text):
            escaped = text.encode().replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
            return (b"F2" if bold else b"F1"), b"(%s)" % escaped
        return b"F3", b"<%s>" % b"".join(b"%04x" % self.codes[character] for character in text)

    def _letters(self) -> bytes:
        """Which character each code of the font for all letters stands for; lone surrogates, too."""
        pairs = [
            b"<%04x> <%s>" % (code, character.encode("utf-16-be", "surrogatepass").hex().encode())
            for character, code in self.codes.items()
        ]
        blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
        mapped = b"\n".join(
            b"%d beginbfchar\n%s\nendbfchar" % (len(block), b"\n".join(block)) for block in blocks
        )
        return (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Letters def\n"
            b"1 begincodespacerange <0000> <ffff> endcodespacerange\n%s\nendcmap end end" % mapped
        )

    def _stream(self, number: int, data: bytes, entries: bytes = b"") -> bytes:
        sealed = self._sealed(number, data)
        return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(sealed), sealed)

    def _sealed(self, number: int, data: bytes) -> bytes:
        if self.key is None:
            return data
        seed = self.key + number.to_bytes(3, "little") + b"\0\0"
        return _rc4(hashlib.md5(seed, usedforsecurity=False).digest()[:10], data)

    def _set_passwords(self, user: bytes, owner: bytes) -> None:
        """Algorithms 2 to 4 of ISO 32000-1, 7.6.3, for revision 2."""
        user, owner = ((word + _PASSWORD_PADDING)[:32] for word in (user, owner))
        owner_entry = _rc4(hashlib.md5(owner, usedforsecurity=False).digest()[:5], user)
        seed = user + owner_entry + (-4 & 0xFFFFFFFF).to_bytes(4, "little") + self.file_id
        self.key = hashlib.md5(seed, usedforsecurity=False).digest()[:5]
        user_entry = _rc4(self.key, _PASSWORD_PADDING)
        self.encryption = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (
            owner_entry.hex().encode(),
            user_entry.hex().encode(),
        )


def _width(character: str) -> int:
    return _WIDTHS[ord(character) - 32] if " " <= character <= "~" else 500


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
