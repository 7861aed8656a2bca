"""What comes of taking a wave into a golden set, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ChangedAnswer:
    """A right answer that people changed.

    Attributes:
        id: of the row.
        feature: which answer.
        before, after: as JSON values; `before` is None where the row had none.
    """

    id: str
    feature: str
    before: Any
    after: Any


@dataclass
class GoldenVersion:
    """What came of taking a wave into a golden set.

    Attributes:
        read: the version that was there before, relative to the project root.
        file: the version that has all that people decided.
        number: of that version.
        is_new: whether it was written, or would be.
        changed: right answers that are others now.
        confirmed: answers on which people agree with the golden set.
        added: ids of rows that the golden set did not have.
        kept: id -> why the row, or a part of it, stays as it was, or is not added.
        not_added: those of `kept` that the golden set does not have.
        taken_before: ids of rows that have what was decided from an earlier time.
        rows: of the golden set before, by what became of each: `changed`, `confirmed`, `taken over before`,
            `left as they are`, `not in the wave`.
        notes: what else is to be known.
    """

    read: str = ""
    file: str = ""
    number: int = 0
    is_new: bool = False
    changed: list[ChangedAnswer] = field(default_factory=list)
    confirmed: int = 0
    added: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    not_added: set[str] = field(default_factory=set)
    taken_before: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count_rows(self, names: Collection[str], covered: Collection[str]) -> None:
        """Count each row of the golden set once.

        Args:
            names: ids of its rows.
            covered: ids of the rows of the wave.
        """
        changed = {change.id for change in self.changed}
        counts: Counter[str] = Counter()
        for name in names:
            if name in changed:
                counts["changed"] += 1
            elif name in self.kept:
                counts["left as they are"] += 1
            elif name in self.taken_before:
                counts["taken over before"] += 1
            else:
                counts["confirmed" if name in covered else "not in the wave"] += 1
        outcomes = ("changed", "confirmed", "taken over before", "left as they are", "not in the wave")
        self.rows = {outcome: counts[outcome] for outcome in outcomes}
