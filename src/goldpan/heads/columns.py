"""The columns that heads add to a row of an annotated file, and how predictions fill them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson

from goldpan.heads.fused import TargetPrediction
from goldpan.heads.targets import Target
from goldpan.statistics.scales import is_number

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
        empty: the columns of a record of which nothing is predicted, as JSON text: all null.
    """

    def __init__(self, targets: Sequence[Target], probabilities: bool) -> None:
        self._probabilities = probabilities
        self.names = [name for target in targets for name in self._names(target)]
        self._template = b",".join(orjson.dumps(name).replace(b"%", b"%%") + b":%b" for name in self.names)
        self.empty = self._template % ((b"null",) * len(self.names))

    def texts(self, predictions: Sequence[TargetPrediction]) -> Iterator[bytes]:
        """The columns of each record as JSON text, such as `"score_quality":2.5,"label_topic":"law"`.

        Values are turned into text column by column, which is several times as fast as row by row.

        Args:
            predictions: of at least one record, target by target.
        """
        columns = (values for prediction in predictions for values in self._values(prediction))
        return map(self._template.__mod__, zip(*columns, strict=True))

    def _names(self, target: Target) -> list[str]:
        names = []
        if target.kind != "classification" or target.is_yes_no:
            names.append(f"score_{target.column}")
        if target.labels:
            names += [f"label_{target.column}", f"probability_{target.column}"]
            if self._probabilities:
                names.append(f"probabilities_{target.column}")
        return names

    def _values(self, prediction: TargetPrediction) -> Iterator[list[bytes]]:
        """The JSON texts of n values for each column of a target."""
        predicted, labels = prediction.predicted, prediction.target.labels
        if predicted.score is not None:
            yield _numbers(predicted.score)
        if predicted.label is not None and predicted.probabilities is not None:
            texts = [orjson.dumps(value) for value in _label_values(prediction.target)]
            yield [texts[place] for place in predicted.label.tolist()]
            yield _numbers(
                np.take_along_axis(predicted.probabilities, predicted.label[:, None], axis=1)[:, 0]
            )
            if self._probabilities:
                rows = _rounded(predicted.probabilities).tolist()
                yield [orjson.dumps(dict(zip(labels, row, strict=True))) for row in rows]


def _label_values(target: Target) -> list[Any]:
    """The labels as they are written: ordered numbers as numbers, all others as texts."""
    if target.kind == "ordinal" and all(map(is_number, target.labels)):
        numbers = [float(label) for label in target.labels]
        return [int(number) if number.is_integer() else number for number in numbers]
    return list(target.labels)


def _numbers(values: np.ndarray) -> list[bytes]:
    return orjson.dumps(_rounded(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _rounded(values: np.ndarray) -> np.ndarray:
    """Rounded for files; -0.0 becomes 0.0."""
    return np.ascontiguousarray(np.round(values, _DECIMALS) + 0.0)
