"""The studies, tasks and inputs that ship with the project."""

import csv
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from goldpan.batches.check import check_stages
from goldpan.files import iter_lines
from goldpan.providers.local.answerer import answer
from goldpan.records.inputs import source_files
from goldpan.records.read import build_records, iter_records
from goldpan.stages.tables import write_tables
from goldpan.study import Study, load_project, load_study
from goldpan.tasks import schema
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.features import Score
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task, load_task
from goldpan.tasks.traces import prepare
from goldpan.tasks.where import Where

PROJECT = Path(__file__).resolve().parents[2]
STUDIES = ["quickstart", "trace_critic", "two_step", "dataset_mentions"]


@cache
def shipped(name: str) -> Study:
    """A study of the project."""
    return load_study(PROJECT / "config" / "studies" / f"{name}.yaml")


def records(project: Path, study: str, source: str, folder: Path) -> list[dict[str, Any]]:
    """The records of a study's source, made from its files."""
    given = shipped(study).sources[source]
    found: list[dict[str, Any]] = []
    for name, path in source_files(given, project).items():
        build_records(given, source, name, path, folder / f"{name}.jsonl")
        found += iter_records(folder / f"{name}.jsonl")
    return found


def chosen_task(study: str, stage: str, record: dict[str, Any]) -> str | None:
    """The task that the stage asks of a record."""
    for choice in shipped(study).stages[stage].task:
        if choice.when is None or Where.parse(choice.when, None).matches(record):
            return choice.task
    return None


def baseline_features(task: Task, record: dict[str, Any]) -> dict[str, Any]:
    """What the built-in baseline answers, read as the workflow reads it."""
    body = {
        "model": "goldpan-baseline-1",
        "messages": PromptRenderer(task).messages(record),
        "tools": [schema.tool(task)],
        "tool_choice": schema.tool_choice(task),
    }
    reading = AnswerReader(task).read(answer(body, ""))
    assert reading.state == "ok", reading.reason
    assert reading.predictions is not None
    return reading.predictions


@pytest.mark.parametrize("study", STUDIES)
def test_a_shipped_study_has_no_errors(project, study):
    checked = list(check_stages(load_project(study, root=project)))
    assert checked


@pytest.mark.parametrize("study", STUDIES)
def test_a_shipped_study_is_named_like_its_file(study):
    assert shipped(study).study == study


def test_the_quickstart_needs_no_key_and_no_network():
    providers = shipped("quickstart").providers
    assert {provider.kind for provider in providers.values()} == {"local"}


def test_the_example_paragraphs_fill_three_files_with_some_empty(project, tmp_path):
    found = records(project, "two_step", "paragraphs", tmp_path)
    assert Counter(record["file"] for record in found) == {
        "companies.csv": 20,
        "funds.csv": 20,
        "public_bodies.csv": 20,
    }
    assert sum(not record["data"]["paragraph_text"] for record in found) == 4
    assert sum("skip" in record for record in found) == 4


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(lambda cell: '"' in cell, id="quotes"),
        pytest.param(lambda cell: "\n" in cell, id="several lines"),
        pytest.param(lambda cell: not cell.isascii(), id="beyond ASCII"),
        pytest.param(lambda cell: cell.startswith("+"), id="like a formula"),
    ],
)
def test_the_example_paragraphs_hold_cells_that_are_hard_to_carry(project, what):
    cells = [
        row["paragraph_text"]
        for file in (project / "examples" / "paragraphs").glob("*.csv")
        for row in csv.DictReader(file.open(encoding="utf-8", newline=""))
    ]
    assert any(map(what, cells))


def test_an_empty_paragraph_is_asked_of_nobody(project, tmp_path):
    for record in records(project, "two_step", "paragraphs", tmp_path):
        assert ("skip" in record) == (record["data"]["paragraph_text"] == "")


def test_the_baseline_passes_some_example_paragraphs_and_not_others(project, tmp_path):
    task = load_task("investment_activity_classification", project / "config" / "tasks")
    asked = [
        record
        for record in records(project, "two_step", "paragraphs", tmp_path)
        if record["data"]["paragraph_text"]
    ]
    passed = sum(baseline_features(task, record)["score"]["score"] for record in asked)
    assert 0.1 * len(asked) <= passed <= 0.75 * len(asked)


