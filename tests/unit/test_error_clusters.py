"""Clusters of wrong rows, and confidence that is too high: what is found, and where nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from goldpan.error_analysis.calibration import calibration_errors
from goldpan.error_analysis.clusters import BY_WORDS, error_clusters
from goldpan.error_analysis.slices import worst_slices
from goldpan.errors import EmbeddingError
from goldpan.statistics.scan import scan
from goldpan.study.error_analysis import ErrorAnalysis
from tests.error_items import BILLING, IRONY, evaluated, evaluated_row, of_rows
from tests.head_builders import write_embeddings, write_records

SETTINGS = ErrorAnalysis()


def test_two_planted_clusters_are_found_apart_and_named_by_their_own_words():
    planted = evaluated(1, 500, clusters=30)
    found = error_clusters(planted.items, SETTINGS, 0.0125)
    assert len(found.clusters) == 2
    assert found.by == BY_WORDS
    rows = list(found.listed())
    for cluster in found.clusters:
        named = set(cluster.name.split(", "))
        words, members = (BILLING, planted.billing) if named <= set(BILLING) else (IRONY, planted.irony)
        assert named <= set(words)
        inside = [row.item_id for row in rows if row.name == cluster.name]
        assert len(inside) == cluster.items
        assert len(set(inside) & members) / len(inside) > 0.9
        assert cluster.examples == tuple(inside[:5])
        assert cluster.error_rate.value == cluster.items / cluster.near > 0.5
    assert {row.list for row in rows} == {"clusters"}
    assert found.alone == sum(not item.is_right for item in planted.items.items) - len(rows)


def test_a_small_level_finds_what_is_plain_and_one_that_cannot_be_reached_says_so():
    planted = evaluated(3, 150, clusters=25)
    assert error_clusters(planted.items, SETTINGS, 0.001 / 24).clusters
    beyond = error_clusters(planted.items, SETTINGS, 5e-6)
    assert "out of reach" in beyond.reason
    assert "out of reach" in worst_slices(planted.items, SETTINGS, 5e-6).reason


def test_a_test_that_ended_early_tells_no_p_value_but_what_it_is_above():
    found = error_clusters(evaluated(3, 300).items, SETTINGS, 0.001)
    assert not found.clusters
    assert (found.p_value, found.p_above) == (None, 0.001)
    assert "may be chance (p > 0.001)" in found.finding


def test_the_same_rows_give_the_same_clusters():
    planted = evaluated(2, 300, clusters=20)
    assert error_clusters(planted.items, SETTINGS) == error_clusters(planted.items, SETTINGS)


def test_a_label_in_the_record_makes_no_cluster():
    generator = np.random.default_rng(0)
    rows = [
        evaluated_row(
            number,
            "approve",
            "approve" if (right := generator.random() < 0.7) else "decline",
            data={
                "text": " ".join(generator.choice(BILLING + IRONY, 8)),
                "verdict": "fine" if right else "overturned",
            },
        )
        for number in range(300)
    ]
    assert not error_clusters(of_rows(rows), SETTINGS).clusters


def test_rows_are_compared_by_an_embedding_that_is_joined_by_id(tmp_path):
    generator = np.random.default_rng(3)
    wrong = np.zeros(300, dtype=bool)
    wrong[:40] = True
    wrong[generator.choice(np.arange(40, 300), 25, replace=False)] = True
    vectors = generator.normal(size=(300, 16))
    vectors[:40, 0] += 8
    rows = [
        evaluated_row(number, "approve", "decline" if wrong[number] else "approve") for number in range(300)
    ]
    # The file has the rows in another order, one that nobody asks about, and lacks two.
    order = generator.permutation(300)
    records = write_records(
        tmp_path / "records.jsonl", [{"id": f"notes/{number}"} for number in order] + [{"id": "notes/other"}]
    )
    stored = np.array([*(vectors[number] for number in order if number not in (50, 60)), vectors[0]])
    path = write_embeddings(
        tmp_path / "rows.h5", records, stored, skip={"notes/50": "no text", "notes/60": "no text"}
    )
    settings = ErrorAnalysis(embedding="small")
    found = error_clusters(of_rows(rows), settings, 0.05, [path])
    assert found.by == "small"
    assert len(found.clusters) == 1
    inside = {int(row.item_id[-5:]) for row in found.listed()}
    assert len(inside & set(range(40))) > 30
    assert len(inside - set(range(40))) < 5
    assert any("2 rows have no embedding" in note for note in found.notes)
    with pytest.raises(EmbeddingError, match="no group `other`"):
        error_clusters(of_rows(rows), settings, 0.05, [path], "other")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "No row is evaluated"),
        ([evaluated_row(number, "approve", "approve") for number in range(60)], "are right"),
        ([evaluated_row(number, "approve", "decline") for number in range(60)], "are wrong, so none"),
        (
            [evaluated_row(number, "approve", ("decline", "approve")[number % 2]) for number in range(20)],
            "of 40",
        ),
        (
            [
                evaluated_row(number, "approve", ("decline", "approve")[number % 2], data={"text": ""})
                for number in range(60)
            ],
            "No evaluated row has a place",
        ),
        (
            [
                evaluated_row(number, "approve", ("decline", "approve")[number % 2], data={"n": number})
                for number in range(60)
            ],
            "No evaluated row has a place",
        ),
    ],
)
def test_where_no_cluster_can_be_looked_for_the_reason_stands_there(rows, reason):
    found = error_clusters(of_rows(rows), SETTINGS)
    assert reason in found.reason
    assert not found.clusters


def test_rows_of_one_text_all_are_no_cluster():
    rows = [
        evaluated_row(number, "approve", "decline" if number % 3 == 0 else "approve", data={"text": text})
        for number, text in enumerate(["the same few words", "other words than these ones"] * 60)
    ]
    assert not error_clusters(of_rows(rows), SETTINGS).clusters


def test_groups_that_are_wrong_as_a_whole_are_no_cluster_of_errors():
    reported = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        centres = generator.normal(size=(40, 8)) * 4
        groups = np.repeat(np.arange(40), 8)
        points = centres[groups] + generator.normal(size=(320, 8))
        wrong = (generator.random(40) < 0.2)[groups]
        if not 0 < wrong.sum() < 320:
            continue
        assert scan(points, wrong, 0.05, seed).zones
        reported += bool(scan(points, wrong, 0.05, seed, groups).zones)
    assert reported <= 3


def test_the_bin_in_which_a_model_is_too_sure_is_found():
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.5, 1, 600)
    right = generator.random(600) < np.where(confidence > 0.9, confidence - 0.2, confidence)
    found = calibration_errors(rows_with(confidence, right), 0.05)
    significant = [of for of in found.overconfident if of.is_significant]
    assert [of.bin.low for of in significant] == [0.9]
    assert significant[0].gap == pytest.approx(0.2, abs=0.08)
    assert "Too sure between 0.9 and 1.0" in found.finding
    groups = rows_with(confidence, right, group="one")
    assert not any(of.is_significant for of in calibration_errors(groups, 0.05).overconfident)


def test_a_model_that_is_not_sure_enough_is_not_called_too_sure():
    generator = np.random.default_rng(2)
    confidence = generator.uniform(0.5, 0.8, 400)
    found = calibration_errors(rows_with(confidence, generator.random(400) < 0.97), 0.05)
    assert not any(of.is_significant for of in found.overconfident)
    assert found.calibration.ece > 0.1


def test_few_rows_missing_and_equal_confidences_are_said():
    found = calibration_errors(rows_with(np.full(20, 0.9), np.arange(20) % 2 == 0), 0.05)
    assert any("Only 20 rows" in note for note in found.notes)
    assert any("All confidences are the same" in note for note in found.notes)
    rows = [evaluated_row(number, "approve", "approve", 0.9 if number % 2 else None) for number in range(80)]
    found = calibration_errors(of_rows(rows), 0.05)
    assert found.calibration.without == 40
    assert any("40 answered rows have no confidence" in note for note in found.notes)
    unsure = of_rows([replace(row, confidence=None) for row in rows])
    assert "No confidence is known" in calibration_errors(unsure, 0.05).reason
    failed = of_rows([replace(row, confidence=None, state="failed") for row in rows])
    assert "No row has an answer" in calibration_errors(failed, 0.05).reason


def rows_with(confidence, right, group=""):
    return of_rows(
        [
            evaluated_row(number, "approve", "approve" if is_right else "decline", float(sure), group=group)
            for number, (sure, is_right) in enumerate(zip(confidence, right, strict=True))
        ]
    )
