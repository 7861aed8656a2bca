"""What a wave is expected to look like, as answers that can be simulated.

Each item has a true label, and annotators answer it independently of each other. On a nominal scale they see
the label or guess by the labels' shares, which gives any two of them the table p_ij = kappa [i = j] p_i +
(1 - kappa) p_i p_j. On an ordered scale (weights linear or quadratic) they miss by few steps: given the label
t they answer i with a chance that falls with (i - t)^2, so that disagreements are between neighbours. That is
the uniform association model (Goodman 1979, J Am Stat Assoc 74:537-552), with as much association as the
expected weighted kappa takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from goldpan.errors import StudyError
from goldpan.statistics.kappa import kappa_values
from goldpan.statistics.weights import LINEAR, UNWEIGHTED, agreement_weights
from goldpan.waves.sampling.overlap import OverlapPlan

Measure = Literal["kappa", "alpha", "accuracy", "recall", "f1"]
OF_PREDICTIONS: frozenset[Measure] = frozenset({"accuracy", "recall", "f1"})
"""Measures of an LLM against the wave's gold labels; the others are of annotators among themselves."""
USUAL_VALUE: dict[Measure, float] = {"kappa": 0.6, "alpha": 0.6, "accuracy": 0.8, "recall": 0.8, "f1": 0.8}


@dataclass(frozen=True)
class Expectation:
    """What is reckoned with.

    Attributes:
        shares: share of each label, sums to 1; for a binary feature of prevalence p: (1 - p, p).
        value: the true value of the measure; kappa and alpha: 0 <= value < 1; the others: 0 < value < 1.
        weighting: `unweighted`, `linear` or `quadratic`; with the last two labels are in even steps.
        annotators: how many there are.
        measure: what is to be known. `kappa` is Cohen's for two annotators; for more Fleiss', or weighted the
            mean over pairs. `alpha` is nominal, and with quadratic weights of interval data. `recall` and
            `f1` are about the last label, which is predicted as often as it is there.
        overlap: how many of the annotators answer each item; None for all.

    Raises:
        StudyError: the numbers are no shares, a value is out of bounds, or the parts do not go together.
    """

    shares: tuple[float, ...]
    value: float
    weighting: str = UNWEIGHTED
    annotators: int = 2
    measure: Measure = "kappa"
    overlap: int | None = None

    def __post_init__(self) -> None:
        if len(self.shares) < 2 or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise StudyError(f"label shares must be above 0 and sum to 1, not {list(self.shares)}")
        if self.measure in OF_PREDICTIONS:
            self._check_predictions()
        elif not 0 <= self.value < 1:
            raise StudyError(f"the {self.measure} to expect must be at least 0 and below 1, not {self.value}")
        elif self.annotators < 2:
            raise StudyError(f"agreement needs at least 2 annotators, not {self.annotators}")
        elif self.overlap is not None and not 2 <= self.overlap <= self.annotators:
            raise StudyError(f"each item is answered by 2 to {self.annotators}, not by {self.overlap}")
        if self.measure == "alpha" and self.weighting == LINEAR:
            raise StudyError("alpha has no linear weights", remedy="use quadratic ones, or none")

    def _check_predictions(self) -> None:
        if not 0 < self.value < 1:
            raise StudyError(f"the {self.measure} to expect must be between 0 and 1, not {self.value}")
        if self.weighting != UNWEIGHTED:
            raise StudyError(f"{self.measure} has no weights", remedy="leave the weights out")
        last = self.shares[-1]
        if self.measure != "accuracy" and (1 - self.value) * last > 1 - last:
            raise StudyError(
                f"a label at {last:g} cannot be predicted as often as it is there with a {self.measure} of "
                f"{self.value:g}",
                remedy="give a smaller prevalence",
            )

    @property
    def weights(self) -> np.ndarray:
        """Agreement weights, shape (k, k)."""
        return agreement_weights(self.weighting, range(len(self.shares)))

    @property
    def table(self) -> np.ndarray:
        """Share of items in each cell of the table of two annotators, shape (k, k)."""
        return _table(np.array(self.shares), self.given_truth)

    @cached_property
    def given_truth(self) -> np.ndarray:
        """Chance of each answer, or prediction, given the true label, shape (k, k); rows sum to 1."""
        shares = np.array(self.shares)
        labels = len(shares)
        if self.measure == "accuracy":
            wrong = (1 - np.eye(labels)) / (labels - 1)
            return self.value * np.eye(labels) + (1 - self.value) * wrong
        if self.measure in OF_PREDICTIONS:
            false_alarm = (1 - self.value) * shares[-1] / (1 - shares[-1])
            return np.array([[1 - false_alarm, false_alarm], [1 - self.value, self.value]])
        if self.weighting == UNWEIGHTED:
            sees = np.sqrt(self.value)
            return sees * np.eye(labels) + (1 - sees) * shares
        return self._neighbours(shares)

    def _neighbours(self, shares: np.ndarray) -> np.ndarray:
        low, high = 0.0, 1.0
        while self._kappa(_associated(shares, high)) < self.value:
            low, high = high, 2 * high
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if self._kappa(_associated(shares, middle)) < self.value else (low, middle)
            )
        return _associated(shares, high)

    def _kappa(self, given_truth: np.ndarray) -> float:
        return float(kappa_values(_table(np.array(self.shares), given_truth), self.weights))

    def simulated(self, items: int, generator: np.random.Generator) -> np.ndarray:
        """A wave: codes (n, m) of the annotators' answers, -1 where an item is not given to one, or codes
        (n, 2) of gold label and prediction."""
        shares, given_truth = np.array(self.shares), self.given_truth
        if self.measure in ("recall", "f1"):
            shares = np.array([1 - shares[-1], shares[-1]])
        truth = generator.choice(len(shares), p=shares / shares.sum(), size=items)
        answerers = 1 if self.measure in OF_PREDICTIONS else self.annotators
        draws = generator.random((items, answerers, 1))
        answers = (draws > given_truth[truth][:, None].cumsum(2)[:, :, :-1]).sum(2)
        if self.measure in OF_PREDICTIONS:
            return np.column_stack([truth, answers])
        if self.overlap is None or self.overlap == self.annotators:
            return answers
        return np.where(_given_out(items, self.annotators, self.overlap), answers, -1)