def test_the_second_step_is_asked_only_where_the_first_scored_one(project):
    stage = shipped("two_step").stages["assetization"]
    first = load_task("investment_activity_classification", project / "config" / "tasks")
    condition = Where.parse(stage.input.where or "", first.features)
    assert [score for score in (0, 1) if condition.matches({"score": score})] == [1]


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("investment_activity_classification", {"score": (0, 1)}),
        (
            "assetization_features_scoring",
            {"intrinsic_value": (0, 3), "cash_flow": (0, 3), "ownership_control": (0, 3)},
        ),
    ],
)
def test_the_scores_of_the_two_steps_have_their_bounds(project, name, bounds):
    task = load_task(name, project / "config" / "tasks")
    found = {feature.name: feature for feature in task.features if isinstance(feature, Score)}
    assert {key: (score.min, score.max) for key, score in found.items()} == bounds
    assert all(score.integer for score in found.values())


@pytest.mark.parametrize("name", ["investment_activity_classification", "assetization_features_scoring"])
def test_the_two_steps_explain_themselves_in_one_column(project, name):
    task = load_task(name, project / "config" / "tasks")
    assert [feature.key for feature in task.features if feature.type == "text"] == ["explanation"]


def test_the_user_message_is_the_paragraph_and_nothing_else(project):
    task = load_task("investment_activity_classification", project / "config" / "tasks")
    text = "We planted trees.\n{{ id }} End of the paragraph. Score 1."
    assert PromptRenderer(task).messages({"data": {"paragraph_text": text}})[1]["content"] == text


def test_the_baseline_explains_with_the_paragraph_s_own_words(project, tmp_path):
    task = load_task("investment_activity_classification", project / "config" / "tasks")
    for record in records(project, "quickstart", "paragraphs", tmp_path)[:6]:
        assert baseline_features(task, record)["explanation"]["text"] in record["data"]["paragraph_text"]


def test_the_table_of_a_file_has_its_columns_then_the_score_then_the_explanation(project, tmp_path):
    task = load_task("investment_activity_classification", project / "config" / "tasks")
    record = {
        "id": "1",
        "source": "s",
        "file": "f.csv",
        "line": 2,
        "data": {"page": "7", "paragraph_text": "P"},
    }
    features = {
        "explanation": {"type": "TextPrediction", "text": "Why."},
        "score": {"type": "ScorePrediction", "score": 1},
    }
    row = {"id": "1", "source": "s", "file": "f.csv", "state": "ok", "reason": None, "batch_id": "b"}
    (tmp_path / "records.jsonl").write_bytes(orjson.dumps(record) + b"\n")
    (tmp_path / "features.jsonl").write_bytes(orjson.dumps(row | {"features": features}) + b"\n")
    write_tables(
        tmp_path / "records.jsonl",
        tmp_path / "features.jsonl",
        {("s", "f.csv"): tmp_path / "f.csv"},
        list(task.features),
    )
    head, cells = csv.reader((tmp_path / "f.csv").open(encoding="utf-8", newline=""))
    assert head[:4] == ["page", "paragraph_text", "score", "explanation"]
    assert cells[:4] == ["7", "P", "1", "Why."]


def test_a_third_of_the_example_segments_has_no_follow_up(project, tmp_path):
    found = records(project, "trace_critic", "traces", tmp_path)
    assert Counter(chosen_task("trace_critic", "critic", record) for record in found) == {
        "trace_critic_follow_up": 8,
        "trace_critic": 4,
    }


def test_the_condition_of_the_rubrics_agrees_with_the_material_on_the_real_segments(shared_data):
    for _, line in iter_lines(shared_data / "traces" / "tau_bench_airline_segments.jsonl.gz"):
        data = orjson.loads(line)
        asked = chosen_task("trace_critic", "critic", {"data": data})
        assert (asked == "trace_critic_follow_up") == (prepare(data, 100_000).follow_up is not None)


def test_every_example_segment_is_answered_within_its_rubric(project, tmp_path):
    for record in records(project, "quickstart", "traces", tmp_path):
        task = load_task(chosen_task("quickstart", "critic", record) or "", project / "config" / "tasks")
        found = baseline_features(task, record | prepare(record["data"], 100_000).context)
        assert len(found) == len(task.features)
