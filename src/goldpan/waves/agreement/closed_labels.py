"""All coefficients, with intervals, for answers that are single labels of a set, nominal or ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from goldpan.as_json import finite
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
from goldpan.statistics.number_agreement import number_coefficients
from goldpan.statistics.pairwise_kappas import PairwiseKappas
from goldpan.statistics.samples import sample_of_answers
from goldpan.statistics.weights import QUADRATIC, UNWEIGHTED, WEIGHTINGS, agreement_weights

_BY_POSTERIOR = ("cohen_kappa", "scott_pi", "krippendorff_alpha")


@dataclass(frozen=True)
class LabelSet:
    """The labels that codes point to.

    Attributes:
        size: number of labels, k.
        positions: their places on the scale, shape (k,), when they are ordered; None for nominal ones.
        are_numbers: whether these places are numbers that annotators gave, so that they can be subtracted.
    """

    size: int
    positions: np.ndarray | None = None
    are_numbers: bool = False

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

    def of_numbers(self, sample: Sample) -> list[Recomputable]:
        """Correlations and errors, for answers that are numbers."""
        if self.positions is None or not self.are_numbers or not self.size:
            return []
        numbers = np.where(sample.codes >= 0, self.positions[sample.codes], np.nan)
        return number_coefficients(numbers, sample.counts)


def two_annotators(
    codes: np.ndarray, labels: LabelSet, groups: np.ndarray | None = None
) -> list[Coefficient]:
    """Cohen's kappas, Scott's pi, Gwet's AC, PABAK and alphas of two annotators.

    Args:
        codes: shape (n, 2), items both answered.
        labels: what the codes point to.
        groups: of the items, shape (n,), if some are drawn together.
    """
    sample = sample_of_answers(codes, labels.size, groups)
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
    coefficients += labels.of_numbers(sample)
    if labels.size == 2:
        # Not AC1 and PABAK: for them the posterior of a small table does not hold.
        coefficients = [
            replace(recomputable, by_posterior=recomputable.coefficient.name.startswith(_BY_POSTERIOR))
            for recomputable in coefficients
        ]
    return with_intervals(sample, coefficients, labels.size**2)


def many_annotators(
    codes: np.ndarray, labels: LabelSet, groups: np.ndarray | None = None
) -> list[Coefficient]:
    """Fleiss', Conger's and mean pairwise kappa, Gwet's AC, Randolph's kappa and alphas of three or more.

    Args:
        codes: shape (n, m); below 0 is missing.
        labels: what the codes point to.
        groups: of the items, shape (n,), if some are drawn together.
    """
    sample = sample_of_answers(codes, labels.size, groups)
    counts, identity = multirater.label_counts(sample.codes, labels.size), np.eye(labels.size)
    fleiss = multirater.fleiss_kappa(multirater.label_counts(codes, labels.size))
    coefficients = [Recomputable(fleiss, from_counts(counts, identity, multirater.fleiss_expected))]
    coefficients += mean_pairwise_kappas(sample, labels)
    coefficients += [
        conger_kappa(name, sample, credit, fleiss) for name, credit in labels.credits("conger_kappa")
    ]
    coefficients += _chance_by_label_shares(codes, sample, labels, uniform_name="randolph_kappa")
    coefficients += [recomputable_alpha(name, make, codes, sample) for name, make in labels.alphas()]
    coefficients += labels.of_numbers(sample)
    return with_intervals(sample, coefficients, max(labels.size**2, labels.size * codes.shape[1]))


def without_table(codes: np.ndarray, labels: LabelSet, groups: np.ndarray | None = None) -> list[Coefficient]:
    """The alphas and what suits numbers, for numbers too many to make a table of all pairs of them.

    Args:
        codes, labels, groups: as for `many_annotators`.
    """
    sample = sample_of_answers(codes, labels.size, groups)
    coefficients = [recomputable_alpha(name, make, codes, sample) for name, make in labels.alphas()]
    coefficients += labels.of_numbers(sample)
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


def conger_kappa(name: str, sample: Sample, credit: np.ndarray, fleiss: Coefficient) -> Recomputable:
    """Conger's kappa; where it is undefined, so is that of Fleiss, for the same reason."""

    def values(weights: np.ndarray) -> np.ndarray:
        return multirater.conger_values(sample.codes, weights, credit)

    value = finite(values(sample.counts[None])[0]) if len(sample.codes) else None
    reason = None if value is not None else fleiss.reason or multirater.ONE_LABEL
    return Recomputable(Coefficient(name, value, reason=reason), values)


def mean_pairwise_kappas(sample: Sample, labels: LabelSet) -> list[Recomputable]:
    """Mean of Cohen's kappa over all pairs of annotators (Light 1971, Psychological Bulletin 76:365-377)."""
    named = labels.credits("mean_pairwise_kappa")
    pairwise = PairwiseKappas(sample.codes, [credit for _, credit in named])
    each = pairwise.of_pairs(sample.counts[None])[..., 0]
    coefficients = []
    for index, (name, _) in enumerate(named):
        undefined = int(np.isnan(each[:, index]).sum())
        if undefined == len(each):
            coefficient = Coefficient(name, None, reason="kappa is undefined for every pair of annotators")
        else:
            left_out = f"kappa is undefined for {undefined} of {len(each)} pairs, which are left out"
            mean = float(np.nanmean(each[:, index]))
            coefficient = Coefficient(name, mean, reason=left_out if undefined else None)
        coefficients.append(Recomputable(coefficient, partial(pairwise.mean, index=index)))
    return coefficients
