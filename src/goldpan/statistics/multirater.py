"""Chance-corrected agreement of any number of annotators, with missing answers.

Items come as counts, shape (u, k): how many annotators gave item u label k. Several items with the same
answers may stand as one row with a weight; `weights` of shape (b, u) hold b weightings at once, which is
how bootstrap replicates are made. With agreement weights the forms are those of Gwet (2014), Handbook of
Inter-Rater Reliability, 4th edition, which give the classic ones when nobody is missing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from goldpan.as_json import finite
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.kappa import corrected

NO_PAIRS = "no item was answered by two annotators"
ONE_LABEL = "only one label was used, so agreement by chance alone is certain"
Expected = Callable[[np.ndarray, np.ndarray], np.ndarray]


def label_counts(codes: np.ndarray, labels: int) -> np.ndarray:
    """Counts (items, k) from codes (items, annotators); codes below 0 are missing."""
    counts = np.zeros((len(codes), labels))
    for column in codes.T:
        answered = np.flatnonzero(column >= 0)
        counts[answered, column[answered]] += 1
    return counts


def item_agreement(counts: np.ndarray, credit: np.ndarray | None = None) -> np.ndarray:
    """Share of agreeing pairs of each item, shape (u,); NaN where fewer than two answered.

    Args:
        counts: shape (u, k).
        credit: agreement weights (k, k); None for the identity.
    """
    answers = counts.sum(1)
    credited = counts if credit is None else counts @ credit
    with np.errstate(all="ignore"):
        share = (counts * (credited - 1)).sum(1) / (answers * (answers - 1))
    return np.where(answers >= 2, share, np.nan)


def exact_agreement(codes: np.ndarray) -> np.ndarray:
    """The same from codes (u, m), for values too many to count by: shape (u,)."""
    same, pairs = np.zeros(len(codes)), np.zeros(len(codes))
    for first, second in itertools.combinations(codes.T, 2):
        both = (first >= 0) & (second >= 0)
        pairs += both
        same += both & (first == second)
    with np.errstate(all="ignore"):
        return same / pairs


def observed_values(counts: np.ndarray, weights: np.ndarray, credit: np.ndarray | None = None) -> np.ndarray:
    """Mean of the items' agreement under each weighting, shape (b,)."""
    return mean_of_items(item_agreement(counts, credit), weights)


