"""What `goldpan waves plan` says of features that have no kappa."""

from types import SimpleNamespace

import pytest

from goldpan.tasks.features import Score
from goldpan.waves.planning.wave_plan import plan_wave
from tests.wave_builders import GIST, ORDER, PARTS, TOPICS, codebook, wave

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
