"""What kind of labels a plain table holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from goldpan.plain_tables.table import TableAnswers
from goldpan.statistics.scales import Scale, is_number

ScaleChoice = Literal["auto", "nominal", "ordered"]


@dataclass(frozen=True)
class Values:
    """What kind of labels a plain table holds.

    Attributes:
        scale: `auto` takes three or more different numbers for an ordered scale, all else for nominal labels.
        order: the labels from lowest to highest; makes the scale ordered.
    """

    scale: ScaleChoice = "auto"
    order: tuple[str, ...] | None = None

    def scale_of(self, labels: Iterable[str]) -> Scale:
        """The scale of a feature with these labels."""
        if self.order is not None:
            return Scale("ordered", self.order)
        distinct = set(labels)
        if self.scale == "ordered" or (
            self.scale == "auto" and len(distinct) > 2 and all(map(is_number, distinct))
        ):
            return Scale("ordered")
        return Scale("nominal")

    def scale_in(self, table: TableAnswers, feature: str) -> Scale:
        """The scale of a feature of a table, by all labels it was answered with."""
        answers = (
            label for by_annotator in table.ratings[feature].values() for label in by_annotator.values()
        )
        return self.scale_of(label for label in answers if label is not None)
