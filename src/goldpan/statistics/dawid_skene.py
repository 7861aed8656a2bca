"""The true label from several annotators who err in their own ways (Dawid and Skene 1979, JRSS C 28:20-28).

Each annotator has a confusion matrix: the chance of each answer given the true label.
Expectation-maximisation finds the matrices, the labels' shares and each item's posterior over labels, all
at once. Sums run in log space, so that items with many answers do not underflow.

The full model has k - 1 + m k (k - 1) free parameters for m annotators and k labels. With few answers for
each of them it learns an item's label from that item's own answers, and its posteriors claim what nobody
knows. So there are two with less to learn: `one_coin` has one number for each annotator, and `shrunk` draws
each matrix towards that of `one_coin`. `annotator_model_choice` takes the one that foretells answers best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

AnnotatorModel = Literal["one_coin", "shrunk", "full"]

SMOOTHING = 0.1
TOLERANCE = 1e-6
MOST_ITERATIONS = 1000
SHRINKAGE = 20.0
"""Answers that the one-coin matrix is worth in each row of an annotator's matrix, in `shrunk`."""
ONE_COIN_SHRINKAGE = 50.0
"""Answers that the mean of all annotators is worth in the number of each, in `one_coin`. With fewer, and some
40 answers of each annotator, differences of chance between annotators outvote the majority."""
LEAST_FOR_SHARES, MOST_FOR_SHARES = 1.0, 20.0
"""Items that even shares of the labels are worth, in `one_coin` and `shrunk` (see `prior_of_shares`)."""
_ROUNDING = 1e-3

Maximise = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From posteriors (u, k) to the shares (k,) and confusions (m, k, k) that suit them best."""


@dataclass(frozen=True)
class DawidSkene:
    """What expectation-maximisation found.

    Attributes:
        posteriors: chance of each label for each item, shape (n, k); rows sum to 1.
        shares: share of each label, shape (k,).
        confusions: chance of each answer given the true label, shape (m, k, k): annotator, truth, answer.
        iterations: how many were made.
        converged: whether the posteriors had come to rest by then.
        log_likelihood: of all answers.
    """

    posteriors: np.ndarray
    shares: np.ndarray
    confusions: np.ndarray
    iterations: int
    converged: bool
    log_likelihood: float


def dawid_skene(codes: np.ndarray, labels: int, smoothing: float = SMOOTHING) -> DawidSkene:
    """Estimate true labels from the answers of several annotators, by the full model.

    It starts from the shares of the answers to each item. Which label is which stays fixed as long as
    annotators are more often right than not.

    Args:
        codes: shape (n, m): index of the label each annotator gave; below 0 is missing.
        labels: number of labels, k.
        smoothing: answers added to each cell of each annotator's matrix and to each label's share, so that an
            annotator with few answers is not taken for infallible.
    """
    answers = _Answers(codes, labels)
    return answers.maximised(answers.by_counts(smoothing, np.array(smoothing)), answers.shares_of_answers())


def one_coin(codes: np.ndarray, labels: int) -> DawidSkene:
    """The same with one number for each annotator: how often they see the true label; else they guess.

    Guesses are spread over all labels, either evenly (then the annotator is as often right whatever the
    label) or by the labels' shares among the answers; the one that makes the answers likelier is taken. An
    annotator's number has a beta prior around that of all, worth `ONE_COIN_SHRINKAGE` answers.

    Args:
        codes, labels: as for `dawid_skene`.
    """
    answers = _Answers(codes, labels)
    even = np.full(labels, 1 / labels)
    by_share = answers.counts.sum((0, 1)) + even
    guesses = [even, by_share / by_share.sum()]
    fits = [answers.maximised(answers.by_guesses(guess), answers.shares_of_answers()) for guess in guesses]
    return max(fits, key=lambda fit: fit.log_likelihood)


def shrunk(codes: np.ndarray, labels: int) -> DawidSkene:
    """The full model with a Dirichlet prior on each row of a matrix, around the annotator's one-coin matrix.

    The prior is worth `SHRINKAGE` answers a row (MAP estimate by expectation-maximisation).

    Args:
        codes, labels: as for `dawid_skene`.
    """
    answers, centre = _Answers(codes, labels), one_coin(codes, labels)
    prior = SHRINKAGE * centre.confusions + _ROUNDING
    of_shares = answers.prior_of_shares() / labels
    return answers.maximised(answers.by_counts(of_shares, prior), answers.of_patterns(centre.posteriors))


MODELS: dict[AnnotatorModel, Callable[[np.ndarray, int], DawidSkene]] = {
    "one_coin": one_coin,
    "shrunk": shrunk,
    "full": dawid_skene,
}
"""The models, those with less to learn first."""


def free_parameters(model: AnnotatorModel, annotators: int, labels: int) -> int:
    """How many numbers a model learns; `shrunk` learns as many as `full`, though it leans on its prior."""
    of_each = 1 if model == "one_coin" else labels * (labels - 1)
    return labels - 1 + annotators * of_each


def foretold(fit: DawidSkene, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors (n, k) and log-likelihoods (n,) of answers, codes (n, m), under a model fitted to others."""
    answers = _Answers(codes, len(fit.shares))
    posteriors, likelihoods = answers.expected(fit.shares, fit.confusions)
    return posteriors[answers.pattern_of_item], likelihoods[answers.pattern_of_item]


