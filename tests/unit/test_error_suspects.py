"""Gold labels that may be wrong: what is suspected, on what evidence, and where nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from goldpan.error_analysis.confident_learning import listed_by_cleanlab, pooled_answers
from goldpan.error_analysis.extra import check_analysis_packages
from goldpan.error_analysis.suspects import CONFIDENT_LEARNING, DISAGREEMENT, suspected_labels
from goldpan.errors import StudyError
from goldpan.statistics.contaminated import contamination
from goldpan.study.error_analysis import ErrorAnalysis
from tests.error_items import LABELS, evaluated, evaluated_row, of_rows, several_models

SETTINGS = ErrorAnalysis()


def precision_and_recall(suspected, flipped):
    hits = len(set(suspected) & flipped)
    return hits / max(1, len(set(suspected))), hits / len(flipped)


def ids_of(found):
    return [suspect.item_id for suspect in found.suspects]


def test_most_suspects_are_flipped_labels_and_far_more_so_than_by_cleanlab_alone():
    ours, alone = [], []
    for seed in range(10):
        planted = evaluated(seed, 1_000, flips=0.05)
        ours.append(
            precision_and_recall(ids_of(suspected_labels([planted.items], SETTINGS)), planted.flipped)
        )
        pooled = pooled_answers([(planted.items, planted.items.items)])
        listed = np.flatnonzero(listed_by_cleanlab(pooled.gold, pooled.probabilities))
        alone.append(precision_and_recall([pooled.items[row].item_id for row in listed], planted.flipped))
    (precision, recall), (precision_alone, _) = np.mean(ours, axis=0), np.mean(alone, axis=0)
    assert precision > 0.65
    assert precision > precision_alone + 0.2
    assert recall > 0.35


def test_a_suspect_says_what_the_label_should_be_and_why():
    planted = evaluated(1, 1_000, flips=0.05)
    found = suspected_labels([planted.items], SETTINGS)
    rows = {item.item_id: item for item in planted.items.items}
    assert found.method == CONFIDENT_LEARNING
    assert found.models == ("llm",)
    assert found.looked_at == 1_000
    for suspect, listed in zip(found.suspects, found.listed(), strict=True):
        assert (suspect.gold, suspect.suggested) == (
            rows[suspect.item_id].gold,
            rows[suspect.item_id].predicted,
        )
        assert (listed.item_id, listed.list, listed.model) == (suspect.item_id, "suspects", "")
        assert listed.fields["text"] == rows[suspect.item_id].data["text"]
        assert 0.5 <= suspect.score <= 1
        assert "llm contradicts it with a confidence of" in suspect.why
    scores = [suspect.score for suspect in found.suspects]
    assert scores == sorted(scores, reverse=True)
    assert any("cleanlab alone lists" in note for note in found.notes)
    assert any("spread evenly" in note for note in found.notes)


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_model_that_is_too_sure_or_not_sure_enough_is_no_reason_to_suspect_gold(factor):
    suspected = 0
    for seed in range(20):
        items = evaluated(seed, 500).items
        distorted = [replace(item, confidence=scaled(item.confidence, factor)) for item in items.items]
        suspected += bool(suspected_labels([replace(items, items=tuple(distorted))], SETTINGS).suspects)
    assert suspected <= 2


def scaled(confidence, factor):
    logit = factor * np.log(confidence / (1 - confidence))
    return round(float(1 / (1 + np.exp(-logit))), 6)


def test_a_confidence_that_says_nothing_is_no_reason_to_suspect_gold():
    suspected = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        items = evaluated(seed, 500).items
        drawn = [replace(item, confidence=float(generator.uniform(0.6, 1))) for item in items.items]
        suspected += bool(suspected_labels([replace(items, items=tuple(drawn))], SETTINGS).suspects)
    assert suspected <= 2


def test_a_head_is_not_asked_about_labels_that_it_learned_from():
    planted = evaluated(1, 1_000, flips=0.05)
    # On its own training rows a head says what it has learned, also where that is wrong.
    rows = [
        replace(item, split="train", predicted=item.gold, predicted_key=item.gold_key, is_right=True)
        if number % 2
        else item
        for number, item in enumerate(planted.items.items)
    ]
    seen = of_rows(rows, "head", learned_splits=("train", "dev"))
    found = suspected_labels([seen], SETTINGS)
    assert found.looked_at == 500
    assert found.suspects
    assert any("head learned from 500 of these labels (train, dev)" in note for note in found.notes)
    only_seen = of_rows([row for row in rows if row.split == "train"], "head", learned_splits=("train",))
    assert "did not learn from them" in suspected_labels([only_seen], SETTINGS).reason


def test_a_small_level_finds_what_is_plain_and_one_that_cannot_be_reached_says_so():
    answers, _ = several_models(1, 3, 600, flips=0.15)
    found = suspected_labels(answers, SETTINGS, 0.001 / 24)
    assert found.suspects
    assert found.p_value <= found.alpha
    beyond = suspected_labels(answers, SETTINGS, 5e-6)
    assert not beyond.suspects
    assert "out of reach" in beyond.reason
    assert beyond.p_value is None


def test_a_test_that_ended_early_tells_no_p_value_but_what_it_is_above():
    answers, _ = several_models(1, 3, 600, flips=0)
    found = suspected_labels(answers, SETTINGS, 0.001)
    assert not found.suspects
    assert (found.p_value, found.p_above) == (None, 0.001)
    assert "no more often" not in found.finding


def test_suspects_are_no_claim_where_models_may_share_hard_rows():
    for found in (
        suspected_labels(several_models(1, 3, 600, flips=0.15)[0], SETTINGS),
        suspected_labels([evaluated(1, 1_000, flips=0.05).items], SETTINGS),
    ):
        assert found.suspects
        assert "worth a second look" in found.finding
        assert "no proof that they are wrong" in found.finding


@pytest.mark.parametrize("models", [2, 3])
def test_models_that_agree_against_gold_more_often_than_by_chance_make_suspects(models):
    figures = []
    for seed in range(5):
        answers, flipped = several_models(seed, models, flips=0.05)
        found = suspected_labels(answers, SETTINGS)
        assert found.method == DISAGREEMENT
        assert len(found.models) == models
        assert found.p_value <= found.alpha
        figures.append(precision_and_recall(ids_of(found), flipped))
    precision, recall = np.mean(figures, axis=0)
    assert precision > (0.6 if models == 2 else 0.9)
    assert recall > 0.4


def test_models_are_joined_by_item_id():
    answers, _ = several_models(3, 2, flips=0.05)
    turned = replace(answers[1], items=answers[1].items[::-1])
    expected = suspected_labels(answers, SETTINGS)
    assert suspected_labels([answers[0], turned], SETTINGS) == expected
    fewer = replace(answers[1], items=answers[1].items[::-1][:400])
    assert suspected_labels([answers[0], fewer], SETTINGS).looked_at == 400


def test_rows_that_are_hard_for_all_models_are_no_suspects_where_their_confidence_says_so():
    suspected = sum(
        bool(suspected_labels(several_models(seed, 3, hard=0.3)[0], SETTINGS).suspects) for seed in range(20)
    )
    assert suspected <= 2
    # Without confidences the same rows look like wrong labels: the page says that it cannot tell.
    answers, _ = several_models(0, 3, hard=0.3)
    unsure = [replace(of, items=tuple(replace(item, confidence=None) for item in of.items)) for of in answers]
    assert any("hard for all" in note for note in suspected_labels(unsure, SETTINGS).notes)


def test_one_model_with_a_few_steps_of_confidence_says_that_it_cannot_tell():
    planted = evaluated(1, 600, flips=0.05)
    steps = [replace(item, confidence=round(item.confidence, 1)) for item in planted.items.items]
    found = suspected_labels([replace(planted.items, items=tuple(steps))], SETTINGS)
    assert not found.suspects
    assert "wrong where it is surest" in found.reason
    assert "second model" in found.finding


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "Fewer than 60"),
        ([evaluated_row(number, "approve", "decline", 0.9) for number in range(30)], "Fewer than 60"),
        ([evaluated_row(number, "approve", "decline") for number in range(90)], "One model without"),
        (
            [
                evaluated_row(number, "approve", "", state="refused", predicted_key=None)
                for number in range(90)
            ],
            "Fewer than 60",
        ),
    ],
)
def test_where_nothing_can_be_said_the_reason_stands_there(rows, reason):
    found = suspected_labels([of_rows(rows)], SETTINGS)
    assert reason in found.reason
    assert found.finding
    assert not found.rows


@pytest.mark.parametrize("said", ["approve", "decline"])
def test_rows_of_one_label_are_no_reason_to_suspect_any(said):
    generator = np.random.default_rng(0)
    rows = [
        evaluated_row(number, "approve", said, float(generator.uniform(0.5, 0.999))) for number in range(200)
    ]
    assert not suspected_labels([of_rows(rows)], SETTINGS).suspects


def test_a_label_that_no_gold_has_is_no_harm_to_cleanlab():
    planted = evaluated(1, 1_000, flips=0.05)
    rows = [
        replace(item, gold=LABELS[0], gold_key=LABELS[0], is_right=item.predicted == LABELS[0])
        if item.gold == LABELS[2]
        else item
        for item in planted.items.items
    ]
    assert suspected_labels([of_rows(rows)], SETTINGS).looked_at == 1_000


def test_a_missing_package_is_named_with_the_extra_that_has_it():
    with pytest.raises(StudyError, match="suspects need no_such_package_here") as caught:
        check_analysis_packages("suspects", "numpy", "no_such_package_here")
    assert "goldpan[analysis]" in str(caught.value)


def test_the_share_of_wrong_labels_is_estimated_and_alike_rows_count_less():
    generator = np.random.default_rng(5)
    confidence = 1 / (1 + np.exp(-generator.normal(3, 1.5, 4_000)))
    agrees = generator.random(4_000) < confidence
    flipped = generator.random(4_000) < 0.08
    contaminated = np.where(flipped, ~agrees, agrees)
    found = contamination(confidence, contaminated, 2)
    assert found.noise == pytest.approx(0.08, abs=0.02)
    assert found.p_value < 1e-6
    assert contamination(confidence, contaminated, 2, design_effect=50).p_value > found.p_value
    assert contamination(confidence, agrees, 2).p_value > 0.05
    with pytest.raises(ValueError, match="between 0 and 1"):
        contamination(np.array([1.2]), np.array([True]), 2)
