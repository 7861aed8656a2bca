"""All coefficients, with intervals, for answers that are single labels of a set, nominal or ordered."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from goldpan.statistics import kappa, multirater
from goldpan.statistics.alpha import AlphaByMetric, AlphaOnScale
from goldpan.statistics.bootstrap import Sample
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.coefficient_intervals import (
    Alpha,
    Recomputable,
    from_counts,
    from_tables,
    recomputable_alpha,
    with_intervals,
)
from goldpan.statistics.distances import nominal, ratio
from goldpan.statistics.samples import sample_of_answers
from goldpan.statistics.weights import QUADRATIC, UNWEIGHTED, WEIGHTINGS, agreement_weights

MOST_ANNOTATORS_IN_PAIRS = 8


@dataclass(frozen=True)
class LabelSet:
    """The labels that codes point to.

    Attributes:
        size: number of labels, k.
        positions: their places on the scale, shape (k,), when they are ordered; None for nominal ones.
    """

    size: int
    positions: np.ndarray | None = None

    def credits(self, name: str, weightings: tuple[str, ...] = WEIGHTINGS) -> list[tuple[str, np.ndarray]]:
        """A name and agreement weights (k, k) for each weighting that makes a difference here."""
        if self.positions is None or self.size < 3:
            return [(name, np.eye(self.size))]
        return [
            (
                name if weighting == UNWEIGHTED else f"{name}_{weighting}",
                agreement_weights(weighting, self.positions),
            )
            for weighting in weightings
        ]

    def alphas(self) -> list[tuple[str, Callable[[np.ndarray], Alpha]]]:
        """A name and constructor for each alpha that suits; ratio only for numbers that are not negative."""
        size, positions = self.size, self.positions
        makers: list[tuple[str, Callable[[np.ndarray], Alpha]]] = [
            ("krippendorff_alpha_nominal", lambda codes: AlphaByMetric(codes, size, nominal(size)))
        ]
        if positions is not None:
            makers.append(("krippendorff_alpha_ordinal", lambda codes: AlphaOnScale(codes, size)))
            makers.append(("krippendorff_alpha_interval", lambda codes: AlphaOnScale(codes, size, positions)))
        if positions is not None and size and positions.min() >= 0:
            makers.append(
                ("krippendorff_alpha_ratio", lambda codes: AlphaByMetric(codes, size, ratio(positions)))
            )
        return makers


def two_annotators(codes: np.ndarray, labels: LabelSet) -> list[Coefficient]:
    """Cohen's kappas, Scott's pi, Gwet's AC, PABAK and alphas of two annotators.

    Args:
        codes: shape (n, 2), items both answered.
        labels: what the codes point to.
    """
    sample = sample_of_answers(codes, labels.size)
    tables = kappa.pair_tables(sample.codes, labels.size)
    table = kappa.contingency_table(codes[:, 0], codes[:, 1], labels.size)
    coefficients = [
        Recomputable(kappa.cohen_kappa(table, credit, name), from_tables(tables, kappa.kappa_values, credit))
        for name, credit in labels.credits("cohen_kappa")
    ]
    coefficients.append(
        Recomputable(kappa.scott_pi(table), from_tables(tables, kappa.pi_values, np.eye(labels.size)))
    )
    coefficients += _chance_by_label_shares(codes, sample, labels, uniform_name="pabak")
    coefficients += [recomputable_alpha(name, make, codes, sample) for name, make in labels.alphas()]
    return with_intervals(sample, coefficients, labels.size**2)


def many_annotators(codes: np.ndarray, labels: LabelSet) -> list[Coefficient]:
    """Mean pairwise and Fleiss' kappa, Gwet's AC, Randolph's kappa and alphas of three or more annotators.

    Args:
        codes: shape (n, m); below 0 is missing.
        labels: what the codes point to.
    """
    sample = sample_of_answers(codes, labels.size)
    counts, identity = multirater.label_counts(sample.codes, labels.size), np.eye(labels.size)
    fleiss = multirater.fleiss_kappa(multirater.label_counts(codes, labels.size))
    coefficients = [Recomputable(fleiss, from_counts(counts, identity, multirater.fleiss_expected))]
    pairwise = [
        mean_pairwise_kappa(name, codes, sample, credit)
        for name, credit in labels.credits("mean_pairwise_kappa")
    ]
    listed = codes.shape[1] <= MOST_ANNOTATORS_IN_PAIRS
    coefficients += pairwise if listed else []
    coefficients += _chance_by_label_shares(codes, sample, labels, uniform_name="randolph_kappa")
    coefficients += [recomputable_alpha(name, make, codes, sample) for name, make in labels.alphas()]
    results = with_intervals(sample, coefficients, labels.size**2)
    if not listed:
        reason = f"no interval with more than {MOST_ANNOTATORS_IN_PAIRS} annotators"
        results[1:1] = [
            replace(kappa_of_pairs.coefficient, reason=kappa_of_pairs.coefficient.reason or reason)
            for kappa_of_pairs in pairwise
        ]
    return results


def alphas_only(codes: np.ndarray, labels: LabelSet) -> list[Coefficient]:
    """The alphas alone, for numbers too many to make a table of all pairs of them."""
    sample = sample_of_answers(codes, labels.size)
    coefficients = [recomputable_alpha(name, make, codes, sample) for name, make in labels.alphas()]
    return with_intervals(sample, coefficients, labels.size)


def _chance_by_label_shares(
    codes: np.ndarray, sample: Sample, labels: LabelSet, uniform_name: str
) -> list[Recomputable]:
    """Gwet's AC1 (and AC2), and the kappa with uniform chance."""
    items, counts = (multirater.label_counts(some, labels.size) for some in (codes, sample.codes))
    coefficients = []
    for name, credit in labels.credits("gwet_ac", (UNWEIGHTED, QUADRATIC)):
        title = "gwet_ac1" if name == "gwet_ac" else "gwet_ac2_quadratic"
        values = from_counts(counts, credit, multirater.gwet_expected)
        coefficients.append(Recomputable(multirater.gwet_ac(items, credit, title), values))
    uniform = multirater.randolph_kappa(items, name=uniform_name)
    coefficients.append(
        Recomputable(uniform, from_counts(counts, np.eye(labels.size), multirater.uniform_expected))
    )
    return coefficients


def mean_pairwise_kappa(name: str, codes: np.ndarray, sample: Sample, credit: np.ndarray) -> Recomputable:
    """Mean of Cohen's kappa over all pairs of annotators (Light 1971, Psychological Bulletin 76:365-377)."""
    pairs = [list(pair) for pair in itertools.combinations(range(codes.shape[1]), 2)]
    tables = [kappa.pair_tables(sample.codes[:, pair], len(credit)) for pair in pairs]

    def kappas(weights: np.ndarray) -> np.ndarray:
        return np.stack([kappa.kappa_values(table_of(weights), credit) for table_of in tables])

    each = kappas(sample.counts[None])
    mean, undefined = float(_mean_of_defined(each)[0]), int(np.isnan(each).sum())
    if undefined == len(pairs):
        coefficient = Coefficient(name, None, reason="kappa is undefined for every pair of annotators")
    else:
        left_out = f"kappa is undefined for {undefined} of {len(pairs)} pairs, which are left out"
        coefficient = Coefficient(name, mean, reason=left_out if undefined else None)
    return Recomputable(coefficient, lambda weights: _mean_of_defined(kappas(weights)))


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    defined = ~np.isnan(values)
    with np.errstate(all="ignore"):
        return np.where(defined, values, 0.0).sum(0) / defined.sum(0)