class _Answers:
    """Answers as patterns (u, m) that occur `weights` (u,) times: items answered alike have one posterior."""

    def __init__(self, codes: np.ndarray, labels: int):
        patterns, pattern_of_item, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
        self.pattern_of_item, self.weights = pattern_of_item.reshape(-1), counts.astype(float)
        self.labels, self.annotators = labels, codes.shape[1]
        one_hot = (patterns[:, :, None] == np.arange(labels)).astype(float)
        self.counts = one_hot * self.weights[:, None, None]
        self.one_hot = one_hot.reshape(len(patterns), self.annotators * labels)

    def of_patterns(self, posteriors: np.ndarray) -> np.ndarray:
        """Posteriors (u, k) from those of the items (n, k)."""
        items = np.empty(len(self.weights), dtype=int)
        items[self.pattern_of_item] = np.arange(len(self.pattern_of_item))
        return posteriors[items]

    def shares_of_answers(self) -> np.ndarray:
        """Share of the answers for each label, shape (u, k); even where there are none."""
        votes = self.one_hot.reshape(-1, self.annotators, self.labels).sum(1)
        answered = votes.sum(1, keepdims=True)
        return np.where(answered > 0, votes / np.maximum(answered, 1), 1 / self.labels)

    def prior_of_shares(self) -> float:
        """How many items even shares of the labels are worth.

        With one or two answers an item, expectation-maximisation drifts to a few labels: a label that is a
        little more frequent by chance wins ties, which makes it more frequent. So shares are drawn towards
        even ones, the more the less the answers' own shares differ from these by more than chance (as James
        and Stein 1961 shrink means, by k - 1 over chi-square, with one answer counted of each item).
        """
        of_labels = self.counts.sum((0, 1))
        items = float(self.weights[self.one_hot.any(1)].sum())
        if not items or self.labels < 2:
            return LEAST_FOR_SHARES
        off = of_labels / of_labels.sum() * self.labels - 1
        chi_square = items * float((off**2).mean())
        beyond_chance = max(chi_square - (self.labels - 1), 0.0)
        worth = items * (self.labels - 1) / beyond_chance if beyond_chance else MOST_FOR_SHARES
        return min(max(worth, LEAST_FOR_SHARES), MOST_FOR_SHARES)

    def by_counts(self, of_shares: float, of_confusions: np.ndarray) -> Maximise:
        """Shares and matrices as relative counts, with these answers added to each."""
        shape = (self.labels, self.annotators, self.labels)

        def maximise(posteriors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            expected = posteriors * self.weights[:, None]
            shares = expected.sum(0) + of_shares
            confusions = (expected.T @ self.one_hot).reshape(shape).swapaxes(0, 1) + of_confusions
            return shares / shares.sum(), confusions / confusions.sum(2, keepdims=True)

        return maximise

    def by_guesses(self, guess: np.ndarray) -> Maximise:
        """Shares, and matrices of annotators who see the label or guess by `guess` (k,)."""
        answered, of_shares = self.counts.sum((0, 2)), self.prior_of_shares() / self.labels
        sees = np.full(self.annotators, 0.7)

        def maximise(posteriors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            nonlocal sees
            shares = self.weights @ posteriors + of_shares
            right = np.einsum("ut,umt->mt", posteriors, self.counts)
            # Of the answers that are right some were guessed; the rest was seen.
            seen = (right * sees[:, None] / (sees[:, None] + (1 - sees[:, None]) * guess)).sum(1)
            of_all = (seen.sum() + 1) / (answered.sum() + 2)
            sees = (seen + ONE_COIN_SHRINKAGE * of_all) / (answered + ONE_COIN_SHRINKAGE)
            sees = np.clip(sees, _ROUNDING, 1 - _ROUNDING)
            by_annotator = sees[:, None, None]
            return shares / shares.sum(), by_annotator * np.eye(self.labels) + (1 - by_annotator) * guess

        return maximise

    def maximised(self, maximise: Maximise, posteriors: np.ndarray) -> DawidSkene:
        """Expectation-maximisation from posteriors (u, k) on, until they rest."""
        shares, confusions = maximise(posteriors)
        iterations, converged, likelihoods = 0, False, np.zeros(len(posteriors))
        while not converged and iterations < MOST_ITERATIONS:
            before = posteriors
            posteriors, likelihoods = self.expected(shares, confusions)
            shares, confusions = maximise(posteriors)
            iterations += 1
            converged = bool(np.abs(posteriors - before).max(initial=0.0) < TOLERANCE)
        log_likelihood = float(self.weights @ likelihoods)
        return DawidSkene(
            posteriors[self.pattern_of_item], shares, confusions, iterations, converged, log_likelihood
        )

    def expected(self, shares: np.ndarray, confusions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posteriors (u, k) under the shares and matrices, and the log-likelihood of each pattern, (u,)."""
        by_answer = np.log(confusions).swapaxes(1, 2).reshape(-1, self.labels)
        scores = np.log(shares) + self.one_hot @ by_answer
        highest = scores.max(1, keepdims=True)
        chances = np.exp(scores - highest)
        total = chances.sum(1, keepdims=True)
        return chances / total, (highest + np.log(total))[:, 0]
