"""What a local classifier says of a record, whichever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from goldpan.records.model import Record

DECIMALS = 6
"""Scores are rounded as they are written, so that a threshold means the same in the file and here."""


class RecordScore(NamedTuple):
    """What a classifier says.

    Attributes:
        label: the likeliest label; None where there are none, or no score.
        score: how likely the record is what is sought, or the number itself; None where nothing can be said.
        reason: why there is no score.
    """

    label: str | None
    score: float | None
    reason: str | None = None


class Scorer(Protocol):
    """A classifier of records.

    Attributes:
        name: it, in words, for reasons: "the head `x`".
        lowest, highest: of its scores.
    """

    name: str
    lowest: float
    highest: float

    def scores(self, records: Iterable[Record]) -> Iterator[RecordScore]:
        """What is said of each record, in their order."""
        ...
