"""Models of annotators in simulated waves: as often right as the majority, and as sure as they are right.

`python -m tests.unit.test_merge_simulations 50` prints the table of docs/agreement.md; its rows of two labels
and of missing answers are those of 150.
"""

import sys

import numpy as np
import pytest

from goldpan.statistics.annotator_model_choice import calibrated_posteriors, choose_model
from goldpan.statistics.dawid_skene import MODELS

WAVES = {
    "alike": (100, 3, 3, None),
    "errors spread evenly": (100, 3, 3, 0.5),
    "errors by the labels' shares": (100, 5, 5, 0.5),
    "errors next to the true label": (100, 5, 5, None),
    "own confusions": (100, 5, 5, None),
    "own favourite label": (100, 3, 3, None),
    "alike, few items": (30, 3, 2, None),
    "own favourite label, few items": (50, 3, 2, None),
    "errors spread evenly, rare label": (50, 3, 2, 0.1),
    "sixteen labels": (246, 8, 16, None),
    "right in 60 %, half missing": (80, 4, 3, None),
}
"""How annotators err -> items, annotators, labels, ratio of a label's share to that before (None: even)."""


def simulated_wave(how, generator):
    """Truth (n,) and codes (n, m); accuracies of annotators differ, but for those who are `alike`."""
    items, annotators, labels, ratio = WAVES[how]
    shares = (ratio or 1.0) ** np.arange(labels)
    shares /= shares.sum()
    confusions = np.stack([_confusion(how, shares, generator) for _ in range(annotators)])
    truth = generator.choice(labels, p=shares, size=items)
    draws = generator.random((items, annotators, 1))
    codes = np.minimum((draws > confusions[:, truth].swapaxes(0, 1).cumsum(2)).sum(2), labels - 1)
    if "missing" in how:
        codes = np.where(generator.random(codes.shape) < 0.5, -1, codes)
        truth, codes = truth[(codes >= 0).any(1)], codes[(codes >= 0).any(1)]
    return truth, codes


def _confusion(how, shares, generator):
    """One annotator's chance of each answer given the truth, (k, k)."""
    labels = len(shares)
    low, high = (0.3, 0.6) if how == "sixteen labels" else (0.45, 0.85)
    # Who sees 0.4 of the labels and else guesses among three is right in 0.6.
    alike = 0.65 if how.startswith("alike") else 0.4 if "missing" in how else None
    sees = alike or generator.uniform(low, high)
    guesses = np.full((labels, labels), 1 / labels)
    if how == "errors by the labels' shares":
        guesses = np.tile(shares, (labels, 1))
    elif how.startswith("own favourite label"):
        guesses = 0.1 * guesses + 0.9 * np.eye(labels)[generator.integers(labels)]
    elif how in ("errors next to the true label", "own confusions"):
        places = np.arange(labels)
        distance = np.abs(places[:, None] - places)
        wrong = np.exp(-distance) if how.startswith("errors") else generator.dirichlet([0.5] * labels, labels)
        wrong = np.where(distance, wrong, 0)
        guesses = wrong / wrong.sum(1, keepdims=True)
    return sees * np.eye(labels) + (1 - sees) * guesses


def measured(how, waves, seed=1):
    """Means over simulated waves.

    Returns:
        `majority`: share right, a tie counting as a guess among the tied; for `chosen` and each model: the
        share right, mean posterior less share right, the same over items on which votes are tied, and the
        share right of those; then the models that were chosen.
    """
    generator, labels = np.random.default_rng(seed), WAVES[how][2]
    sums = {name: np.zeros(5) for name in ("majority", "chosen", *MODELS)}
    taken = []
    for _ in range(waves):
        truth, codes = simulated_wave(how, generator)
        votes = (codes[:, :, None] == np.arange(labels)).sum(1)
        most = votes == votes.max(1, keepdims=True)
        tied = most.sum(1) > 1
        sums["majority"] += [(most[np.arange(len(truth)), truth] / most.sum(1)).mean(), 0, 0, 0, 0]
        taken.append(choose_model([codes], labels).model)
        for name in ("chosen", *MODELS):
            posteriors = calibrated_posteriors(taken[-1] if name == "chosen" else name, codes, labels)
            right, sure = posteriors.argmax(1) == truth, posteriors.max(1)
            over = sure - right
            sums[name] += [right.mean(), over.mean(), over[tied].sum(), tied.sum(), right[tied].sum()]
    result = {
        name: (total[0] / waves, total[1] / waves, total[2] / max(total[3], 1), total[4] / max(total[3], 1))
        for name, total in sums.items()
    }
    return result, taken


@pytest.mark.slow
@pytest.mark.parametrize("how", WAVES)
def test_the_chosen_model_is_as_often_right_as_the_majority_and_as_sure_as_it_is_right(how):
    few = "few items" in how or "missing" in how
    result, _ = measured(how, 25 if few else 8)
    right, too_sure, too_sure_of_ties, _ = result["chosen"]
    # So few answers seldom show who prefers which label: docs/agreement.md says how far it is below.
    below = 0.04 if how == "own favourite label, few items" else 0.02 if few else 0.005
    assert right >= result["majority"][0] - below
    # With a rare label it is less sure than right.
    assert -0.1 < too_sure < 0.07
    assert too_sure_of_ties < 0.25


@pytest.mark.slow
def test_the_full_model_claims_certainty_about_ties_where_the_chosen_one_does_not():
    result, taken = measured("sixteen labels", 4)
    assert set(taken) == {"one_coin"}
    assert result["full"][2] > 0.4
    assert abs(result["chosen"][2]) < 0.15


def main(waves):
    for how, size in WAVES.items():
        result, taken = measured(how, waves)
        chosen, full = result["chosen"], result["full"]
        cells = [f"{result['majority'][0]:.3f}", f"{chosen[0]:.3f}", f"{full[0]:.3f}"]
        cells += [f"{of_model[number]:+.2f}" for number in (1, 2) for of_model in (chosen, full)]
        names = ", ".join(f"{name} {taken.count(name) / waves:.0%}" for name in MODELS if name in taken)
        print("|", " | ".join([how, ", ".join(map(str, size[:3])), *cells, names]), "|", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
