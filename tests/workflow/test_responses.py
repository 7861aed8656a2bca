"""A study asked at the responses endpoint, through Snakemake, the SDK and `goldpan serve`."""

import json

import orjson
import pytest

from goldpan.serve import running_server
from tests.projects import WorkflowProject, note_rows, two_stage_study
from tests.strict_service import refusals


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project run to its end: by a tool call for a model that has no chat completions, then by a schema."""
    root = tmp_path_factory.mktemp("responses")
    project = WorkflowProject.create(root / "project")
    with running_server(root / "service") as server:
        study = two_stage_study()
        study["providers"]["main"] = {"kind": "openai", "base_url": server.base_url}
        study["stages"]["topics"].update(model="gpt-5-pro", params={"max_completion_tokens": 9000})
        study["stages"]["details"].update(
            model="gpt-5.6-luna", endpoint="responses", output="json_schema", params={"verbosity": "low"}
        )
        for settings in study["stages"].values():
            settings["poll"] = {"first": 0.1, "longest": 0.2}
        project.write_study(study)
        project.write_rows("notes/a.jsonl", note_rows(9))
        project.run()
        project.batches = [batch.endpoint for batch in server.engine.list_batches()]
    return project


def requests_of(project, stage):
    requests = project.put_away(f"stages/{stage}/round1/requests/0000.jsonl")
    return [orjson.loads(line) for line in requests.splitlines()]


def test_every_record_is_answered(finished):
    assert {row["state"] for row in finished.rows("stages/topics/features.jsonl")} == {"ok"}
    assert {row["state"] for row in finished.rows("stages/details/features.jsonl")} <= {"ok", "skipped"}
    assert "ok" in {row["state"] for row in finished.rows("stages/details/features.jsonl")}


def test_the_batches_are_of_that_endpoint_and_the_ledger_knows(finished):
    assert finished.batches == ["/v1/responses", "/v1/responses"]
    with finished.ledger() as ledger:
        assert {submission.endpoint for submission in ledger.submissions()} == {"/v1/responses"}
    for stage in ("topics", "details"):
        assert finished.json(f"stages/{stage}/round1/requests/plan.json")["endpoint"] == "/v1/responses"


def test_the_service_would_take_the_requests(finished):
    for stage in ("topics", "details"):
        lines = requests_of(finished, stage)
        assert lines
        for line in lines:
            assert refusals(line) == []


def test_the_requests_have_the_shape_of_that_endpoint(finished):
    called, written = requests_of(finished, "topics")[0]["body"], requests_of(finished, "details")[0]["body"]
    assert list(called) == [
        "model", "store", "max_output_tokens", "parallel_tool_calls", "tools", "tool_choice", "input",
    ]  # fmt: skip
    assert called["store"] is False
    assert called["max_output_tokens"] == 9000
    assert called["tools"][0]["name"] == called["tool_choice"]["name"] == "topic"
    assert [message["role"] for message in called["input"]] == ["system", "user"]
    assert written["text"]["verbosity"] == "low"
    assert written["text"]["format"]["type"] == "json_schema"
    assert "tools" not in written


def test_tokens_are_counted(finished):
    summary = json.loads(finished.artifact("stages/topics/summary.json").read_text())
    assert summary["tokens"]["prompt"] > 0


def test_nothing_is_left_to_be_done(finished):
    assert "Nothing to be done" in finished.run().stdout