def expectation(
    labels: int,
    value: float | None = None,
    prevalence: float | None = None,
    weighting: str = UNWEIGHTED,
    annotators: int = 2,
    measure: Measure = "kappa",
    overlap: int | None = None,
) -> Expectation:
    """An expectation from few numbers.

    Args:
        labels: number of labels, k.
        value: the true value of the measure; default 0.6 for kappa and alpha, 0.8 for the others.
        prevalence: share of the rarest label that matters; the others share the rest evenly. Without it all
            labels are as frequent.
        weighting, annotators, measure, overlap: as for `Expectation`.

    Raises:
        StudyError: as for `Expectation`.
    """
    if labels < 2:
        raise StudyError(f"agreement needs at least 2 labels, not {labels}")
    value = USUAL_VALUE[measure] if value is None else value
    shares = (1 / labels,) * labels
    if prevalence is not None:
        shares = ((1 - prevalence) / (labels - 1),) * (labels - 1) + (prevalence,)
    return Expectation(shares, value, weighting, annotators, measure, overlap)


@lru_cache(maxsize=4)
def _given_out(items: int, annotators: int, overlap: int) -> np.ndarray:
    """Whether each item (n, m) is given to each annotator, dealt as waves deal theirs."""
    names = [str(number) for number in range(annotators)]
    deal = OverlapPlan(names, overlap, repeats=0, seed=0)
    return np.array([np.isin(names, deal.assign(str(item))[0]) for item in range(items)])


def _table(shares: np.ndarray, given_truth: np.ndarray) -> np.ndarray:
    return given_truth.T @ (shares[:, None] * given_truth)


def _associated(shares: np.ndarray, association: float) -> np.ndarray:
    """Chances of answers given the truth that fall with the squared distance; both have these shares."""
    places = np.arange(len(shares))
    kernel = np.exp(-association * (places[:, None] - places) ** 2)
    factors = np.sqrt(shares)
    # Scaled until the margins are the shares (Sinkhorn 1967, for a symmetric matrix).
    for _ in range(200):
        factors = np.sqrt(factors * shares / (kernel @ factors))
    joint = factors[:, None] * kernel * factors
    return joint / joint.sum(1, keepdims=True)
