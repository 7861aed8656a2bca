"""Agreement on one label at a time: given or not, against all other labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goldpan.as_json import finite
from goldpan.statistics import kappa, multirater
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.coefficient_intervals import Recomputable, from_counts, from_tables, with_intervals
from goldpan.statistics.samples import sample_of_answers
from goldpan.waves.agreement.report import LabelAgreement

_NEVER_GIVEN = "nobody gave this label to an item that two answered"


def agreement_on_label(label: str, chosen: np.ndarray, groups: np.ndarray | None = None) -> LabelAgreement:
    """Agreement on one label.

    Args:
        label: its name.
        chosen: shape (n, m): 1 where the annotator gave it, 0 where not, -1 where missing.
        groups: of the items, shape (n,), if some are drawn together.
    """
    counts = tuple(int(count) for count in (chosen == 1).sum(0))
    is_paired = (chosen >= 0).sum(1) >= 2
    paired = chosen[is_paired]
    sample = sample_of_answers(paired, 2, None if groups is None else groups[is_paired])
    items, profile_counts = multirater.label_counts(paired, 2), multirater.label_counts(sample.codes, 2)
    share = finite(multirater.specific_agreement_values(items, np.ones((1, len(items))))[0, 1])
    specific = Recomputable(
        Coefficient("specific_agreement", share, reason=_NEVER_GIVEN if share is None else None),
        lambda weights: multirater.specific_agreement_values(profile_counts, weights)[:, 1],
    )
    if chosen.shape[1] != 2:
        against_rest = Recomputable(
            multirater.fleiss_kappa(items), from_counts(profile_counts, np.eye(2), multirater.fleiss_expected)
        )
        agreement, rest = with_intervals(sample, [specific, against_rest])
        return LabelAgreement(label, counts, agreement, rest)
    table = kappa.contingency_table(paired[:, 0], paired[:, 1], 2)
    tables = kappa.pair_tables(sample.codes, 2)
    against_rest = Recomputable(kappa.cohen_kappa(table), from_tables(tables, kappa.kappa_values, np.eye(2)))
    both = [replace(coefficient, by_posterior=True) for coefficient in (specific, against_rest)]
    agreement, rest = with_intervals(sample, both)
    indices = kappa.prevalence_and_bias(table, 1)
    if indices is None:
        return LabelAgreement(label, counts, agreement, rest)
    return LabelAgreement(label, counts, agreement, rest, indices.prevalence_index, indices.bias_index)
