"""Self-contained HTML pages: everything escaped, no network, a content security policy by hash.

Text is escaped unless it is a `Markup`, and only what is here makes `Markup`, of `element`s; so a page
cannot be broken by what it shows. The policy allows exactly the one style sheet and the one script the page
was built with, and nothing else: no other script, no request, no form, no frame. For that reason elements
carry classes, never `style=` attributes (SVG presentation attributes such as `fill` are fine).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
from markupsafe import Markup, escape

from goldpan.cells import csv_text
from goldpan.latex import latex_table
from goldpan.visible_text import with_controls_named

__all__ = [
    *("Markup", "copy_bar", "data_block", "element", "escape", "page", "scroll_box", "table"),
    "with_contents",
]

_VOID = frozenset({"br", "col", "hr", "img", "input", "meta", "wbr"})

BASE_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #ffffff; --line: #d5dae1;
  --tint: #f3f5f8; --accent: #0b5cad; --warn: #9a4a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a0abba; --paper: #14181e;
  --line: #343c47; --tint: #1d232b; --accent: #7db7f5; --warn: #f0b070; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 120rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h3 { font-size: 1.05rem; margin-top: 1.75rem; }
p, li { max-width: 46rem; }
table { border-collapse: collapse; margin: .75rem 0 .25rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; } .number { text-align: right; } td.number, .number span { white-space: nowrap; }
td.interval { white-space: normal; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
.soft { color: var(--soft); } .warn { color: var(--warn); }
.scroll { overflow-x: auto; max-width: 100%; scrollbar-color: var(--soft) var(--tint);
  background: linear-gradient(to left, var(--paper) 40%, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--line), transparent) right / 1rem 100% no-repeat; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll tr > :first-child { position: sticky; left: 0; z-index: 1; background: var(--paper); }
a { color: var(--accent); }
.contents { margin: 1rem 0 0; }
.contents ul { list-style: none; padding: 0; margin: .25rem 0; columns: 16rem; }
.contents li { max-width: none; break-inside: avoid; overflow-wrap: anywhere; }
.copy-bar { margin: .25rem 0 1rem; display: flex; flex-wrap: wrap; gap: .5rem; }
.copy-bar[hidden] { display: none; }
.copy-bar button { font: inherit; font-size: .8rem; color: var(--accent); background: none; cursor: pointer;
  border: 1px solid var(--line); border-radius: .3rem; padding: .1rem .5rem; }
.copy-bar textarea { flex-basis: 100%; height: 8rem; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg text.axis { font-weight: 600; } svg text.on-dark { fill: #ffffff; }
svg text.on-light { fill: #14181e; }
@media (max-width: 48rem) {
  body { padding: 1rem .75rem; }
  h1, h2, h3 { overflow-wrap: anywhere; }
  .scroll tr > :first-child { min-width: 6rem; max-width: 8.5rem; white-space: normal;
    overflow-wrap: anywhere; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; background: none; } .copy-bar { display: none; }
  table { font-size: 8pt; max-width: 100%; } th, td { padding: .15rem .25rem; overflow-wrap: anywhere; }
  .scroll tr > :first-child { position: static; }
  td.number, .number span, td:first-child { white-space: normal; }
  svg { max-width: 100%; height: auto; } tr, svg, figure { break-inside: avoid; }
  h1, h2, h3, h4, caption { break-after: avoid; }
}
"""

_COPY_BAR = '<div class="copy-bar"'
_COPY_SCRIPT = """{
  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  };
  // Where a browser lets no page write to the clipboard, the text is shown, ready to be copied by hand.
  const show = (bar, text) => {
    const box = bar.querySelector("textarea") ?? bar.appendChild(document.createElement("textarea"));
    box.readOnly = true;
    box.value = text;
    box.focus();
    box.select();
    return document.execCommand("copy");
  };
  for (const bar of document.querySelectorAll(".copy-bar")) {
    const texts = JSON.parse(bar.querySelector("script").textContent);
    for (const button of bar.querySelectorAll("button")) {
      const name = button.textContent;
      button.addEventListener("click", async () => {
        const text = texts[button.value];
        const done = await copied(text) || show(bar, text);
        button.textContent = done ? "Copied" : "Press Ctrl+C";
        setTimeout(() => { button.textContent = name; }, 2000);
      });
    }
    bar.hidden = false;
  }
}
"""

