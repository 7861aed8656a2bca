"""Reading predictions: joined by id alone, nothing lost, nothing taken for something else."""

import pytest

from goldpan.errors import SourceError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import read_annotated, read_stage
from goldpan.waves.items import item_id
from tests.evaluation_builders import prediction, stage_row, write_lines
from tests.wave_builders import COMPLAINT, STARS, TONE, TOPICS

TONES = {"tone": FeatureValues(TONE)}
IDS = [item_id(f"r{n}") for n in range(5)]


def tone(value, confidence=None):
    return {"tone": prediction(TONE, value, confidence)}


def stage(folder, *rows, features=TONES):
    return read_stage("m", write_lines(folder / "features.jsonl", rows), features, IDS)


def annotated(folder, *rows, features, heads=None):
    return read_annotated("m", [write_lines(folder / "a.jsonl", rows)], features, IDS, heads or {})


def test_predictions_are_found_by_id_in_any_order(tmp_path):
    rows = [stage_row(n, tone(["Positive", "Negative", "Neutral"][n])) for n in (2, 0, 1)]
    found = stage(tmp_path, *rows)
    assert [found.of("tone", item).value for item in IDS[:3]] == ["Positive", "Negative", "Neutral"]


def test_the_state_of_a_row_is_kept_and_a_row_that_is_not_there_is_missing(tmp_path):
    found = stage(
        tmp_path,
        stage_row(0, {}, state="refused", reason="content_filter"),
        stage_row(1, {}),
        stage_row(2, tone(None)),
    )
    assert [found.of("tone", item).state for item in IDS[:4]] == ["refused", "not_asked", "ok", "missing"]


def test_an_answer_of_a_row_that_is_not_ok_is_no_answer(tmp_path):
    found = stage(tmp_path, stage_row(0, tone("Positive"), state="invalid"))
    assert found.of("tone", IDS[0]).value is None
    assert found.counts["tone"].records == 0


def test_all_rows_are_counted_and_only_those_of_gold_items_kept(tmp_path):
    rows = [stage_row(n, tone("Neutral" if n % 2 else "Positive")) for n in range(10)]
    found = stage(tmp_path, *rows, stage_row(10, {}, state="failed"))
    assert found.counts["tone"].keys == {"Positive": 5, "Neutral": 5}
    assert found.states == {"ok": 10, "failed": 1}
    assert len(found.of_items["tone"]) == 5
    assert found.models == {"some-model-1": 11} and found.tasks == {"review": "ab" * 32}


def test_confidence_is_that_of_the_prediction_or_the_share_of_samples_that_agree(tmp_path):
    samples = [{"state": "ok", "features": tone(value)} for value in ("Positive", "Positive", "Neutral")]
    found = stage(
        tmp_path,
        stage_row(0, tone("Positive", 0.7)),
        stage_row(1, tone("Positive"), samples=[*samples, {"state": "failed", "features": {}}]),
        stage_row(2, tone("Positive")),
    )
    assert [found.of("tone", item).confidence for item in IDS[:3]] == [0.7, pytest.approx(2 / 3), None]


def test_two_rows_of_one_record_are_refused(tmp_path):
    with pytest.raises(SourceError, match="two rows of record `r1`"):
        stage(tmp_path, stage_row(1, tone("Positive")), stage_row(1, tone("Neutral")))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": ...}, "lacks `id`"),
        ({"id": 7}, "`id` is no text"),
        ({"state": ...}, "lacks `state`"),
        ({"features": {"tone": {"type": "Surprise"}}}, "`features.tone` is no prediction"),
    ],
)
def test_rows_that_are_none_are_refused_with_file_and_line(tmp_path, row, message):
    with pytest.raises(SourceError, match=message) as caught:
        row = {"id": "r1", "source": "s", "file": "f", "state": "ok", "features": {}} | row
        row = {key: value for key, value in row.items() if value is not ...}
        stage(tmp_path, stage_row(0, tone("Neutral")), row)
    assert caught.value.where.endswith("features.jsonl, line 2")


def test_heads_are_read_from_annotated_files(tmp_path):
    features = {
        "tone": FeatureValues(TONE),
        "stars": FeatureValues(STARS),
        "complaint": FeatureValues(COMPLAINT),
    }
    row = {
        "id": "r0",
        "label_tone": "Neutral",
        "probability_tone": 0.8,
        "score_quality": 3.4,
        "label_complaint": "true",
    }
    found = annotated(tmp_path, row, {"id": "r1"}, features=features, heads={"stars": "quality"})
    assert found.of("tone", IDS[0]).value == "Neutral" and found.of("tone", IDS[0]).confidence == 0.8
    assert found.of("stars", IDS[0]).value == 3.4
    assert found.of("complaint", IDS[0]).value is True
    assert found.of("tone", IDS[1]).state == "not_asked"
    assert found.counts["stars"].total == pytest.approx(3.4)


@pytest.mark.parametrize(
    ("feature", "key", "value"),
    [
        (COMPLAINT, "label_complaint", '"perhaps"'),
        (STARS, "score_stars", '"many"'),
        (STARS, "score_stars", "NaN"),
        (TOPICS, "label_topics", '"price"'),
    ],
)
def test_a_value_that_does_not_fit_its_feature_is_refused(tmp_path, feature, key, value):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": "r0", "{key}": {value}}}\n')
    with pytest.raises(SourceError) as caught:
        read_annotated("m", [path], {feature.name: FeatureValues(feature)}, IDS, {})
    assert caught.value.where.endswith("a.jsonl, line 1")


@pytest.mark.parametrize("own", ["yesterday", 1_790_000_000_000, None])
def test_a_key_of_annotated_rows_that_is_called_answered_at_is_the_users_own(tmp_path, own):
    row = {"id": "r0", "label_complaint": True, "answered_at": own}
    read = annotated(tmp_path, row, features={"complaint": FeatureValues(COMPLAINT)})
    assert read.answered is None
