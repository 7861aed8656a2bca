"""Items that may be alike because they come from one file, conversation or author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goldpan.statistics.samples import FEWEST_UNITS


@dataclass(frozen=True)
class ItemGroups:
    """Which items belong together.

    Attributes:
        name: of what they have in common, e.g. `data.conversation`.
        of_item: item id -> group; an item of its own has a group of its own.
    """

    name: str
    of_item: Mapping[str, str]

    @property
    def _number(self) -> int:
        return len(set(self.of_item.values()))

    @property
    def drawn_together(self) -> Mapping[str, str] | None:
        """item id -> group; None where no items share one, or there are too few groups to draw from."""
        return self.of_item if FEWEST_UNITS <= self._number < len(self.of_item) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        number, items = self._number, len(self.of_item)
        if number == items:
            return ()
        come = f"The {items:,} items come in {number:,} group{'s' if number > 1 else ''} by `{self.name}`"
        if number < FEWEST_UNITS:
            return (
                f"{come}, too few to draw groups again: intervals take each item for itself, and are too "
                "narrow where items of a group are alike.",
            )
        return (
            f"{come}. Intervals and standard errors draw groups as a whole, so they hold where items of a "
            "group are alike; p-values take each item for itself, and are too small there.",
        )
