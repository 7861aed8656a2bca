"""The rows of an error analysis as cards: the gold label, the prediction, why it is listed, and its texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from goldpan.error_analysis.items import Listed
from goldpan.html import Markup, element

STYLE = """
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: .75rem;
  margin: .75rem 0 1.25rem; }
.case { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; background: var(--tint);
  overflow-wrap: anywhere; min-width: 0; }
.case p, .case dl { margin: 0 0 .4rem; max-width: none; } .case p:last-child { margin: 0; }
.case .answers { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; }
.case .answers b { margin-left: .35rem; }
.case dt { color: var(--soft); font-size: .85em; }
.case dd { margin: 0 0 .35rem; white-space: pre-wrap; }
.case .long { max-height: 15rem; overflow-y: auto; border: 1px solid var(--line); border-radius: .3rem;
  padding: .35rem .5rem; background: var(--paper);
  scrollbar-color: var(--soft) var(--tint); resize: vertical; }
.case .long:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.case .whose { font-size: .85em; }
details { margin: .75rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
@media (max-width: 48rem) { .scroll tr > :first-child { min-width: 7.5rem; } }
@media print {
  .cases { display: block; columns: 2; column-gap: .75rem; font-size: 8pt; }
  .case { margin-bottom: .5rem; background: none; orphans: 3; widows: 3; }
  .case .answers, .case dt { break-after: avoid; }
  .case .long { max-height: none; overflow: visible; border: 0; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""
"""What cards need besides the common style sheet; printed, all texts are there as a whole."""

_LONG = 700
"""Characters from which on a text stands in a box that scrolls."""
_LONGEST = 50_000


def folded_rows(rows: Sequence[Listed], title: str, *, most: int, table_file: str) -> Iterator[Markup]:
    """Cards behind a line that opens them; nothing where there are no rows.

    Args:
        rows: to be shown, in their order.
        title: what they are.
        most: how many are shown.
        table_file: name of the file with all of them, beside the page.
    """
    if not rows:
        return
    text = f"{title}: {len(rows):,}"
    if len(rows) > most:
        text += f", {most:,} shown; {table_file} has all"
    yield element("details", element("summary", text), row_cards(rows[:most]))


def row_cards(rows: Iterable[Listed]) -> Markup:
    """A card for each row, with its texts as a whole."""
    return element("div", *map(_card, rows), class_="cases")


def _card(row: Listed) -> Markup:
    parts = [element("p", *_answers(row), class_="answers"), element("p", row.why)]
    if row.fields:
        fields = [part for name, text in row.fields.items() for part in _field(row, name, text)]
        parts.append(element("dl", *fields))
    names = row.item_id if row.id == row.item_id else f"{row.item_id}, record {row.id}"
    parts.append(element("p", f"Item {names}; score {row.score:.2f}", class_="soft whose"))
    return element("article", *parts, class_="case")


def _answers(row: Listed) -> Iterator[Markup]:
    for name, label in (("Gold", row.gold), ("Predicted", row.predicted)):
        known = element("b", label) if label else element("span", " none", class_="soft")
        yield element("span", element("span", name, class_="soft"), known)


def _field(row: Listed, name: str, text: str) -> Iterator[Markup]:
    yield element("dt", name)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text) - _LONGEST:,} more characters)"
    if len(text) <= _LONG:
        yield element("dd", text)
    else:
        # A definition may not be called a group; the box within it is what scrolls and takes the focus.
        box = element(
            "div", text, class_="long", tabindex="0", role="group", aria_label=f"{name} of {row.id}"
        )
        yield element("dd", box)
