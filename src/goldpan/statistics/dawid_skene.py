"""The true label from several annotators who err in their own ways (Dawid and Skene 1979, JRSS C 28:20-28).

Each annotator has a confusion matrix: the chance of each answer given the true label.
Expectation-maximisation finds the matrices, the labels' shares and each item's posterior over labels, all
at once. Sums run in log space, so that items with many answers do not underflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMOOTHING = 0.1
TOLERANCE = 1e-6
MOST_ITERATIONS = 1000


@dataclass(frozen=True)
class DawidSkene:
    """What expectation-maximisation found.

    Attributes:
        posteriors: chance of each label for each item, shape (n, k); rows sum to 1.
        shares: share of each label, shape (k,).
        confusions: chance of each answer given the true label, shape (m, k, k): annotator, truth, answer.
        iterations: how many were made.
        converged: whether the posteriors had come to rest by then.
    """

    posteriors: np.ndarray
    shares: np.ndarray
    confusions: np.ndarray
    iterations: int
    converged: bool


def dawid_skene(codes: np.ndarray, labels: int, smoothing: float = SMOOTHING) -> DawidSkene:
    """Estimate true labels from the answers of several annotators.

    It starts from the shares of the answers to each item. Which label is which stays fixed as long as
    annotators are more often right than not.

    Args:
        codes: shape (n, m): index of the label each annotator gave; below 0 is missing.
        labels: number of labels, k.
        smoothing: answers added to each cell of each annotator's matrix and to each label's share, so that an
            annotator with few answers is not taken for infallible.
    """
    answers = np.stack([codes == label for label in range(labels)], axis=2).astype(float)
    counts = answers.sum(1)
    with np.errstate(invalid="ignore"):
        posteriors = np.where(
            counts.sum(1, keepdims=True) > 0, counts / counts.sum(1, keepdims=True), 1 / labels
        )
    shares, confusions = _maximise(posteriors, answers, smoothing)
    iterations, converged = 0, False
    while not converged and iterations < MOST_ITERATIONS:
        before = posteriors
        posteriors = _expect(shares, confusions, answers)
        shares, confusions = _maximise(posteriors, answers, smoothing)
        iterations += 1
        converged = bool(np.abs(posteriors - before).max(initial=0.0) < TOLERANCE)
    return DawidSkene(posteriors, shares, confusions, iterations, converged)


def _maximise(posteriors: np.ndarray, answers: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares (k,) and confusion matrices (m, k, k) that suit the posteriors (n, k) best."""
    shares = posteriors.sum(0) + smoothing
    confusions = np.einsum("nt,nma->mta", posteriors, answers) + smoothing
    return shares / shares.sum(), confusions / confusions.sum(2, keepdims=True)


def _expect(shares: np.ndarray, confusions: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Posteriors (n, k) under the shares and matrices."""
    scores = np.log(shares) + np.einsum("nma,mta->nt", answers, np.log(confusions))
    scores -= scores.max(1, keepdims=True)
    chances = np.exp(scores)
    return chances / chances.sum(1, keepdims=True)
