"""Two models on the same items: which is better, and whether the difference could be chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldpan.as_json import AsJson
from goldpan.evaluation.coding import CodedPredictions, FeatureValues
from goldpan.statistics.figures import Figure, figures
from goldpan.statistics.joined_measures import Difference
from goldpan.statistics.marginal_homogeneity import exact_mcnemar_p_value
from goldpan.statistics.samples import sample_of_predictions
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
    sample = sample_of_predictions(coded.codes, design, coded.possible_gold_codes)
    measures = values.measures(coded)
    both = Difference(measures(sample.codes[:, [0, 1]]), measures(sample.codes[:, [0, 2]]))
    right = values.right(coded)
    return Comparison(*names, len(right), McNemar.of(right[:, 0], right[:, 1]), figures(sample, both))
