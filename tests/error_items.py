"""Evaluated rows with and without planted faults, for tests of error analyses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goldpan.error_analysis.items import ErrorItem, ErrorItems

LABELS = ("approve", "decline", "refer")
REGIONS = [f"region {number}" for number in range(10)]
CHANNELS = [f"channel {number}" for number in range(6)]
AGENTS = [f"agent {number}" for number in range(12)]
PRODUCTS = [f"product {number}" for number in range(12)]
BILLING = ["refund", "invoice", "charged", "twice", "billing", "credit", "statement"]
IRONY = ["sarcasm", "irony", "great", "wonderful", "lovely", "thanks", "bravo"]
_WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "st", "lk")]
_COMMON = _WORDS[:60]


@dataclass(frozen=True)
class Planted:
    """Rows, and what is wrong with them.

    Attributes:
        items: the rows.
        flipped: item ids of gold labels that were replaced by another.
        billing, irony: item ids of wrong rows of the two planted clusters.
    """

    items: ErrorItems
    flipped: frozenset[str]
    billing: frozenset[str]
    irony: frozenset[str]


def evaluated(
    seed: int,
    rows: int = 800,
    *,
    flips: float = 0.0,
    worse_region: float = 0.0,
    clusters: int = 0,
    sureness: float = 3.0,
) -> Planted:
    """Rows of 40 slices and six topics, with a model that is right as often as it says.

    Args:
        seed: of all that is drawn.
        rows: how many.
        flips: share of gold labels that are replaced by another.
        worse_region: how much less often the model is right in `region 3`, whatever it says.
        clusters: rows of each of two clusters in which it is mostly wrong, and does not know it.
        sureness: the middle logit of its confidence.
    """
    generator = np.random.default_rng(seed)
    topics = [generator.choice(_WORDS, 25, replace=False) for _ in range(6)]
    made: list[ErrorItem] = []
    flipped, planted = set(), {0: set(), 1: set()}
    order = generator.permutation(rows)
    for row in range(rows):
        cluster = int(order[row] // clusters) if clusters and order[row] < 2 * clusters else None
        data: dict[str, Any] = {
            "region": str(generator.choice(REGIONS)),
            "channel": str(generator.choice(CHANNELS)),
            "agent": str(generator.choice(AGENTS)),
            "product": str(generator.choice(PRODUCTS)),
            "text": _text(generator, topics, cluster),
        }
        # As of two classes of normal data, whose logits are spread like this (linear discriminant analysis).
        confidence = float(1 / (1 + np.exp(-abs(generator.normal(sureness, (2 * sureness) ** 0.5)))))
        chance = confidence - (worse_region if data["region"] == REGIONS[3] else 0.0)
        is_right = generator.random() < (0.2 if cluster is not None else chance)
        truth = int(generator.integers(3))
        said = truth if is_right else int((truth + generator.integers(1, 3)) % 3)
        gold = int((truth + generator.integers(1, 3)) % 3) if generator.random() < flips else truth
        made.append(evaluated_row(row, LABELS[gold], LABELS[said], confidence, data))
        if gold != truth:
            flipped.add(made[-1].item_id)
        if cluster is not None and gold != said:
            planted[cluster].add(made[-1].item_id)
    return Planted(of_rows(made), frozenset(flipped), frozenset(planted[0]), frozenset(planted[1]))


def evaluated_row(
    number: int, gold: str, said: str, confidence: float | None = None, data: Any = None, **changes: Any
) -> ErrorItem:
    """One evaluated row."""
    row = ErrorItem(
        item_id=f"item-{number:05}",
        id=f"notes/{number}",
        source="notes",
        file="a",
        data=data or {"text": f"note {number}"},
        gold=gold,
        predicted=said,
        gold_key=gold,
        predicted_key=said,
        state="ok",
        is_right=gold == said,
        confidence=None if confidence is None else round(confidence, 6),
        split="test",
    )
    return replace(row, **changes)


def of_rows(rows: Sequence[ErrorItem], model: str = "llm", **changes: Any) -> ErrorItems:
    """The rows of one model."""
    items = ErrorItems("decision", "classification", LABELS, model, tuple(rows))
    return replace(items, **changes)


def several_models(
    seed: int, models: int, rows: int = 600, *, flips: float = 0.0, hard: float = 0.0
) -> tuple[list[ErrorItems], frozenset[str]]:
    """Models of an accuracy of 85 % that err independently, and the item ids of flipped gold labels.

    Args:
        seed: of all that is drawn.
        models: how many.
        rows: how many.
        flips: share of gold labels that are replaced by another.
        hard: share of rows on which each model is wrong in half of all cases, and says so by a confidence of
            0.5, where elsewhere it says 0.9; without them no confidence is known.
    """
    generator = np.random.default_rng(seed)
    truth = generator.integers(3, size=rows)
    is_flipped = generator.random(rows) < flips
    gold = np.where(is_flipped, (truth + generator.integers(1, 3, rows)) % 3, truth)
    is_hard = generator.random(rows) < hard
    made = []
    for model in range(models):
        wrong = generator.random(rows) < np.where(is_hard, 0.5, 0.05 if hard else 0.15)
        said = np.where(wrong, (truth + generator.integers(1, 3, rows)) % 3, truth)
        sure = np.where(is_hard, 0.5, 0.9) if hard else [None] * rows
        of_model = [
            evaluated_row(row, LABELS[gold[row]], LABELS[said[row]], sure[row]) for row in range(rows)
        ]
        made.append(of_rows(of_model, f"model {model}"))
    return made, frozenset(f"item-{row:05}" for row in np.flatnonzero(is_flipped))


def _text(generator: np.random.Generator, topics: Sequence[np.ndarray], cluster: int | None) -> str:
    if cluster is None:
        words = [*generator.choice(topics[generator.integers(len(topics))], 8)]
    else:
        words = [*generator.choice((BILLING, IRONY)[cluster], 6)]
    words += [*generator.choice(_COMMON, 8)]
    generator.shuffle(words)
    return " ".join(words)