_FEWEST_CONTENTS = 4
_HEADING = re.compile(r"<h2((?: [^>]*)?)>(.*?)</h2>", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})

_WITH_INTERVAL = re.compile(r"(\S+) (?:(\[[^\[\]]*\])|(\(.*\)))")
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_NO_VALUE = frozenset({"-", "–"})


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
            Markup(" {}").format(shown) if value is True else Markup(' {}="{}"').format(shown, _shown(value))
        )
    parts.append(Markup(">"))
    if tag not in _VOID:
        parts.extend(map(_shown, children))
        parts.append(Markup("</{}>").format(Markup(tag)))
    return Markup("").join(parts)


def _shown(value: Any) -> Markup:
    """A child or attribute, escaped; of a text that is not of ours no control hides what stands around it."""
    is_plain = isinstance(value, str) and not isinstance(value, Markup)
    return escape(with_controls_named(value) if is_plain else value)


def table(
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    caption: str | None = None,
    text_columns: int = 1,
    classes: Sequence[str | None] | None = None,
) -> Markup:
    """A table in a box that scrolls, and buttons that copy it as CSV and as LaTeX.

    Where a table is wider than the window its first column stays in view.

    Args:
        header: names of the columns.
        rows: their cells.
        caption: above the table.
        text_columns: so many columns are text, the others are numbers; `value [low, high]` may be set in two
            lines, but not broken within the value or the interval, and `value (why there is none)` in more.
        classes: a class for each column instead: `number`, another one for text, or None.
    """
    rows = list(rows)
    if classes is None:
        classes = [None if index < text_columns else "number" for index in range(len(header))]
    head = element("thead", element("tr", *map(_head_cell, header, classes)))
    body = element("tbody", *(element("tr", *map(_cell, row, classes)) for row in rows))
    title = element("caption", caption) if caption else Markup("")
    box = scroll_box(element("table", title, head, body), caption or "Table")
    return box + copy_bar(header, rows, numbers=[name == "number" for name in classes], caption=caption)


def scroll_box(content: Markup, label: str) -> Markup:
    """A table or picture in a box that scrolls sideways where it is wider than the window.

    It takes the focus, so that it can be scrolled with the arrow keys, too; a shade at its edge says that
    there is more.

    Args:
        content: what may be wider.
        label: what it shows, for those who cannot see it.
    """
    return element("div", content, class_="scroll", role="group", aria_label=label, tabindex="0")


def with_contents(body: Iterable[Any]) -> list[Any]:
    """The parts of a page with a list of contents behind its first heading, if it has four sections.

    Sections begin with an `h2`. One without an id gets one made from its text, the same for the same page.

    Args:
        body: the parts in order, as `page` takes them.
    """
    parts = list(body)
    taken = {found for part in parts if isinstance(part, Markup) for found in _ID.findall(part)}
    sections: list[tuple[str, str]] = []

    def with_id(heading: re.Match[str]) -> str:
        attributes, text = heading[1], Markup(heading[2]).striptags()
        known = _ID.search(attributes)
        anchor = Markup(known[1]).unescape() if known else _free_anchor(text, taken)
        taken.add(anchor)
        sections.append((anchor, text))
        return heading[0] if known else f'<h2 id="{anchor}"{attributes}>{heading[2]}</h2>'

    parts = [Markup(_HEADING.sub(with_id, part)) if isinstance(part, Markup) else part for part in parts]
    if len(sections) < _FEWEST_CONTENTS:
        return parts
    links = (element("li", element("a", text, href=f"#{anchor}")) for anchor, text in sections)
    contents = element("nav", element("ul", *links), class_="contents", aria_label="Contents")
    title = next((place for place, part in enumerate(parts, 1) if str(part).startswith("<h1")), 0)
    return [*parts[:title], contents, *parts[title:]]


