"""Pictures as PDF, for LaTeX: the few elements our pictures are made of, drawn with embedded fonts.

It takes reportlab (BSD licence), the extra `paper`. A PDF of it holds no date and no name of a machine, so
that the same picture gives the same bytes. Its own font has the letters of western European languages;
another one may be given as a TrueType file.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from goldpan.errors import StorageError, StudyError
from goldpan.report.paper.picture import FONT_SIZE, PAPER, texts_of

_TURNED = re.compile(r"rotate\((-?[\d.]+) (-?[\d.]+) (-?[\d.]+)\)")
_SMALLER = 0.75
"""Points to a pixel."""
_PLAIN, _BOLD = "goldpan-plain", "goldpan-bold"
_NO_LETTER = "?"


def can_draw() -> bool:
    """Whether reportlab is installed."""
    return importlib.util.find_spec("reportlab") is not None


class PdfDrawer:
    """Draws pictures as PDF.

    Args:
        font: a TrueType file to write with; default the font that comes with reportlab.

    Raises:
        StudyError: the font cannot be used.
    """

    def __init__(self, font: Path | None = None):
        self._fonts = _fonts(font)

    def unknown_letters(self, picture: ElementTree.Element) -> str:
        """The letters of a picture that the font does not have, each once, sorted."""
        known = self._fonts[_PLAIN].face.charToGlyph
        letters = set("".join(texts_of(picture)))
        return "".join(sorted(letter for letter in letters if ord(letter) not in known and letter.strip()))

    def pdf_bytes(self, picture: ElementTree.Element) -> bytes:
        """The picture as a file of one page."""
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfgen.canvas import Canvas

        for font in self._fonts.values():
            pdfmetrics.registerFont(font)
        width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
        buffer = io.BytesIO()
        canvas = Canvas(
            buffer,
            pagesize=(width * _SMALLER, height * _SMALLER),
            invariant=1,
            pageCompression=0,
            # Else Helvetica is among the fonts, which is not embedded, as publishers want all to be.
            initialFontName=_PLAIN,
        )
        canvas.setTitle(picture.get("aria-label", ""))
        canvas.setCreator("goldpan")
        # From here on as in SVG: pixels, from the upper left corner down.
        canvas.scale(_SMALLER, _SMALLER)
        canvas.translate(0, height)
        _Page(canvas, self._fonts, width, height).draw(picture)
        canvas.showPage()
        canvas.save()
        return buffer.getvalue()


def _fonts(font: Path | None) -> dict[str, Any]:
    """Registered anew for each kit: a font of reportlab numbers the letters it is used for."""
    import reportlab
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    own = Path(reportlab.__file__).parent / "fonts"
    files = {_PLAIN: font or own / "Vera.ttf", _BOLD: font or own / "VeraBd.ttf"}
    try:
        return {name: TTFont(name, str(file)) for name, file in files.items()}
    except (OSError, TTFError) as error:
        if font is None:
            raise StorageError(f"the fonts of reportlab cannot be read: {error}") from None
        raise StudyError(
            f"this font cannot be used: {error}",
            where=str(font),
            remedy="give a TrueType file (.ttf); outlines of PostScript, as in most .otf files, cannot be"
            " embedded",
        ) from None


class _Page:
    """One picture on its way to a page.

    Args:
        canvas: of reportlab, set to pixels from the upper left corner; its y goes up, ours down.
        fonts: by name.
        width, height: of the picture.
    """

    def __init__(self, canvas: Any, fonts: Mapping[str, Any], width: float, height: float):
        self._canvas, self._fonts, self._size = canvas, fonts, (width, height)

    def draw(self, part: ElementTree.Element) -> None:
        """Draw a part of the picture, and all within it."""
        name = part.tag.rpartition("}")[2]
        draw = {"rect": self._rect, "line": self._line, "circle": self._circle, "text": self._text}.get(name)
        if draw is not None:
            self._canvas.saveState()
            draw(part)
            self._canvas.restoreState()
        for inner in part:
            self.draw(inner)

    def _rect(self, part: ElementTree.Element) -> None:
        width, height = (
            whole if part.get(side) == "100%" else float(part.get(side, 0))
            for side, whole in zip(("width", "height"), self._size, strict=True)
        )
        x, y = float(part.get("x", 0)), float(part.get("y", 0))
        fill, stroke = self._colours(part)
        self._canvas.rect(x, -y - height, width, height, stroke=stroke, fill=fill)

    def _line(self, part: ElementTree.Element) -> None:
        self._colours(part)
        x1, y1, x2, y2 = (float(part.get(end, 0)) for end in ("x1", "y1", "x2", "y2"))
        self._canvas.line(x1, -y1, x2, -y2)

    def _circle(self, part: ElementTree.Element) -> None:
        fill, stroke = self._colours(part)
        x, y, radius = (float(part.get(of, 0)) for of in ("cx", "cy", "r"))
        self._canvas.circle(x, -y, radius, stroke=stroke, fill=fill)

    def _text(self, part: ElementTree.Element) -> None:
        x, y = float(part.get("x", 0)), float(part.get("y", 0))
        font = _BOLD if part.get("font-weight") == "bold" else _PLAIN
        self._canvas.setFillColor(part.get("fill", "#000000"))
        self._canvas.setFont(font, FONT_SIZE)
        if turned := _TURNED.fullmatch(part.get("transform", "")):
            angle, about_x, about_y = map(float, turned.groups())
            self._canvas.translate(about_x, -about_y)
            self._canvas.rotate(-angle)
            self._canvas.translate(-about_x, about_y)
        known = self._fonts[font].face.charToGlyph
        text = "".join(letter if ord(letter) in known else _NO_LETTER for letter in part.text or "")
        write = {
            "middle": self._canvas.drawCentredString,
            "end": self._canvas.drawRightString,
        }.get(part.get("text-anchor", ""), self._canvas.drawString)
        write(x, -y, text)

    def _colours(self, part: ElementTree.Element) -> tuple[int, int]:
        """Set the colours of a part; whether it is filled and whether it has an outline."""
        fill, stroke = part.get("fill"), part.get("stroke")
        self._canvas.setFillColor(fill or PAPER)
        self._canvas.setStrokeColor(stroke or PAPER)
        self._canvas.setLineWidth(float(part.get("stroke-width", 1)))
        if dashes := part.get("stroke-dasharray"):
            self._canvas.setDash([float(length) for length in dashes.split()])
        return int(fill is not None), int(stroke is not None)
