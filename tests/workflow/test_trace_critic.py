"""The trace critic over 300 real segments: every one is accounted for, with the rubric that fits it."""

import gzip
import re
import shutil
from collections import Counter

import orjson
import pytest

from goldpan.tasks.task import load_task
from tests.projects import shipped_study

SEGMENTS = "tau_bench_airline_segments.jsonl.gz"
RUBRICS = {19: "trace_critic", 28: "trace_critic_follow_up"}
# What each type of feature is called in a row, and the keys it has there.
PREDICTIONS = {
    "text": {"type": "TextPrediction", "keys": {"type", "text"}},
    "classification": {"type": "ClassificationPrediction", "keys": {"type", "label", "rationale"}},
    "binary": {"type": "BinaryPrediction", "keys": {"type", "detected", "rationale"}},
}


@pytest.fixture(scope="module")
def segments(shared_data):
    """The real segments by the id that their records are to have."""
    lines = gzip.decompress((shared_data / "traces" / SEGMENTS).read_bytes()).splitlines()
    rows = [orjson.loads(line) for line in lines]
    return {f"conv_{row['conversation_id']}__{row['segment_id']}": row["trace_segment"] for row in rows}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shared_data):
    """The shipped study over the real segments, answered by the built-in baseline."""
    project, study = shipped_study(tmp_path_factory.mktemp("critic") / "project", "trace_critic")
    (project.root / "traces").mkdir()
    shutil.copy(shared_data / "traces" / SEGMENTS, project.root / "traces")
    study["sources"]["traces"]["files"] = f"traces/{SEGMENTS}"
    study["stages"]["critic"].update(provider="baseline", model="goldpan-baseline-1")
    project.write_study(study)
    project.run()
    return project


@pytest.fixture(scope="module")
def rows(finished):
    return finished.rows("stages/critic/features.jsonl")


def test_each_of_the_300_segments_has_one_row_and_one_state(finished, rows, segments):
    assert len(segments) == 300
    assert [row["id"] for row in rows] == list(segments)
    summary = finished.json("stages/critic/summary.json")
    assert summary["records"] == sum(summary["states"].values()) == 300
    assert {state: count for state, count in summary["states"].items() if count} == {"ok": 300}


def test_200_segments_have_28_features_and_100_have_19(finished, rows):
    assert Counter(row["feature_count"] for row in rows) == {28: 200, 19: 100}
    tasks = finished.json("stages/critic/summary.json")["tasks"]
    assert {name: (task["features"], task["records"]) for name, task in tasks.items()} == {
        "trace_critic_follow_up": (28, 200),
        "trace_critic": (19, 100),
    }


def test_the_rubric_is_chosen_by_the_follow_up_message(rows, segments):
    for row in rows:
        has_follow_up = segments[row["id"]].get("follow_up_user_message") is not None
        assert row["task"] == RUBRICS[28 if has_follow_up else 19]


def test_the_custom_id_names_conversation_and_segment(rows):
    assert {row["custom_id"] for row in rows} == {f"req__{row['id']}" for row in rows}
    assert all(re.fullmatch(r"req__conv_[\w-]+__seg_\w+", row["custom_id"]) for row in rows)


def test_each_feature_is_typed_as_its_rubric_says(rows, project):
    for task in RUBRICS.values():
        features = load_task(task, project / "config" / "tasks").features
        for row in (row for row in rows if row["task"] == task):
            assert list(row["features"]) == [feature.name for feature in features]
            for feature in features:
                prediction, expected = row["features"][feature.name], PREDICTIONS[feature.type]
                assert prediction["type"] == expected["type"]
                assert prediction.keys() == expected["keys"]


def test_a_row_has_the_documented_keys_and_says_where_it_came_from(finished, rows, project):
    batches = {finished.json("stages/critic/round1/batches/0000.json")["batch_id"]}
    hashes = {task: load_task(task, project / "config" / "tasks").hash for task in RUBRICS.values()}
    for row in rows:
        assert list(row)[:11] == [
            *("id", "source", "file", "state", "reason", "batch_id", "custom_id", "model", "usage"),
            *("features", "feature_count"),
        ]
        assert row["feature_count"] == len(row["features"])
        assert (row["source"], row["file"], row["round"]) == ("traces", SEGMENTS, 1)
        assert row["batch_id"] in batches
        assert row["model"] == "goldpan-baseline-1"
        assert row["task_hash"] == hashes[row["task"]]
        assert re.fullmatch("[0-9a-f]{64}", row["request_key"])
        usage = row["usage"]
        assert usage["prompt_tokens"] > 0 and usage["completion_tokens"] > 0
        assert {"cached_tokens", "cache_write_tokens", "reasoning_tokens"} <= usage.keys()


def test_the_summary_says_that_a_baseline_answered(finished):
    summary = finished.json("stages/critic/summary.json")
    assert summary["baseline"] is True
    assert summary["models"] == {"goldpan-baseline-1": 300}
    assert "weak annotator" in finished.goldpan("summary").stdout
