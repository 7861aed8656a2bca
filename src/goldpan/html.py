"""Self-contained HTML pages: everything escaped, no network, a content security policy by hash.

Text is escaped unless it is a `Markup`, and only `element` and `data_block` make `Markup`; so a page
cannot be broken by what it shows. The policy allows exactly the one style sheet and the one script the page
was built with, and nothing else: no other script, no request, no form, no frame. For that reason elements
carry classes, never `style=` attributes (SVG presentation attributes such as `fill` are fine).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from markupsafe import Markup, escape

__all__ = ["Markup", "data_block", "element", "escape", "page", "table"]

_VOID = frozenset({"br", "col", "hr", "img", "input", "meta", "wbr"})

BASE_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #ffffff; --line: #d5dae1;
  --tint: #f3f5f8; --accent: #0b5cad; --warn: #9a4a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a0abba; --paper: #14181e;
  --line: #343c47; --tint: #1d232b; --accent: #7db7f5; --warn: #f0b070; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h3 { font-size: 1.05rem; margin-top: 1.75rem; }
p, li { max-width: 46rem; }
table { border-collapse: collapse; margin: .75rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; } td.number, th.number { text-align: right; white-space: nowrap; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
.soft { color: var(--soft); } .warn { color: var(--warn); }
.scroll { overflow-x: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg text.axis { font-weight: 600; } svg text.on-dark { fill: #ffffff; }
svg text.on-light { fill: #14181e; }
@media print { body { max-width: none; padding: 0; } }
"""


def element(tag: str, *children: Any, **attributes: Any) -> Markup:
    """One element; children that are not `Markup` are escaped.

    Attribute names lose a trailing underscore and write `_` as `-` (`class_`, `data_id`, `aria_label`); an
    attribute that is None or False is left out, one that is True stands without a value.
    """
    parts = [Markup("<") + Markup(tag)]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        shown = Markup(name.rstrip("_").replace("_", "-"))
        parts.append(
            Markup(" {}").format(shown) if value is True else Markup(' {}="{}"').format(shown, value)
        )
    parts.append(Markup(">"))
    if tag not in _VOID:
        parts.extend(escape(child) for child in children)
        parts.append(Markup("</{}>").format(Markup(tag)))
    return Markup("").join(parts)


def table(
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    caption: str | None = None,
    text_columns: int = 1,
) -> Markup:
    """A table in a scrolling box; the first `text_columns` columns are text, the others are numbers."""

    def cells(tag: str, values: Sequence[Any]) -> Markup:
        return Markup("").join(
            element(tag, value, class_="number" if index >= text_columns else None)
            for index, value in enumerate(values)
        )

    head = element("thead", element("tr", cells("th", header)))
    body = element("tbody", *(element("tr", cells("td", row)) for row in rows))
    title = element("caption", caption) if caption else Markup("")
    return element("div", element("table", title, head, body), class_="scroll")


def data_block(element_id: str, value: Any) -> Markup:
    """Data for the page's script: JSON in a block that no text inside it can close.

    The script reads it with `JSON.parse(document.getElementById(element_id).textContent)`.
    """
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup('<script type="application/json" id="{}">{}</script>').format(element_id, Markup(text))


def page(title: str, body: Iterable[Any], *, style: str = "", script: str = "", language: str = "en") -> str:
    """A whole page as text; the same arguments give the same bytes.

    Args:
        title: plain text, for the tab; the heading is up to the body.
        body: parts in order; what is not `Markup` is escaped.
        style: CSS added to the common style sheet.
        script: JavaScript run at the end of the body; the policy allows this text and no other.
        language: language of the page's own words.

    Raises:
        ValueError: the style or the script holds its own closing tag, which would end it early.
    """
    # A browser hashes the text after it has turned every line end into a newline.
    style, script = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (BASE_STYLE + style, script))
    for name, text in (("style", style), ("script", script)):
        if f"</{name}" in text.lower() or "<!--" in text:
            raise ValueError(f"the page's {name} must not hold `</{name}` or `<!--`")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash_source(style)}",
            f"script-src {_hash_source(script)}" if script else "script-src 'none'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(style)),
    )
    parts = list(body)
    if script:
        parts.append(element("script", Markup(script)))
    return f"<!doctype html>\n{element('html', head, element('body', *parts), lang=language)}\n"


def _hash_source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
