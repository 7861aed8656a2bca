"""Pictures of our pages as files of their own: their style stands in the elements themselves."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NAMESPACE = "http://www.w3.org/2000/svg"
FONT_SIZE = 12
FONT_FAMILY = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif"
PAPER = "#ffffff"
_INK, _SOFT, _LINE, _ACCENT, _WARN = "#1c2430", "#5b6675", "#d5dae1", "#0b5cad", "#9a4a00"
_STYLES: dict[str, dict[str, str]] = {
    "axis": {"font-weight": "bold"},
    "tick": {"fill": _SOFT},
    "on-dark": {"fill": "#ffffff"},
    "on-light": {"fill": "#14181e"},
    "mark": {"fill": _ACCENT},
    "bar": {"stroke": _ACCENT, "stroke-width": "2"},
    "hollow": {"fill": PAPER, "stroke": _WARN, "stroke-width": "2"},
    "grid": {"stroke": _LINE},
    "guide": {"stroke": _SOFT, "stroke-dasharray": "4 3"},
}
"""class of our pages -> what their style sheet in light colours says of it."""


def picture_of(markup: str) -> ElementTree.Element:
    """The one SVG in a part of a page, styled by itself, on white.

    Args:
        markup: of the page; what stands around the picture, such as buttons, is left out.

    Raises:
        ValueError: there is no SVG in it.
    """
    start, end = markup.find("<svg"), markup.find("</svg>")
    if start < 0 or end < 0:
        raise ValueError("there is no SVG in this part of a page")
    picture = ElementTree.fromstring(_NO_XML.sub(" ", markup[start : end + len("</svg>")]))
    for part in picture.iter():
        classes = part.attrib.pop("class", "").split()
        style = {"fill": _INK} if _name(part) == "text" else {}
        for name in classes:
            style.update(_STYLES.get(name, {}))
        for key, value in style.items():
            part.attrib.setdefault(key, value)
    picture.set("font-family", FONT_FAMILY)
    picture.set("font-size", str(FONT_SIZE))
    ground = ElementTree.Element(f"{{{NAMESPACE}}}rect", {"width": "100%", "height": "100%", "fill": PAPER})
    picture.insert(0, ground)
    return picture


def svg_bytes(picture: ElementTree.Element) -> bytes:
    """The picture as a file; the same picture gives the same bytes."""
    ElementTree.register_namespace("", NAMESPACE)
    body = ElementTree.tostring(picture, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def texts_of(picture: ElementTree.Element) -> list[str]:
    """All texts that are drawn."""
    return [part.text or "" for part in picture.iter() if _name(part) == "text"]


def _name(part: ElementTree.Element) -> str:
    return part.tag.rpartition("}")[2]
