"""What error analysis must show: planted faults are found, and on data without any nothing is.

`python -m tests.unit.test_error_findings` prints the table of suspects in docs/benchmarks.md.
"""

from __future__ import annotations

import numpy as np
import pytest

from goldpan.error_analysis.calibration import calibration_errors
from goldpan.error_analysis.clusters import error_clusters
from goldpan.error_analysis.confident_learning import listed_by_cleanlab, pooled_answers
from goldpan.error_analysis.report import alpha_of_each_test
from goldpan.error_analysis.slices import worst_slices
from goldpan.error_analysis.suspects import suspected_labels
from goldpan.study.error_analysis import ErrorAnalysis
from tests.error_items import BILLING, IRONY, evaluated, several_models

SETTINGS = ErrorAnalysis()
ALPHA = alpha_of_each_test(SETTINGS.alpha, 1, 1)
"""Of each of the tests of an analysis of one model on one feature."""


def findings(items):
    """Which parts of an analysis find something."""
    found = {
        "slices": bool(worst_slices(items, SETTINGS, ALPHA).significant),
        "clusters": bool(error_clusters(items, SETTINGS, ALPHA).clusters),
        "suspects": bool(suspected_labels([items], SETTINGS, ALPHA).suspects),
        "calibration": any(of.is_significant for of in calibration_errors(items, ALPHA).overconfident),
    }
    return {part for part, is_found in found.items() if is_found}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_reported_on_data_without_a_fault_in_95_of_100_seeds():
    reported = [found for seed in range(100) if (found := findings(evaluated(seed, 400).items))]
    assert len(reported) <= 5, reported


@pytest.mark.slow
def test_no_gold_label_is_suspected_where_none_is_wrong_in_95_of_100_seeds():
    by_confidence = sum(
        bool(suspected_labels([evaluated(seed, 400).items], SETTINGS).suspects) for seed in range(100)
    )
    by_models = sum(
        bool(suspected_labels(several_models(seed, 2, 300)[0], SETTINGS).suspects) for seed in range(100)
    )
    assert by_confidence <= 5
    assert by_models <= 5


@pytest.mark.slow
def test_a_slice_with_an_accuracy_lower_by_30_points_is_found_among_40():
    slices = [
        worst_slices(evaluated(seed, 800, worse_region=0.3).items, SETTINGS, ALPHA) for seed in range(20)
    ]
    assert all(found.looked_at >= 40 for found in slices)
    assert sum("region 3" in named_worst(found) for found in slices) >= 19


def named_worst(found):
    return found.significant[0].name if found.significant else ""


@pytest.mark.slow
def test_two_planted_clusters_are_found_as_two_in_most_seeds():
    as_planted = 0
    for seed in range(10):
        clusters = error_clusters(evaluated(seed, 500, clusters=30).items, SETTINGS, ALPHA).clusters
        words = [set(cluster.words[:3]) for cluster in clusters]
        as_planted += len(words) == 2 and all(any(of <= set(own) for of in words) for own in (BILLING, IRONY))
    assert as_planted >= 9


@pytest.mark.slow
def test_suspects_are_flipped_labels_more_often_than_what_cleanlab_lists_alone():
    ours, alone = suspected_of(range(10), 1_000)
    assert ours["found"] >= 0.8
    assert ours["precision"] > alone["precision"] + 0.2
    assert ours["recall"] > 0.4


def suspected_of(seeds, rows, **changes):
    """Precision and recall of our suspects and of `cleanlab` alone on data with 5 % flipped labels, and how
    often there are any; precision is that of the seeds in which there are."""
    ours, alone = [], []
    for seed in seeds:
        planted = evaluated(seed, rows, flips=0.05, **changes)
        suspected = {suspect.item_id for suspect in suspected_labels([planted.items], SETTINGS).suspects}
        ours.append(measured(suspected, planted.flipped))
        pooled = pooled_answers([(planted.items, planted.items.items)])
        listed = np.flatnonzero(listed_by_cleanlab(pooled.gold, pooled.probabilities)).tolist()
        alone.append(measured({pooled.items[row].item_id for row in listed}, planted.flipped))
    return averaged(ours), averaged(alone)


def measured(suspected, flipped):
    """(precision, None of none; recall)."""
    hits = len(suspected & flipped)
    return hits / len(suspected) if suspected else None, hits / len(flipped)


def averaged(figures):
    """Means over seeds."""
    precisions = [precision for precision, _ in figures if precision is not None]
    return {
        "found": len(precisions) / len(figures),
        "precision": float(np.mean(precisions)) if precisions else 0.0,
        "recall": float(np.mean([recall for _, recall in figures])),
    }


def print_table():
    """The table of docs/benchmarks.md."""
    for rows in (300, 1_000, 3_000):
        ours, alone = suspected_of(range(20), rows)
        print(f"| {rows:,} | {cells(ours)} | {ours['found']:.0%} | {cells(alone)} |", flush=True)


def cells(figures):
    """Precision and recall as cells of a table."""
    return f"{figures['precision']:.2f} | {figures['recall']:.2f}"


if __name__ == "__main__":
    print_table()
