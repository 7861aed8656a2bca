"""Names are located and put together about as fast as scripts that do less of it."""

import pytest

from tests.bench import mention_scripts as scripts
from tests.bench.measuring import compare, measure

pytestmark = pytest.mark.timeout(1800)

PAGES, PER_PAGE = 1_000, 10
FEW, MANY = 10_000, 100_000
ALL_PAIRS = 50_000
# The script gives neither words nor places in the text as it was.
LEAST_LOCATE_RATIO = 0.1
LEAST_CLUSTER_RATIO = 2.0
# Ten times the names: some words more are compared, and Python's own memory for the rows.
MOST_GROWTH = 20
MOST_MIB = 400


def test_locating_names_beside_a_script(finding):
    found = compare(
        lambda: measure(scripts.locate_all, str(PAGES), str(PER_PAGE)),
        lambda: measure(scripts.align_all, str(PAGES), str(PER_PAGE)),
    )
    total = PAGES * PER_PAGE
    finding(f"locating {total:,} names on {PAGES:,} pages ({total / found.ours.wall:,.0f} a second): {found}")
    assert found.ours.result >= found.baseline.result
    assert found.processor_ratio >= LEAST_LOCATE_RATIO


def test_clustering_beside_comparing_all_pairs(finding):
    found = compare(
        lambda: measure(scripts.cluster_all, str(ALL_PAIRS)),
        lambda: measure(scripts.all_pairs, str(ALL_PAIRS)),
        repeats=1,
    )
    finding(f"clustering {ALL_PAIRS:,} mentions, beside comparing all pairs of names: {found}")
    assert found.processor_ratio >= LEAST_CLUSTER_RATIO


def test_clustering_grows_with_the_mentions(finding):
    few, many = measure(scripts.cluster_all, str(FEW)), measure(scripts.cluster_all, str(MANY))
    finding(f"clustering {FEW:,} mentions: {few}; {MANY:,}: {many}, {many.result:,} clusters")
    assert many.processor < MOST_GROWTH * few.processor
    assert many.peak_mib < MOST_MIB
