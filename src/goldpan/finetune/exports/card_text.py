"""The card of an export for people, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldpan.markdown import markdown_table, markdown_text
from goldpan.records.limit import trial_text

_LABELS_SHOWN = 40


def card_text(card: Mapping[str, Any]) -> str:
    """The card, from what card.json says."""
    lines = [f"# Fine-tuning data: {card['export']}", "", _opening(card), ""]
    if "trial" in card:
        lines += [f"**This is {trial_text(card['trial'])}.**", ""]
    lines += [_splits_table(card["splits"]), ""]
    lines += [f"Tokens are counted by {markdown_text(card['tokens']['counted_by'])}.", ""]
    if card["negatives"] is not None:
        lines += [f"Negatives: {_ratio_text(card['negatives'])}", ""]
    lines += _section("Notes", [markdown_text(note) for note in (*card["notes"], card["terms"]) if note])
    left_out = [f"{count:,} {reason}" for reason, count in card["left_out"].items()]
    if card["without_gold"]:
        left_out.append(f"{card['without_gold']:,} without gold, which are listed nowhere")
    lines += _section("Not exported (`left_out.jsonl` says why)", left_out)
    models = [f"{markdown_text(model)}: {rows:,} rows" for model, rows in card["models"].items()]
    lines += _section("Answered by", models)
    lines += _section("Labels", list(_label_lines(card["splits"])))
    files = [f"`{file}`: {it['rows']:,} rows, SHA-256 {it['sha256']}" for file, it in card["files"].items()]
    return "\n".join([*lines, *_section("Files", files)]).rstrip() + "\n"


def _opening(card: Mapping[str, Any]) -> str:
    whose = {"gold": "the gold set of wave", "stage": "the answers of stage"}
    origin = [f"{what} `{card['settings'][key]}`" for key, what in whose.items() if card["settings"].get(key)]
    return (
        f"Of {' and '.join(origin)} in the study `{card['study']}`, as `{card['row_format']}`, with answers"
        f" as {card['answer']}: {card['exported']:,} rows of {card['records']:,} records."
    )


def _splits_table(splits: Mapping[str, Any]) -> str:
    header = ["split", "rows", "groups", "with gold", "negatives", "tokens", "median row", "longest row"]
    rows = []
    for split, counts in splits.items():
        tokens = counts["tokens"]
        figures = [counts[key] for key in ("rows", "groups", "with_gold", "negatives")]
        figures += [tokens[key] for key in ("total", "median", "longest")]
        rows.append([split, *(f"{figure:,}" for figure in figures)])
    return markdown_table(header, rows, numbers=[False, *[True] * (len(header) - 1)])


def _section(title: str, items: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(f"- {item}" for item in items), ""] if items else []


def _label_lines(splits: Mapping[str, Any]) -> Iterable[str]:
    """`topic` (train/valid/test): animals 12/1/2, ..."""
    for name in dict.fromkeys(name for split in splits.values() for name in split["labels"]):
        counts = [split["labels"].get(name, {}) for split in splits.values()]
        labels = list(dict.fromkeys(label for of_split in counts for label in of_split))
        shown = [
            f"{markdown_text(label)} {'/'.join(str(of_split.get(label, 0)) for of_split in counts)}"
            for label in labels[:_LABELS_SHOWN]
        ]
        more = " …" if len(labels) > _LABELS_SHOWN else ""
        yield f"`{name}` ({'/'.join(splits)}): {', '.join(shown)}{more}"


def _ratio_text(negatives: Mapping[str, Any]) -> str:
    reached = [
        f"{split} {counts['taken']:,} for {counts['positives']:,} others, of"
        f" {counts['available']:,} there are"
        for split, counts in negatives["splits"].items()
    ]
    return f"{negatives['asked']:g} for each other row were asked for; {'; '.join(reached)}."