def mean_of_items(share: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of the items' shares (u,) that are not NaN under each weighting, shape (b,)."""
    paired = ~np.isnan(share)
    with np.errstate(all="ignore"):
        return (weights[:, paired] @ share[paired]) / weights[:, paired].sum(1)


def label_shares(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of each label, every item counting alike, shape (b, k)."""
    answers = counts.sum(1)
    answered = answers > 0
    shares = counts[answered] / answers[answered][:, None]
    with np.errstate(all="ignore"):
        return (weights[:, answered] @ shares) / weights[:, answered].sum(1)[:, None]


def fleiss_expected(shares: np.ndarray, credit: np.ndarray) -> np.ndarray:
    """Chance agreement of Fleiss (1971): two labels drawn by their shares."""
    return np.einsum("bi,ij,bj->b", shares, credit, shares)


def gwet_expected(shares: np.ndarray, credit: np.ndarray) -> np.ndarray:
    """Chance agreement of Gwet's AC1 and AC2 (2008, Br J Math Stat Psychol 61:29-48)."""
    labels = shares.shape[1]
    if labels < 2:
        return np.ones(len(shares))
    return credit.sum() / (labels * (labels - 1)) * (shares * (1 - shares)).sum(1)


def uniform_expected(shares: np.ndarray, credit: np.ndarray) -> np.ndarray:
    """Chance agreement if all labels were as likely (Brennan and Prediger 1981; Randolph 2005)."""
    return np.full(len(shares), credit.mean())


def corrected_values(
    counts: np.ndarray, weights: np.ndarray, credit: np.ndarray, expected: Expected
) -> np.ndarray:
    """A coefficient under each weighting, shape (b,); NaN where undefined."""
    return corrected(
        observed_values(counts, weights, credit), expected(label_shares(counts, weights), credit)
    )


def _coefficient(name: str, counts: np.ndarray, credit: np.ndarray | None, expected: Expected) -> Coefficient:
    credit = np.eye(counts.shape[1]) if credit is None else credit
    once = np.ones((1, len(counts)))
    observed = finite(observed_values(counts, once, credit)[0]) if len(counts) else None
    if observed is None:
        return Coefficient(name, None, reason=NO_PAIRS)
    chance = float(expected(label_shares(counts, once), credit)[0])
    value = finite(corrected(np.asarray(observed), np.asarray(chance)))
    return Coefficient(name, value, observed, chance, reason=ONE_LABEL if value is None else None)


def fleiss_kappa(
    counts: np.ndarray, credit: np.ndarray | None = None, name: str = "fleiss_kappa"
) -> Coefficient:
    """Fleiss' kappa; with as many answers to every item also its standard error under chance agreement.

    That standard error is by Fleiss, Nee and Landis (1979), Psychological Bulletin 86:974-977.
    """
    result = _coefficient(name, counts, credit, fleiss_expected)
    answers = counts.sum(1)
    if result.value is None or credit is not None or not np.allclose(answers, answers[0]):
        return result
    share = counts.sum(0) / counts.sum()
    spread = share * (1 - share)
    error = np.sqrt(2 * (spread.sum() ** 2 - (spread * (1 - 2 * share)).sum()))
    error /= spread.sum() * np.sqrt(len(counts) * answers[0] * (answers[0] - 1))
    return Coefficient(name, result.value, result.observed, result.expected, standard_error_null=float(error))


def gwet_ac(counts: np.ndarray, credit: np.ndarray | None = None, name: str = "gwet_ac1") -> Coefficient:
    """Gwet's AC1, or AC2 when `credit` holds agreement weights (k, k)."""
    return _coefficient(name, counts, credit, gwet_expected)


def conger_values(codes: np.ndarray, weights: np.ndarray, credit: np.ndarray) -> np.ndarray:
    """Conger's kappa (1980), Psychological Bulletin 88:322-328, under each weighting, shape (b,).

    Chance agreement is that of two annotators who give labels at their own shares, the mean over all pairs:
    with two it is Cohen's kappa. With missing answers in the form of Gwet (2014), section 2.

    Args:
        codes: shape (u, m); below 0 is missing.
        weights: shape (b, u).
        credit: agreement weights, shape (k, k).
    """
    labels = len(credit)
    counts = label_counts(codes, labels)
    one_hot = np.concatenate(
        [codes[:, [column]] == np.arange(labels) for column in range(codes.shape[1])], axis=1
    )
    margins = (weights @ one_hot.astype(float)).reshape(len(weights), codes.shape[1], labels)
    answered = margins.sum(2, keepdims=True)
    shares = np.divide(margins, answered, out=np.zeros_like(margins), where=answered > 0)
    annotators = (answered[..., 0] > 0).sum(1)
    together = shares.sum(1)
    with_self = np.einsum("bmi,ij,bmj->b", shares, credit, shares)
    with np.errstate(all="ignore"):
        expected = np.einsum("bi,ij,bj->b", together, credit, together) - with_self
        expected /= annotators * (annotators - 1)
    return corrected(observed_values(counts, weights, credit), expected)


def randolph_kappa(counts: np.ndarray, credit: np.ndarray | None = None, name: str = "pabak") -> Coefficient:
    """Kappa with uniform chance: Randolph's free-marginal kappa; PABAK when there are two annotators."""
    return _coefficient(name, counts, credit, uniform_expected)


def specific_agreement_values(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Agreement on each label (b, k): of the other answers to items given it, the share that give it too.

    For two annotators this is 2 n_kk / (n_k. + n_.k), the positive (and negative) agreement of Cicchetti and
    Feinstein (1990); the form for more is that of Fleiss, Levin and Paik (2003), section 18.3.
    """
    answers = counts.sum(1, keepdims=True)
    paired = answers[:, 0] >= 2
    same = counts[paired] * (counts[paired] - 1)
    possible = counts[paired] * (answers[paired] - 1)
    with np.errstate(all="ignore"):
        return (weights[:, paired] @ same) / (weights[:, paired] @ possible)
