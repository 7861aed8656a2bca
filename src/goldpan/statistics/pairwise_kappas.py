"""Cohen's kappas of all pairs of annotators: of answers as they are, and under many weightings of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from goldpan.statistics.kappa import corrected, kappa_values


def pairwise_kappas(codes: np.ndarray, credit: np.ndarray) -> np.ndarray:
    """Cohen's kappa of each pair, shape (m, m), 1 on the diagonal; NaN where undefined.

    Args:
        codes: shape (n, m); below 0 is missing.
        credit: agreement weights, shape (k, k).
    """
    annotators, labels = codes.shape[1], len(credit)
    first, second = np.triu_indices(annotators, 1)
    # The tables of all pairs are counted at once: a cell has its pair, then both labels.
    of_first, of_second = codes.T[first].astype(np.int64), codes.T[second].astype(np.int64)
    cells = (np.arange(len(first))[:, None] * labels + of_first) * labels + of_second
    counts = np.bincount(cells[(of_first >= 0) & (of_second >= 0)], minlength=len(first) * labels**2)
    kappas = np.eye(annotators)
    values = kappa_values(counts.reshape(-1, labels, labels).astype(float), credit)
    kappas[first, second] = kappas[second, first] = values
    return kappas


class PairwiseKappas:
    """Cohen's kappas of all pairs of annotators, by several weightings at once.

    Args:
        codes: shape (u, m); below 0 is missing.
        credits: c agreement weights, each of shape (k, k).
    """

    def __init__(self, codes: np.ndarray, credits: Sequence[np.ndarray]):
        self._credits = credits
        self._pairs = [
            self._sums(codes[:, pair]) for pair in itertools.combinations(range(codes.shape[1]), 2)
        ]
        self._weights = self._means = np.empty(0)

    def _sums(self, codes: np.ndarray) -> np.ndarray:
        """What to sum over rows for a pair: items, credits, the labels of each; shape (u, 1 + c + 2k)."""
        both = np.asarray((codes >= 0).all(1))
        labels = np.arange(len(self._credits[0]))
        first, second = np.where(both[:, None], codes, 0).T
        columns = [np.ones((len(codes), 1)), *(credit[first, second][:, None] for credit in self._credits)]
        columns += [side[:, None] == labels for side in (first, second)]
        return np.concatenate(columns, axis=1) * both[:, None]

    def of_pairs(self, weights: np.ndarray) -> np.ndarray:
        """Kappas (pairs, c, b) under weights (b, u); NaN where undefined."""
        return np.stack([self._of_pair(weights @ columns) for columns in self._pairs])

    def _of_pair(self, sums: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            shares = sums[:, 1:] / sums[:, :1]
        number, labels = len(self._credits), len(self._credits[0])
        first, second = shares[:, number : number + labels], shares[:, number + labels :]
        chance = [((first @ credit) * second).sum(1) for credit in self._credits]
        return corrected(shares[:, :number].T, np.stack(chance))

    def mean(self, weights: np.ndarray, index: int) -> np.ndarray:
        """Mean over the pairs for which it is defined, of one weighting; shape (b,)."""
        # The coefficients of all weightings are asked for the same replicates, one after the other.
        if self._weights is not weights:
            each = self.of_pairs(weights)
            defined = ~np.isnan(each)
            with np.errstate(all="ignore"):
                self._means = np.where(defined, each, 0.0).sum(0) / defined.sum(0)
            self._weights = weights
        return self._means[index]