def _free_anchor(text: str, taken: Collection[str]) -> str:
    # Letters and digits only: it stands in an attribute.
    stem = re.sub(r"[\W_]+", "-", text.lower()).strip("-") or "section"
    numbered = (f"{stem}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([stem], numbered) if name not in taken)


def _head_cell(name: Any, kind: str | None) -> Markup:
    return element("th", name, class_="number" if kind == "number" else None)


def _cell(value: Any, kind: str | None) -> Markup:
    parts = None if isinstance(value, Markup) else _WITH_INTERVAL.fullmatch(str(value))
    if kind == "number" and parts:
        number, interval, reason = parts.groups()
        sureness = element("span", interval) if interval else reason
        return element("td", element("span", number), " ", sureness, class_="number interval")
    return element("td", value, class_=kind)


def copy_bar(
    header: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Sequence[bool],
    caption: str | None = None,
) -> Markup:
    """Buttons that copy a table, for `page`, which adds their script; without it they are not seen.

    What is copied is made here, CSV by the writer of all our CSV. In it numbers have no signs between their
    thousands, and a dash for a value that is missing is an empty cell.

    Args:
        header: names of the c columns.
        rows: each of c cells, as they are shown.
        numbers: which columns are numbers.
        caption: what the table shows.
    """
    names, cells = _plain(header), [_plain(row) for row in rows]
    texts = {
        "csv": csv_text(
            [names, *([_bare(*cell) for cell in zip(row, numbers, strict=True)] for row in cells)]
        ),
        "latex": latex_table(names, cells, numbers=numbers, caption=caption),
    }
    buttons = [
        element("button", f"Copy as {name}", type="button", value=value)
        for value, name in (("csv", "CSV"), ("latex", "LaTeX"))
    ]
    return element("div", *buttons, _json_block(texts), class_="copy-bar", hidden=True)


def _plain(cells: Iterable[Any]) -> list[str]:
    return [cell.striptags() if isinstance(cell, Markup) else str(cell) for cell in cells]


def _bare(text: str, is_number: bool) -> str:
    if is_number and text in _NO_VALUE:
        return ""
    return text.replace(",", "") if is_number and _GROUPED.fullmatch(text) else text


def data_block(element_id: str, value: Any) -> Markup:
    """Data for the page's script: JSON in a block that no text inside it can close.

    The script reads it with `JSON.parse(document.getElementById(element_id).textContent)`.
    """
    return _json_block(value, id=element_id)


def _json_block(value: Any, **attributes: str) -> Markup:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return element("script", Markup(text), type="application/json", **attributes)


def svg(parts: Sequence[Markup], width: int, height: int, label: str) -> Markup:
    """A picture of so many pixels from its parts; `label` says what it shows."""
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def svg_text(x: object, y: object, text: str, **attributes: str) -> Markup:
    """Text at a place of a picture."""
    return element("text", text, x=x, y=y, **attributes)


def three_decimals(value: float | None) -> str:
    """Three decimals; a dash where there is no value."""
    return "–" if value is None else f"{round(value, 3) + 0.0:.3f}"


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
    parts = list(body)
    if any(_COPY_BAR in str(part) for part in parts):
        script = _COPY_SCRIPT + script
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
    if script:
        parts.append(element("script", Markup(script)))
    direction = "rtl" if language in _RIGHT_TO_LEFT else None
    return (
        f"<!doctype html>\n{element('html', head, element('body', *parts), lang=language, dir=direction)}\n"
    )


def _hash_source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
