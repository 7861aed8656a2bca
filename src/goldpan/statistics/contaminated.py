"""Probabilities held against labels of which some may be wrong: how many, and which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.statistics.label_measures import nan_ratio

_LEAST_DOUBT = 1e-6
"""Confidences are taken to be at least so far from 0 and 1, where their logits have no end."""
_MOST_NOISE = 0.5
_STARTS = (0.02, 0.1)
_SLOPES, _SHIFTS, _LOGITS = (0.2, 20.0), (-20.0, 20.0), (-12.0, 12.0)
"""Bounds of the fit: a confidence tells something, and its logit is at most five times too large."""


@dataclass(frozen=True)
class Contamination:
    """How many of n labels a recalibrated model finds wrong.

    Attributes:
        noise: share of labels that are not the true one; 0 where that explains nothing.
        p_value: of the hypothesis that none is, against more.
        flipped: chance that each label is a wrong one, shape (n,); of those that the model agrees with 0.
        expected: number of predictions that are wrong, and not their labels, where a disagreement makes a
            wrong label likelier than not.
    """

    noise: float
    p_value: float
    flipped: np.ndarray
    expected: float


def contamination(
    confidence: np.ndarray, agrees: np.ndarray, labels: int, design_effect: float = 1.0
) -> Contamination:
    """Tell wrong labels from wrong predictions.

    A model's confidence c says how often it is right, after a recalibration logit P = a logit c + b (Platt
    1999) that takes account of one that is too sure or not sure enough; or it says nothing at all. A label
    that was replaced by any other with probability e contradicts the model as often where it is sure:
    P(agrees) = (1 - e) P + e (1 - P) / (k - 1) (Copas 1988, J R Stat Soc B 50:225-265). e is tested by the
    likelihood ratio, whose distribution under e = 0 is half a point at 0 and half chi-squared with one degree
    of freedom (Self and Liang 1987, JASA 82:605-610).

    Where a recalibration of this form does not fit, as of a model that is as often wrong where it is surest
    of all, wrong predictions look like wrong labels; nothing but other evidence tells these apart.

    Args:
        confidence: the model's probability of what it says, shape (n,), 0 to 1.
        agrees: whether the label says the same, shape (n,).
        labels: number of labels, k, at least 2.
        design_effect: how many alike rows count as one; the likelihood ratio is divided by it.

    Raises:
        ValueError: a confidence is not between 0 and 1.
    """
    from scipy.special import chdtrc

    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("a confidence must lie between 0 and 1")
    clipped = np.clip(confidence, _LEAST_DOUBT, 1 - _LEAST_DOUBT)
    model = _Model(np.log(clipped / (1 - clipped)), np.asarray(agrees, dtype=bool), 1 / (labels - 1))
    clean = model.fit([1.0, 0.0])
    slope, shift = clean.x
    noisy = min(
        (model.fit([max(slope, 0.2) * 1.5, shift, _logit(start / _MOST_NOISE)]) for start in _STARTS),
        key=lambda fit: float(fit.fun),
    )
    ratio = max(0.0, 2 * float(min(clean.fun, model.constant()) - noisy.fun)) / design_effect
    p_value = 1.0 if ratio <= 0 else 0.5 * float(chdtrc(1, ratio))
    noise = _MOST_NOISE * _sigmoid(noisy.x[2]) if ratio > 0 else 0.0
    right = _sigmoid(noisy.x[0] * model.logits + noisy.x[1])
    # A model that says another label than gold: gold is wrong, or the model is.
    by_chance = (1 - right) * model.spread
    of_gold, of_model = noise * model.spread * (1 - by_chance), (1 - noise) * by_chance
    doubtful = nan_ratio(of_gold, of_gold + of_model)
    return Contamination(
        noise=float(noise),
        p_value=p_value,
        flipped=np.where(model.agrees, 0.0, np.nan_to_num(doubtful)),
        expected=float((1 - right)[doubtful >= 0.5].sum()),
    )


@dataclass(frozen=True)
class _Model:
    """The likelihood of agreement.

    Attributes:
        logits: of the confidences, shape (n,).
        agrees: shape (n,).
        spread: share of wrong predictions, or wrong labels, that fall on one label.
    """

    logits: np.ndarray
    agrees: np.ndarray
    spread: float

    def fit(self, start: list[float]) -> Any:
        """The most likely slope and shift, and, where three numbers are to start from, logit of the noise."""
        from scipy.optimize import minimize

        bounds = [_SLOPES, _SHIFTS, _LOGITS][: len(start)]
        return minimize(self.loss, start, jac=True, method="L-BFGS-B", bounds=bounds)

    def constant(self) -> float:
        """Negative log-likelihood where the confidence says nothing: the model is as often right at all."""
        share = float(np.clip(self.agrees.mean(), 1e-12, 1 - 1e-12))
        agreeing = int(self.agrees.sum())
        return -agreeing * math.log(share) - (len(self.agrees) - agreeing) * math.log1p(-share)

    def loss(self, at: np.ndarray) -> tuple[float, np.ndarray]:
        """Negative log-likelihood, and its gradient."""
        right = _sigmoid(at[0] * self.logits + at[1])
        relative = _sigmoid(at[2]) if len(at) > 2 else 0.0
        noise = _MOST_NOISE * relative
        agree = np.clip((1 - noise) * right + noise * (1 - right) * self.spread, 1e-12, 1 - 1e-12)
        outer = np.where(self.agrees, -1 / agree, 1 / (1 - agree))
        inner = outer * ((1 - noise) - noise * self.spread) * right * (1 - right)
        gradient = [float((inner * self.logits).sum()), float(inner.sum())]
        if len(at) > 2:
            of_noise = float((outer * ((1 - right) * self.spread - right)).sum())
            gradient.append(of_noise * noise * (1 - relative))
        loss = -np.where(self.agrees, np.log(agree), np.log1p(-agree)).sum()
        return float(loss), np.array(gradient)


def _sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-np.clip(values, -35, 35)))


def _logit(share: float) -> float:
    return math.log(share / (1 - share))
