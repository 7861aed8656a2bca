"""How far the answers agree that labels were made of: how noisy these are, where that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.as_json import AsJson
from goldpan.heads.targets import Target
from goldpan.statistics.alpha import AlphaByMetric, AlphaOnScale, krippendorff_alpha
from goldpan.statistics.distances import nominal
from goldpan.statistics.scales import is_number, value_text

FEWEST_RECORDS = 10
"""With fewer records that have two answers nothing is said."""


@dataclass(frozen=True)
class TargetAgreement(AsJson):
    """Agreement of the answers behind the labels.

    Attributes:
        alpha: Krippendorff's, of squared differences for numbers and ordered labels, else nominal; None where
            all answers are the same.
        records: how many have two answers or more.
    """

    alpha: float | None
    records: int


def label_agreement(target: Target, answers: Sequence[Sequence[Any]]) -> TargetAgreement | None:
    """The agreement of the answers behind the labels of a target; None with fewer than ten such records.

    Args:
        target: what the labels are of.
        answers: for each record its bare answers.
    """
    texts = [[value_text(value) for value in of_record] for of_record in answers if len(of_record) > 1]
    if len(texts) < FEWEST_RECORDS:
        return None
    values = sorted({text for of_record in texts for text in of_record})
    places = {text: place for place, text in enumerate(values)}
    codes = np.full((len(texts), max(map(len, texts))), -1)
    for row, of_record in enumerate(texts):
        codes[row, : len(of_record)] = [places[text] for text in of_record]
    positions = _positions(target, values)
    alpha = (
        AlphaByMetric(codes, len(values), nominal(len(values)))
        if positions is None
        else AlphaOnScale(codes, len(values), positions)
    )
    value = krippendorff_alpha(alpha, "alpha").value
    return TargetAgreement(None if value is None else round(value, 6), len(texts))


def _positions(target: Target, values: Sequence[str]) -> np.ndarray | None:
    """Numbers for the values, as far as the target has an order and they fit it."""
    if target.kind == "classification":
        return None
    if all(is_number(value) for value in values):
        return np.array([float(value) for value in values])
    if set(values) <= set(target.labels):
        return np.array([float(target.labels.index(value)) for value in values])
    return None
