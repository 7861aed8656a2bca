"""Differences in one direction: between two annotators, of each from the others, and between groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from goldpan.as_json import finite
from goldpan.statistics.annotator_bias import (
    FEWEST_DIFFERING,
    bias_intervals,
    bias_p_value,
    differences_from_others,
)
from goldpan.statistics.annotator_groups import annotator_groups, similarity_order
from goldpan.statistics.coefficient_intervals import ALWAYS_THE_SAME, TOO_FEW_GROUPS, TOO_FEW_ITEMS
from goldpan.statistics.marginal_homogeneity import holm, marginal_tests, mcnemar
from goldpan.statistics.multirater import NO_PAIRS
from goldpan.statistics.pairwise_kappas import pairwise_kappas
from goldpan.statistics.samples import sample_of_answers
from goldpan.waves.agreement.report import AnnotatorBias, KappaMatrix, PairBias

_NOT_TESTED = f"not tested: differs from the others on fewer than {FEWEST_DIFFERING} items"

Values = Callable[[np.ndarray], np.ndarray]
"""From codes (u, m) to what is compared (u, m): places on a scale, or 1 and 0; NaN is missing."""

Presence = Callable[[np.ndarray], np.ndarray]
"""From codes (u, m) to whether a label was given (u, m): 1, 0, or -1 where missing."""


def places_of(positions: np.ndarray) -> Values:
    """The places that codes stand for."""
    return lambda codes: np.where(codes >= 0, np.append(positions, 0.0)[codes], np.nan)


def given_or_not(presence: Presence) -> Values:
    """1 where the label was given and 0 where not."""

    def values(codes: np.ndarray) -> np.ndarray:
        there = presence(codes)
        return np.where(there >= 0, there, np.nan)

    return values


def pair_bias(table: np.ndarray, is_ordered: bool) -> PairBias:
    """How two annotators differ in one direction.

    Args:
        table: counts, shape (k, k); rows are the first annotator's labels.
        is_ordered: whether labels stand in their order.
    """
    tests = marginal_tests(table)
    if not is_ordered or len(table) < 3:
        return PairBias(tuple(tests))
    first, second = float(np.tril(table, -1).sum()), float(np.triu(table, 1).sum())
    return PairBias((mcnemar(first, second, "sign"), *tests), int(first), int(second))


def annotator_biases(
    codes: np.ndarray,
    sizes: int,
    annotators: Sequence[str],
    compared: Sequence[tuple[str | None, Values]],
    groups: np.ndarray | None = None,
) -> tuple[AnnotatorBias, ...]:
    """Each annotator against the others, on everything that is compared; p-values are corrected by Holm.

    Args:
        codes: shape (n, m); below 0 is missing.
        sizes: number of distinct values that codes point to.
        annotators: m names.
        compared: labels, each with what is compared of it; None for the place on the scale.
        groups: of the items, shape (n,), if some are drawn together; the p-values take each for itself.
    """
    if len(annotators) < 2 or not compared:
        return ()
    sample = sample_of_answers(codes, sizes, groups)
    too_few = TOO_FEW_GROUPS if sample.is_grouped else TOO_FEW_ITEMS
    no_interval = ALWAYS_THE_SAME if sample.bears_intervals else too_few
    differences = np.hstack([differences_from_others(values(codes)) for _, values in compared])
    of_sample = np.hstack([differences_from_others(values(sample.codes)) for _, values in compared])
    intervals = bias_intervals(of_sample, sample)
    p_values = np.array([bias_p_value(column) for column in differences.T], dtype=float)
    tested = ~np.isnan(p_values)
    p_values[tested] = holm(p_values[tested])
    biases = []
    for column, (label, annotator) in enumerate(
        itertools.product((label for label, _ in compared), annotators)
    ):
        shared = differences[~np.isnan(differences[:, column]), column]
        reasons = [] if len(shared) else [NO_PAIRS]
        reasons += [no_interval] if len(shared) and intervals[column] is None else []
        reasons += [_NOT_TESTED] if len(shared) and not tested[column] else []
        biases.append(
            AnnotatorBias(
                annotator=annotator,
                items=len(shared),
                label=label,
                difference=float(shared.mean()) if len(shared) else None,
                interval=intervals[column],
                p_value=finite(p_values[column]),
                reason="; ".join(reasons) or None,
            )
        )
    return tuple(biases)


def kappa_matrix(
    name: str, codes: np.ndarray, credit: np.ndarray, annotators: Sequence[str]
) -> KappaMatrix | None:
    """Kappa of all pairs, those who agree side by side, with the groups they fall into; None for two.

    Args:
        name: of the coefficient.
        codes: shape (n, m); below 0 is missing.
        credit: agreement weights, shape (k, k).
        annotators: m names.
    """
    if len(annotators) < 3 or not len(codes):
        return None
    kappas = pairwise_kappas(codes, credit)
    order = similarity_order(kappas)
    groups = annotator_groups(codes, credit, kappas)
    return KappaMatrix(
        name=name,
        annotators=tuple(annotators[index] for index in order),
        values=kappas[np.ix_(order, order)],
        groups=tuple(tuple(annotators[index] for index in group) for group in groups.members)
        if groups
        else (),
        within=groups.within if groups else (),
        across=groups.across if groups else None,
        p_value=groups.p_value if groups else None,
    )
