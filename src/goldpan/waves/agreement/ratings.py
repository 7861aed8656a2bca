"""The answers of several annotators to one feature as an array of codes, joined by item id."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.statistics.scales import Scale
from goldpan.waves.codebook import CANNOT_TELL

Ratings = Mapping[str, Mapping[str, Any]]
"""item id -> annotator -> value; None = abstained; not there = not answered."""


@dataclass(frozen=True)
class CodedRatings:
    """Ratings as codes.

    Attributes:
        items: item ids, sorted, n of them.
        annotators: m names.
        categories: the distinct values (texts, frozensets, tuples); None stands for an abstention.
        codes: shape (n, m), index into `categories`; -1 where there is no answer to compare.
        abstained: shape (m,): abstentions of each annotator.
        answered: shape (m,): items each annotator answered, abstentions included.
        groups: shape (n,): the group of each item as a number; None where each item stands for itself.
    """

    items: tuple[str, ...]
    annotators: tuple[str, ...]
    categories: tuple[Hashable | None, ...]
    codes: np.ndarray
    abstained: np.ndarray
    answered: np.ndarray
    groups: np.ndarray | None = None

    @property
    def labels(self) -> list[str]:
        """The categories as shown to people."""
        return [CANNOT_TELL if category is None else str(category) for category in self.categories]

    @property
    def paired_items(self) -> int:
        """Items that two or more answered."""
        return int(((self.codes >= 0).sum(1) >= 2).sum())


def code_ratings(
    ratings: Ratings,
    scale: Scale,
    annotators: Sequence[str] | None = None,
    group_of_item: Mapping[str, str] | None = None,
) -> CodedRatings:
    """Code ratings of one feature.

    On a nominal scale an abstention is a label like any other: two who both say "the text does not say"
    agree. On other kinds it has no distance to anything, so it is left out of the comparison and
    counted in `abstained`.

    Args:
        ratings: item id -> annotator -> value.
        scale: what kind of values they are.
        annotators: whom to compare, in this order; default all that occur, sorted.
        group_of_item: item id -> group, if items of one group may be alike.

    Raises:
        SheetError: a value does not fit the scale.
    """
    if annotators is None:
        annotators = sorted({name for answers in ratings.values() for name in answers})
    keys = {
        (item, name): None if answers[name] is None else scale.key(answers[name])
        for item, answers in ratings.items()
        for name in annotators
        if name in answers
    }
    categories: tuple[Hashable | None, ...] = scale.categories(
        key for key in keys.values() if key is not None
    )
    if scale.kind == "nominal" and None in keys.values():
        categories = (*categories, None)
    index = {key: number for number, key in enumerate(categories)}
    items = tuple(sorted(ratings))
    rows = {item: row for row, item in enumerate(items)}
    columns = {name: column for column, name in enumerate(annotators)}
    codes = np.full((len(items), len(annotators)), -1, dtype=np.int32)
    abstained, answered = np.zeros(len(annotators), dtype=int), np.zeros(len(annotators), dtype=int)
    for (item, name), key in keys.items():
        answered[columns[name]] += 1
        abstained[columns[name]] += key is None
        codes[rows[item], columns[name]] = index.get(key, -1)
    groups = None
    if group_of_item is not None and items:
        groups = np.unique([group_of_item[item] for item in items], return_inverse=True)[1].reshape(-1)
    return CodedRatings(items, tuple(annotators), categories, codes, abstained, answered, groups)
