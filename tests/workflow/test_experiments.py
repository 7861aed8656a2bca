"""Runs of two tiny modules: recorded by the workflow, kept, and compared after a prompt was edited."""

import csv
import io
import os
import signal
import time

import orjson
import pytest

from goldpan.cli import main
from goldpan.experiments.command import snakemake_arguments
from goldpan.experiments.record import record_run
from goldpan.files import read_json
from goldpan.providers.engine import completion
from goldpan.study import load_project
from tests.online_service import Say, online_service
from tests.projects import WorkflowProject, ran

TABLE = """
modules:
  topic: {name: ClassifyTopic, kind: classification, funnel: first}
  asks: {name: AsksForHelp, kind: validation, funnel: second}
"""
STUDY = """
study: golden
modules:
  table: config/modules.yaml
  data: golden
  stage: {provider: here, model: goldpan-baseline-1}
providers: {here: {kind: local}}
"""
TOPIC = {
    "task": "topic",
    "description": "What a note is about.",
    "prompt": {"user": "topic.user.j2"},
    "features": [
        {
            "name": "topic",
            "type": "classification",
            "description": "What the note is about.",
            "labels": ["cat", "engine", "rain"],
            "rationale": True,
        }
    ],
    "expected": {"topic": {"field": "expected.topic"}},
}
ASKS = {
    "task": "asks",
    "description": "Whether a note asks for help.",
    "prompt": {"user": "asks.user.j2"},
    "features": [{"name": "asks", "type": "binary", "description": "The note asks for help at once."}],
    "expected": {"asks": {"field": "expected.asks"}},
}
TEXTS = {"cat": "the cat sleeps", "engine": "the engine is loud", "rain": "rain falls all day"}


def golden_rows(count: int) -> list[dict[str, object]]:
    rows = []
    for number in range(count):
        topic = list(TEXTS)[number % 3]
        rows.append(
            {
                "id": f"r{number}",
                "input": {"text": f"Note {number}: {TEXTS[topic]}", "tags": ["a", "b"]},
                "expected": {"topic": topic, "asks": number % 4 == 0},
                "metadata": {"difficulty": "plain"},
            }
        )
    return rows


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The project after two runs, between which one prompt shows engines in place of cats."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("experiments"), study="golden")
    project.write("config/modules.yaml", TABLE)
    project.write("config/studies/golden.yaml", STUDY)
    for task in (TOPIC, ASKS):
        project.write_task(task)
        project.write(f"config/tasks/{task['task']}.user.j2", "{{ data.input.text }}")
        project.write_rows(f"golden/{task['task']}.jsonl", golden_rows(12))
    first = project.run()
    before = {path.name: path.read_bytes() for path in (project.root / "runs").glob("*.*")}
    project.write("config/tasks/topic.user.j2", "{{ data.input.text | replace('cat', 'engine') }}")
    second = project.run()
    return project, first, before, second


def runs_of(project, module):
    registry = read_json(project.root / "runs" / "registry.json")
    return [run for run in registry["runs"] if run["module"] == module]


@pytest.mark.timeout(900)
def test_a_run_of_each_module_is_kept_and_only_what_was_edited_is_run_again(twice):
    project, first, before, _ = twice
    assert "record_run" in ran(first)
    topics = runs_of(project, "topic")
    assert [run["prompt_version"] for run in topics] == [1, 2]
    assert len(runs_of(project, "asks")) == 1
    after = {path.name: path.read_bytes() for path in (project.root / "runs").glob("*.*")}
    kept = before.keys() - {"registry.json"}
    assert len(kept) == 4
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert len(after) == len(before) + 2
    assert project.json("runs/topic.json")["id"] == topics[1]["id"]


