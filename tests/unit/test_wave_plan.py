"""What `goldpan waves plan` says of features that have no kappa."""

from types import SimpleNamespace

import pytest

from goldpan.tasks.features import Score
from goldpan.waves.planning.expectation import expectation
from goldpan.waves.planning.power import plan
from goldpan.waves.planning.wave_plan import plan_wave
from tests.wave_builders import COMPLAINT, GIST, ORDER, PARTS, TOPICS, codebook, wave

PORTION = Score(name="portion", type="score", description="What share?", min=0, max=1, integer=False)


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (TOPICS, "lists, which have no kappa"),
        (PARTS, "lists, which have no kappa"),
        (ORDER, "rankings, which have no kappa"),
        (GIST, "free text"),
        (PORTION, "any number"),
    ],
    ids=lambda one: getattr(one, "type", ""),
)
def test_a_feature_without_a_kappa_is_told_why_in_its_own_words(feature, said):
    run = SimpleNamespace(wave=wave(sample=8), name="first", drawn=None, codebook=codebook(feature))
    (found,) = plan_wave(run, 0.6)
    assert found.plan is None
    assert said in found.note


def test_a_wave_whose_items_go_to_two_of_five_is_planned_for_all_five():
    """Its report has no Cohen's kappa by the posterior, whose intervals are narrower."""
    five = wave(sample=40, annotators=list("abcde"), overlap=2)
    run = SimpleNamespace(wave=five, name="first", drawn=None, codebook=codebook(COMPLAINT))
    (planned,) = plan_wave(run, 0.6, 0.3)
    assert planned.annotators == 2
    assert planned.plan == plan(40, expectation(2, 0.6, 0.3, annotators=5, overlap=2))
    assert planned.plan.large_sample_half_width is None
