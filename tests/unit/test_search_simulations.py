"""With no true improvement hardly ever a prompt is proposed; with one it mostly is. Simulated searches."""

import numpy as np
import pytest

from goldpan.optimise.candidate import Candidate
from goldpan.optimise.comparison import ComparedRows, paired_tests
from goldpan.optimise.decide import judge
from tests.search_objects import rows_of, scored, settings_of

OTHER = {"yes": "no", "no": "yes"}


def answers_of(rows, is_right, metric="accuracy"):
    said = [
        row.gold["is"] if right else OTHER[row.gold["is"]] for row, right in zip(rows, is_right, strict=True)
    ]
    return scored(rows, said, metric)


def chances(generator, rows, accuracy):
    """Of each row, that it is answered right: half of the rows are easy for all prompts."""
    is_hard = generator.permutation(rows) < rows / 2
    return np.where(is_hard, 2 * accuracy - 0.97, 0.97)


def search_without_improvement(generator, rows, number, is_climbing):
    """The right answers of a seed and of candidates that are all as good.

    Where it climbs, as gepa does, the parent is one that is best on some rows, and a child inherits most
    answers, luck included; else candidates are made by themselves.
    """
    chance = chances(generator, rows, 0.75)
    pool = [generator.random(rows) < chance]
    for _ in range(number):
        fresh = generator.random(rows) < chance
        if is_climbing:
            wins = (np.array(pool) == np.max(pool, axis=0)).sum(1)
            parent = pool[generator.choice(len(pool), p=wins / wins.sum())]
            fresh = np.where(generator.random(rows) < 0.5, fresh, parent)
        pool.append(fresh)
    return pool


def share_proposed(metric, rows, number, is_climbing, seeds, swaps):
    """Shares of searches with a candidate that is better at 5 %: corrected, and each as if it were alone."""
    all_rows = rows_of(rows)
    corrected, alone = 0, 0
    for seed in range(seeds):
        pool = search_without_improvement(np.random.default_rng(seed), rows, number, is_climbing)
        first, *others = (answers_of(all_rows, is_right, metric) for is_right in pool)
        compared = ComparedRows.of(metric, all_rows, first)
        tests = paired_tests(compared, first, others, swaps)
        is_better = np.array([other.metric > first.metric for other in others])
        corrected += bool((is_better & (np.array(tests.corrected) < 0.05)).any())
        alone += bool((is_better & (np.array(tests.p_values) < 0.05)).any())
    return corrected / seeds, alone / seeds


@pytest.mark.parametrize("is_climbing", [False, True])
def test_without_improvement_a_version_is_proposed_in_at_most_one_of_twenty_searches(is_climbing):
    corrected, alone = share_proposed("accuracy", 60, 16, is_climbing, seeds=200, swaps=999)
    assert corrected <= 0.05
    # Whoever does not correct for the number is misled more often than that.
    assert alone > 0.05


@pytest.mark.parametrize("metric", ["f1", "kappa"])
def test_so_it_is_with_metrics_that_are_no_share_of_right_rows(metric):
    corrected, _ = share_proposed(metric, 40, 8, is_climbing=False, seeds=100, swaps=199)
    assert corrected <= 0.05


def test_a_true_improvement_among_prompts_that_are_alike_is_proposed():
    dev, train = rows_of(60), rows_of(10, "train", start=500)
    seed_texts = {"system": "Say whether it is.", "user": "{{ text }}"}
    proposed = []
    for seed in range(10):
        generator = np.random.default_rng(seed)
        chance = chances(generator, 60, 0.65)
        seed_dev = answers_of(dev, generator.random(60) < chance)
        pool = [generator.random(60) < chance for _ in range(8)] + [generator.random(60) < 0.92]
        candidates = [
            Candidate(
                f"rewrites-{number}",
                "rewrites",
                ("seed",),
                {**seed_texts, "system": f"Say whether it is: {number}."},
                answers_of(dev, is_right),
                is_accepted=True,
            )
            for number, is_right in enumerate(pool)
        ]
        found = judge(settings_of(), seed_texts, seed_dev, candidates, train, dev)
        proposed.append(found.decision.proposed)
    assert proposed.count("rewrites-8") >= 9
    assert set(proposed) <= {None, "rewrites-8"}
