"""The codebook: what makes it another one, and the keys of its answers."""

import pytest

from goldpan.errors import StudyError
from goldpan.tasks.features import Exclusive, Score
from goldpan.waves.codebook import CANNOT_TELL_KEY, PAGE_KEYS, choices, wave_features
from tests.wave_builders import ALL_FEATURES, COMPLAINT, PRAISE, STARS, TONE, codebook, labelled


def test_the_hash_does_not_depend_on_what_the_llm_is_asked_besides():
    asked = TONE.model_copy(update={"rationale": True, "abstain": True})
    assert codebook(TONE).hash == codebook(asked).hash


@pytest.mark.parametrize(
    "changed",
    [
        codebook(TONE.model_copy(update={"description": "Another question."})),
        codebook(TONE.model_copy(update={"labels": ["Negative", "Positive", "Neutral"]})),
        codebook(TONE, guidelines="Read twice."),
        codebook(TONE, cannot_tell=False),
        codebook(TONE, COMPLAINT),
        codebook(TONE, exclusive=(Exclusive(order=["complaint", "praise"]),)),
    ],
)
def test_the_hash_changes_with_anything_annotators_see(changed):
    assert changed.hash != codebook(TONE).hash


def test_the_order_of_labels_is_part_of_the_hash():
    assert codebook(labelled("a", "b")).hash != codebook(labelled("b", "a")).hash


@pytest.mark.parametrize("feature", ALL_FEATURES, ids=lambda feature: feature.name)
def test_no_two_answers_of_a_feature_have_one_key_and_none_is_taken_by_the_page(feature):
    keys = [choice.key for choice in choices(feature) or []]
    assert len(keys) == len(set(keys)) and not PAGE_KEYS & set(keys)


def test_twenty_five_labels_have_a_key_each_and_more_have_none():
    keys = [choice.key for choice in choices(labelled(*(f"label {n}" for n in range(40))))]
    with_key = [key for key in keys if key]
    assert len(with_key) == len(set(with_key)) >= 25 and keys[-1] is None
    assert CANNOT_TELL_KEY not in with_key


def test_a_score_below_ten_has_its_own_digits_as_keys():
    assert [(choice.value, choice.key) for choice in choices(STARS)] == [(n, str(n)) for n in range(1, 6)]


def test_a_wide_score_is_typed():
    assert choices(Score(name="percent", type="score", description="?", min=0, max=100)) is None


@pytest.mark.parametrize("label", ["(cannot tell)", "(none)", "two\nlines", "bell\x07"])
def test_a_label_that_cannot_stand_on_a_sheet_is_refused(label):
    with pytest.raises(StudyError, match="cannot stand on a sheet"):
        codebook(labelled("a", label))


def test_a_wave_asks_for_all_features_of_all_tasks_unless_it_names_some():
    tasks = [{"tone": TONE}, {"tone": TONE.model_copy(update={"rationale": True}), "complaint": COMPLAINT}]
    assert list(wave_features(None, tasks, "waves.first")) == ["tone", "complaint"]
    assert list(wave_features(["complaint"], tasks, "waves.first")) == ["complaint"]


def test_an_unknown_feature_of_a_wave_is_refused_with_the_nearest():
    with pytest.raises(StudyError, match="did you mean `complaint`"):
        wave_features(["complain"], [{"complaint": COMPLAINT, "praise": PRAISE}], "waves.first")


def test_a_feature_that_means_two_things_is_refused():
    tasks = [{"tone": TONE}, {"tone": TONE.model_copy(update={"description": "Something else."})}]
    with pytest.raises(StudyError, match="not the same in all tasks"):
        wave_features(None, tasks, "waves.first")
