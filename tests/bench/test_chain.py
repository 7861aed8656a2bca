"""A chain of exploded records takes seconds, and no more memory for more of them."""

import shutil

import pytest

from tests.bench import chain_steps
from tests.bench.measuring import measure

pytestmark = pytest.mark.timeout(3600)

FEW, MANY = 10_000, 100_000
MOST_MIB = 150
MOST_GROWTH_MIB = 40
STEPS = (chain_steps.explode, chain_steps.answer, chain_steps.group_by_parent, chain_steps.group_by_field)


def measured(folder, items):
    """step -> what it took over so many items."""
    chain_steps.write_chain(folder / "project", items)
    taken = {step.__name__: measure(step, folder / "project") for step in STEPS}
    shutil.rmtree(folder)
    return taken


def test_a_chain_of_exploded_records_takes_seconds_and_flat_memory(folder, finding):
    few, many = measured(folder / "few", FEW), measured(folder / "many", MANY)
    for step, took in many.items():
        finding(f"{step}: {took} for {MANY:,} items; peak {few[step].peak_mib:.0f} MiB for {FEW:,}")
    assert [took.result for took in many.values()] == [MANY, MANY, MANY // chain_steps.ITEMS_OF_A_PAGE, 1000]
    assert max(took.peak_mib for took in many.values()) < MOST_MIB
    assert all(many[step].peak_mib - few[step].peak_mib < MOST_GROWTH_MIB for step in few)
