"""Two models on the same items: which is better, and whether the difference could be chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldpan.as_json import AsJson
from goldpan.evaluation.coding import CodedPredictions, FeatureValues
from goldpan.evaluation.measured import measured
from goldpan.statistics.figures import Figure, Measures
from goldpan.statistics.joined_measures import Difference, PickedMeasures
from goldpan.statistics.marginal_homogeneity import exact_mcnemar_p_value
from goldpan.statistics.sampling_design import Design


@dataclass(frozen=True)
class McNemar(AsJson, json_names={"only_first": "only_first_right", "only_second": "only_second_right"}):
    """McNemar's test of whether two models are right equally often (1947, Psychometrika 12:153-157).

    Attributes:
        only_first, only_second: items that only the one or only the other has right.
        p_value: exact and two-sided, from the binomial distribution; 1 where they never differ.
    """

    only_first: int
    only_second: int
    p_value: float

    @classmethod
    def of(cls, first_right: np.ndarray, second_right: np.ndarray) -> McNemar:
        """The test of whether each model is right on each item, each of shape (n,)."""
        only_first = int((first_right & ~second_right).sum())
        only_second = int((second_right & ~first_right).sum())
        return cls(only_first, only_second, exact_mcnemar_p_value(only_first, only_second))


@dataclass(frozen=True)
class Comparison(AsJson):
    """Two models on the same items.

    Attributes:
        first, second: their names.
        items: items compared.
        mcnemar: test on exactly right answers; of the items as they are, without weights.
        differences: of each figure, first minus second, with intervals from a paired bootstrap.
    """

    first: str
    second: str
    items: int
    mcnemar: McNemar
    differences: tuple[Figure, ...]


def compare(
    names: tuple[str, str], coded: CodedPredictions, values: FeatureValues, design: Design
) -> Comparison:
    """Compare two models.

    Args:
        names: of the models.
        coded: gold values, first and second predictions.
        values: of the feature.
        design: of the same items.
    """
    right = values.right(coded)
    differences = measured(
        coded.codes, coded.possible_gold_codes, values, design, _differences(coded, values)
    )
    return Comparison(*names, len(right), McNemar.of(right[:, 0], right[:, 1]), differences)


def difference(name: str, coded: CodedPredictions, values: FeatureValues, design: Design) -> Figure:
    """One figure of the first predictions less that of the second, with an interval from a paired bootstrap.

    Args:
        name: of the figure, one that suits the feature.
        coded, values, design: as for `compare`.
    """
    of_all = _differences(coded, values)
    (found,) = measured(
        coded.codes,
        coded.possible_gold_codes,
        values,
        design,
        lambda rows: PickedMeasures(of_all(rows), (name,)),
    )
    return found


def _differences(coded: CodedPredictions, values: FeatureValues) -> Callable[[np.ndarray], Measures]:
    measures = values.measures(coded)
    return lambda rows: Difference(measures(rows[:, [0, 1]]), measures(rows[:, [0, 2]]))
