"""What a head predicts: each target's kind and labels, and how its values become numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldpan.errors import HeadError, SheetError
from goldpan.statistics.scales import Scale, is_number, positions, value_text
from goldpan.study.head import Target as TargetSettings
from goldpan.study.head import TargetKind

if TYPE_CHECKING:
    import numpy as np

YES_NO = ("no", "yes")
_MOST_LABELS = 1000


@dataclass(frozen=True)
class Target:
    """One thing a head predicts.

    Attributes:
        name: as the study calls it.
        column: what its columns in annotated files are called, as in `score_<column>`.
        kind: `regression`, `ordinal` or `classification`.
        labels: K labels of an ordinal or classification target, in their order; empty for a regression.
    """

    name: str
    column: str
    kind: TargetKind
    labels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many outputs of the network belong to it: one logit a label, else one number."""
        return len(self.labels) if self.kind == "classification" else 1

    @property
    def thresholds(self) -> int:
        """How many thresholds part its labels on one scale, for `ordinal`; else 0."""
        return len(self.labels) - 1 if self.kind == "ordinal" else 0

    @property
    def is_yes_no(self) -> bool:
        """Whether it says if something holds, so that the probability of `yes` is its score."""
        return self.kind == "classification" and self.labels == YES_NO

    @property
    def positions(self) -> np.ndarray:
        """Places of the labels, shape (K,): the numbers they are, else 0, 1, 2, ..."""
        return positions(self.labels)

    def encode(self, values: Sequence[Any], ids: Sequence[str]) -> np.ndarray:
        """Values as float64, shape (n,): numbers, or places among the labels; NaN for None.

        Args:
            values: bare values; None where there is none.
            ids: of their records, for errors.

        Raises:
            HeadError: a value is no number, or no label of this target.
        """
        import numpy as np

        places = {label: place for place, label in enumerate(self.labels)}
        encoded = np.full(len(values), np.nan)
        for row, (value, id) in enumerate(zip(values, ids, strict=True)):
            if value is None:
                continue
            if self.kind == "regression":
                encoded[row] = _number(value, self.name, id)
                continue
            label = value_text(value)
            if label not in places:
                raise HeadError(
                    f"{label!r} is not among the labels of the target `{self.name}`",
                    where=f"record {id!r}",
                    remedy=f"its labels are {', '.join(self.labels)}; correct `labels` of the target",
                )
            encoded[row] = places[label]
        return encoded


def resolve_target(name: str, column: str, settings: TargetSettings, values: Sequence[Any]) -> Target:
    """The target with its kind and labels, as far as the study leaves them to the values.

    Args:
        name: of the target.
        column: what annotated files call it.
        settings: what the study says.
        values: all values that are not None.

    Raises:
        HeadError: no value, values of which nothing can be learned, or labels without an order.
    """
    if not values:
        raise HeadError(
            "no record has both a label and an embedding",
            where=f"target `{name}`",
            remedy="check `field` of the target, and that the labels are about records of this embedding",
        )
    kind = settings.kind
    if kind == "auto":
        numbers = settings.labels is None and all(_is_number(value) for value in values)
        kind = "regression" if numbers else "classification"
    if kind == "regression":
        return Target(name, column, kind)
    labels = tuple(settings.labels or _occurring(name, kind, values))
    if len(labels) < 2:
        raise HeadError(
            f"all records have the label {labels[0]!r}", where=f"target `{name}`", remedy="add other labels"
        )
    if len(labels) > _MOST_LABELS:
        raise HeadError(
            f"it has {len(labels)} different labels, more than {_MOST_LABELS}",
            where=f"target `{name}`",
            remedy="use `kind: regression` for numbers",
        )
    return Target(name, column, kind, labels)


def _occurring(name: str, kind: TargetKind, values: Sequence[Any]) -> tuple[str, ...]:
    """The labels that occur, in their order."""
    occurring = {value_text(_single(value, name)) for value in values}
    if kind == "classification" and occurring <= set(YES_NO):
        return YES_NO
    try:
        ordered = Scale("ordered" if kind == "ordinal" else "nominal").categories(occurring)
    except SheetError:
        raise HeadError(
            "its labels have no order by themselves",
            where=f"target `{name}`",
            remedy="give `labels` of the target, all of them in their order",
        ) from None
    return tuple(str(label) for label in ordered)


def _single(value: Any, name: str) -> Any:
    if isinstance(value, list | dict):
        raise HeadError(
            "its values are lists or objects, of which a head learns nothing",
            where=f"target `{name}`",
            remedy="learn from a binary, classification or score feature",
        )
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, name: str, id: str) -> float:
    number = math.nan
    if _is_number(value) or (isinstance(value, str) and is_number(value)):
        number = float(value)
    if not math.isfinite(number):
        raise HeadError(
            f"{value!r} is not a number", where=f"target `{name}`, record {id!r}", remedy="use another `kind`"
        )
    return number
