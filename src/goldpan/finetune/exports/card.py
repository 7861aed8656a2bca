"""What card.json says of an export: what is in it, by which rules, and what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldpan import __version__
from goldpan.finetune.exports.candidates import ExportCandidate, GatheredRows
from goldpan.finetune.exports.choose import SPLITS, ExportChoice
from goldpan.study.export import Export

FORMAT = 1
_LONGEST_SHOWN = 10

TERMS = (
    "Answers of a model are learned from. The terms of some services forbid that models are trained on what"
    " theirs have answered, or that such models compete with theirs: read those of each model named here"
    " before you train, and the licence of the texts before you pass the files on."
)
NO_REASONS = "The task's reasons are left out of the answers: people gave none."
NATURAL = (
    "Negatives were drawn to a ratio in every split: shares of labels, and figures measured on these splits,"
    " are not those of the corpus."
)


def card_of(
    study: str,
    name: str,
    settings: Export,
    gathered: GatheredRows,
    choice: ExportChoice,
    chosen: Sequence[ExportCandidate],
    reasons: Mapping[str, int],
    notes: Iterable[str],
    trial: Mapping[str, int],
) -> dict[str, Any]:
    """What `card.json` says, but for the files.

    Args:
        chosen: what is exported.
        reasons: why the other rows are not -> how many.
        notes: further things to know.
        trial: source -> rows, where only these were read.
    """
    models = dict(sorted(Counter(one.model for one in chosen if one.model).items()))
    by_split = {split: [one for one in chosen if choice.splits[one.id] == split] for split in SPLITS}
    return {
        "format": FORMAT,
        "goldpan": __version__,
        "study": study,
        "export": name,
        "settings": settings.model_dump(mode="json", exclude_defaults=True),
        "row_format": settings.format,
        "answer": gathered.form,
        **({"trial": dict(trial)} if trial else {}),
        "records": gathered.records,
        "exported": len(chosen),
        "without_gold": gathered.without_gold,
        "left_out": dict(sorted(reasons.items())),
        "gold": {"rows": gathered.gold_items, "without_record": gathered.gold_without_record},
        "splits": {split: _split(rows) for split, rows in by_split.items()},
        "negatives": _negatives(settings, by_split, choice),
        "tokens": {
            "counted_by": gathered.counter,
            "longest": _longest(chosen),
            "too_long": gathered.too_long,
        },
        "models": models,
        "gold_conflicts": choice.conflicts,
        "near_duplicates": [pair._asdict() for pair in choice.near],
        "notes": list(notes),
        "terms": TERMS if models else "",
    }


def _split(rows: Sequence[ExportCandidate]) -> dict[str, Any]:
    labels: dict[str, Counter[str]] = {}
    for one in rows:
        for feature, label in one.labels:
            labels.setdefault(feature, Counter())[label] += 1
    return {
        "rows": len(rows),
        "groups": len({one.group for one in rows}),
        "with_gold": sum("gold" in one.origin for one in rows),
        "by_origin": dict(sorted(Counter(one.origin for one in rows).items())),
        "negatives": sum(one.is_negative for one in rows),
        "repeated_prompts": len(rows) - len({one.prompt_hash for one in rows}),
        "tokens": _token_figures(rows),
        "labels": {feature: dict(sorted(counts.items())) for feature, counts in labels.items()},
    }


def _token_figures(rows: Sequence[ExportCandidate]) -> dict[str, int]:
    totals = sorted(one.tokens.total for one in rows)
    prompts = sum(one.tokens.prompt for one in rows)

    def at(share: float) -> int:
        return totals[min(len(totals) - 1, int(share * len(totals)))] if totals else 0

    return {
        "total": sum(totals),
        "of_prompts": prompts,
        "of_answers": sum(totals) - prompts,
        "shortest": at(0.0),
        "median": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "longest": at(1.0),
    }


def _longest(rows: Sequence[ExportCandidate]) -> list[dict[str, Any]]:
    longest = sorted(rows, key=lambda one: (-one.tokens.total, one.id))[:_LONGEST_SHOWN]
    return [{"id": one.id, "tokens": one.tokens.total} for one in longest]


def _negatives(
    settings: Export, by_split: Mapping[str, Sequence[ExportCandidate]], choice: ExportChoice
) -> dict[str, Any] | None:
    """The ratio that was asked for, and that of each split."""
    if settings.negatives is None:
        return None
    reached = {}
    for split, rows in by_split.items():
        negatives = sum(one.is_negative for one in rows)
        positives = len(rows) - negatives
        reached[split] = {
            "available": choice.negatives[split],
            "taken": negatives,
            "positives": positives,
            "ratio": round(negatives / positives, 6) if positives else None,
        }
    return {"asked": settings.negatives.ratio, "splits": reached}