def test_the_table_of_a_run_has_what_went_in_what_was_right_and_what_came_out(twice):
    project, *_ = twice
    text = project.artifact("runs/topic.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    answers = {row["id"]: row for row in project.rows("stages/topic/features.jsonl")}
    assert len(rows) == 12
    for row, given in zip(rows, golden_rows(12), strict=True):
        answer = answers[row["id"]]["features"]["topic"]
        assert row["input.text"] == given["input"]["text"]
        assert row["input.tags"] == '["a","b"]'
        assert row["metadata.difficulty"] == "plain"
        assert row["expected.topic"] == given["expected"]["topic"]
        assert row["answer.topic"] == answer["label"]
        assert row["reasoning.topic"] == answer["rationale"]
        assert row["right.topic"] == ("yes" if answer["label"] == given["expected"]["topic"] else "no")
        assert row["state"] == "ok"
    (metrics,) = project.json("runs/topic.json")["metrics"]
    accuracy = next(figure for figure in metrics["figures"] if figure["name"] == "accuracy")
    right = [row["right.topic"] == "yes" for row in rows]
    assert accuracy["raw"]["value"] == pytest.approx(sum(right) / len(right), abs=1e-6)
    assert metrics["items"]["evaluated"] == len(right) and metrics["baselines"]


def test_compare_names_the_rows_that_the_edit_changed_and_no_others(twice, capsys):
    project, *_ = twice
    ids = [run["id"] for run in runs_of(project, "topic")]
    page_file = project.root / "compare.html"
    assert (
        main(
            ["experiments", "compare", *ids, "--json", "--html", str(page_file), "--root", str(project.root)]
        )
        == 0
    )
    found = orjson.loads(capsys.readouterr().out)
    cats = [row["id"] for row in golden_rows(12) if row["expected"]["topic"] == "cat"]
    assert [row["id"] for row in found["changed"]] == cats
    assert found["features"][0]["worse"] == cats
    assert found["features"][0]["mcnemar"] == {
        "only_first_right": 4,
        "only_second_right": 0,
        "p_value": 0.125,
    }
    assert "-{{ data.input.text }}" in found["prompt_diff"]
    page = page_file.read_text()
    assert all(f">{name}<" in page for name in cats)
    assert "Note 0: the cat sleeps" in page and "replace(&#39;cat&#39;" in page
    assert ">r1<" not in page


def test_what_was_changed_since_its_last_run_is_pending(twice, tmp_path, capsys):
    project = twice[0].copy(tmp_path / "project")
    command = ["experiments", "pending", "--root", str(project.root)]
    assert main(command) == 0
    assert "nothing is pending" in capsys.readouterr().out
    project.write_rows("golden/asks.jsonl", golden_rows(13))
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "asks" in said and said.endswith(": data\n") and "topic" not in said


def test_a_run_that_is_gone_from_the_history_is_written_anew(twice, tmp_path):
    project = twice[0].copy(tmp_path / "project")
    name = runs_of(project, "asks")[0]["id"]
    kept = (project.root / "runs" / f"{name}.csv").read_bytes()
    for suffix in ("json", "csv"):
        (project.root / "runs" / f"{name}.{suffix}").unlink()
    loaded = load_project(root=project.root)
    command = snakemake_arguments(loaded, ["topic", "asks"])
    forced = command[command.index("--forcerun") + 1 : command.index("--cores")]
    assert forced == ["results/golden/runs/asks.json"]
    assert record_run(loaded, "asks").id == name
    assert (project.root / "runs" / f"{name}.csv").read_bytes() == kept
    assert [run["id"] for run in runs_of(project, "asks")] == [name]


ONLINE = """
study: golden
modules:
  table: config/modules.yaml
  data: golden
  only: [topic]
  stage: {provider: service, model: m, mode: online, max_rounds: 1, price_usd_per_million: [1, 2]}
providers: {service: {kind: openai, base_url: ADDRESS}}
"""


@pytest.mark.timeout(900)
def test_a_killed_recording_and_two_prompts_with_known_answers(tmp_path):
    """A scripted endpoint answers the second prompt otherwise on three known rows."""
    rows = golden_rows(12)
    expected = {row["input"]["text"]: row["expected"]["topic"] for row in rows}
    wrong = {1: {"r1", "r2"}, 2: {"r2", "r4", "r5"}}  # so r1 gets better, r4 and r5 worse
    ids = {row["input"]["text"]: row["id"] for row in rows}

    def script(call):
        version, _, text = call.text.partition("> ")
        if ids[text] == "r7" and version == "2":
            return Say(status=400)
        topics = ["cat", "engine", "rain"]
        topic = expected[text]
        if ids[text] in wrong[int(version)]:
            topic = topics[(topics.index(topic) + 1) % 3]
        answer = {"topic_rationale": f"as {version}", "topic": topic}
        return Say(body=completion({"model": "m", "messages": []}, answer))

    project = WorkflowProject.create(tmp_path / "project", study="golden")
    project.write("config/modules.yaml", TABLE)
    project.write_task(TOPIC)
    project.write_rows("golden/topic.jsonl", rows)
    runs = project.root / "runs"
    with online_service(script) as service:
        project.write("config/studies/golden.yaml", ONLINE.replace("ADDRESS", service.base_url))
        project.write("config/tasks/topic.user.j2", "1> {{ data.input.text }}")
        marker = tmp_path / "stopped"
        process = project.start(own_group=True, GOLDPAN_STOP_AT="run_written", GOLDPAN_STOP_FILE=str(marker))
        deadline = time.monotonic() + 120
        try:
            while not (marker.exists() and marker.read_text()):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        # The run is whole; what is made of it is not there, and any command that lists runs says so.
        assert not (runs / "registry.json").exists() and len(list(runs.glob("*.json"))) == 1
        assert (
            "experiments rebuild` makes that anew" in project.goldpan("experiments", "stats", "topic").stdout
        )
        project.goldpan("experiments", "rebuild")
        rebuilt = (runs / "registry.json").read_bytes(), (runs / "leaderboard" / "topic.html").read_bytes()
        asked = len(service.calls)
        project.run()
        assert len(service.calls) == asked
        assert rebuilt == (
            (runs / "registry.json").read_bytes(),
            (runs / "leaderboard" / "topic.html").read_bytes(),
        )
        project.write("config/tasks/topic.user.j2", "2> {{ data.input.text }}")
        project.run()
    first, second = runs_of(project, "topic")
    said = project.goldpan("experiments", "compare", first["id"], second["id"], "--json").stdout
    found = orjson.loads(said)
    assert {row["id"]: row["changes"]["topic"] for row in found["changed"]} == {
        **{"r1": "better", "r4": "worse", "r5": "worse", "r7": "worse"}
    }
    (feature,) = found["features"]
    assert (feature["rows"], feature["right"], feature["both_wrong"]) == (12, [10, 8], 1)
    page = (runs / "leaderboard" / "topic.html").read_text()
    assert first["id"] in page and second["id"] in page and "0.833 [" in page and "0.667 [" in page
    folder = tmp_path / "classic"
    project.goldpan("experiments", "export", "topic", "--csv", str(folder))
    assert sorted(path.name[:9] for path in folder.iterdir()) == ["topic_v1_", "topic_v2_"]
