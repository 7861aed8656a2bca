"""The columns that heads add to a row of an annotated file, and how predictions fill them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from goldpan.heads.fused import TargetPrediction
from goldpan.heads.targets import Target
from goldpan.waves.agreement.scales import is_number

_DECIMALS = 6


class Columns:
    """The columns of some targets.

    A target has `score_<column>` (a number; the expected place of ordered labels; the probability of `yes`),
    `label_<column>` and `probability_<column>`, that of the label; and if asked for `probabilities_<column>`,
    label by label. A regression has only the first, labels without an order all but the first.

    Args:
        targets: in their order.
        probabilities: whether to write those of all labels.

    Attributes:
        names: of all columns, in their order.
        empty: null for each.
    """

    def __init__(self, targets: Sequence[Target], probabilities: bool) -> None:
        self._probabilities = probabilities
        self.names = [name for target in targets for name in self._names(target)]
        self.empty: dict[str, Any] = dict.fromkeys(self.names)

    def rows(self, predictions: Sequence[TargetPrediction]) -> Iterator[tuple[Any, ...]]:
        """The values of all columns, record by record.

        Args:
            predictions: of n records, target by target.
        """
        return zip(*(values for one in predictions for values in self._values(one)), strict=True)

    def _names(self, target: Target) -> list[str]:
        names = []
        if target.kind != "classification" or target.is_yes_no:
            names.append(f"score_{target.column}")
        if target.labels:
            names += [f"label_{target.column}", f"probability_{target.column}"]
            if self._probabilities:
                names.append(f"probabilities_{target.column}")
        return names

    def _values(self, prediction: TargetPrediction) -> list[list[Any]]:
        """A list of n values for each column of a target."""
        predicted = prediction.predicted
        found: list[list[Any]] = []
        if predicted.score is not None:
            found.append(_rounded(predicted.score))
        if predicted.label is not None and predicted.probabilities is not None:
            labels = _label_values(prediction.target)
            found.append([labels[place] for place in predicted.label.tolist()])
            own = np.take_along_axis(predicted.probabilities, predicted.label[:, None], axis=1)
            found.append(_rounded(own[:, 0]))
            if self._probabilities:
                texts = prediction.target.labels
                rows = _rounded(predicted.probabilities)
                found.append([dict(zip(texts, row, strict=True)) for row in rows])
        return found


def _label_values(target: Target) -> list[Any]:
    """The labels as they are written: ordered numbers as numbers, all others as texts."""
    if target.kind == "ordinal" and all(map(is_number, target.labels)):
        numbers = [float(label) for label in target.labels]
        return [int(number) if number.is_integer() else number for number in numbers]
    return list(target.labels)


def _rounded(values: np.ndarray) -> list[Any]:
    return np.round(values, _DECIMALS).tolist()
