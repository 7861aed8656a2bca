"""A stage that a model of one's own answers, each shard in a job: killed, deleted, asked of other weights."""

import json
import os
import shutil
import signal
import sys

import pytest

from tests.projects import CHECKOUT, WorkflowProject, note_rows, notes_study, until
from tests.tiny_llm import make_tiny_llm

pytest.importorskip("torch", reason="models of one's own need the extra `models`")

ROWS = 12
FEATURES = "results/notes/stages/topics/features.jsonl"
ANSWERED = "stages/topics/round1/answered/0000.json"


class OwnModels(WorkflowProject):
    """The project of notes, whose stage is asked of the baseline or of a model of one's own, by one word."""

    def ask(self, provider):
        study = notes_study()
        vllm = f"{sys.executable} {CHECKOUT / 'tests' / 'fake_vllm.py'}"
        study["providers"] = {
            "main": {"kind": "local"},
            "vllm": {"kind": "vllm", "model": "model", "command": vllm},
            "own": {"kind": "transformers", "model": "model", "device": "cpu"},
        }
        study["stages"]["topics"] |= {"provider": provider, "params": {"max_completion_tokens": 120}}
        self.write_study(study)

    def weights(self, seed):
        make_tiny_llm(self.root / "model", seed)

    def order(self, **misdeeds):
        self.write("fake.json", json.dumps(misdeeds))

    def calls(self):
        """What `vllm run-batch` was asked, call by call."""
        calls = self.root / "fake.calls"
        return (
            [json.loads(line)["asked"] for line in calls.read_text().splitlines()] if calls.exists() else []
        )

    def models(self):
        return {row["model"] for row in self.rows("stages/topics/features.jsonl")}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A project whose answers by the baseline are there; then asked of a model of one's own, by one word, and
    killed half way. Not to be changed."""
    project = OwnModels.create(tmp_path_factory.mktemp("own") / "project")
    project.environment["FAKE_VLLM"] = str(project.root / "fake.json")
    project.write_rows("notes/a.jsonl", note_rows(ROWS))
    project.weights(1)
    project.ask("main")
    project.run(FEATURES)
    assert project.models() == {"goldpan-baseline-1"} and not (project.root / ".goldpan/engines").exists()
    project.ask("vllm")
    project.order(after=5, hangs=True)
    run = project.start(FEATURES, own_group=True)
    engines = project.root / ".goldpan" / "engines"
    until(
        lambda: any(file.read_bytes().count(b"\n") == 5 for file in engines.glob("vllm/*/answers.jsonl")), run
    )
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    project.order()
    return project


@pytest.fixture(scope="module")
def finished(killed, tmp_path_factory):
    """The same, run again to its end."""
    project = OwnModels(
        killed.copy(tmp_path_factory.mktemp("done") / "project").root, dict(killed.environment)
    )
    project.environment["FAKE_VLLM"] = str(project.root / "fake.json")
    (project.root / "fake.calls").unlink()
    project.run()
    return project


def test_a_job_that_was_killed_asks_only_what_has_no_answer(killed, finished):
    assert killed.calls() == [[f"req__n{at}" for at in range(ROWS)]]
    assert finished.calls() == [[f"req__n{at}" for at in range(5, ROWS)]]
    assert finished.paid() == 2 * ROWS
    rows = finished.rows("stages/topics/features.jsonl")
    assert [row["state"] for row in rows] == ["ok"] * ROWS
    [model] = finished.models()
    assert model.startswith("model@")


def test_what_the_jobs_cost_is_told_in_seconds_and_tokens_and_no_money(finished):
    answered = finished.json(ANSWERED)
    assert (answered["completed"], answered["completion_tokens"]) == (ROWS, 10 * ROWS)
    summary = finished.json("stages/topics/summary.json")
    assert summary["cost_usd"] == 0.0 and summary["tokens"]["completion"] == 10 * ROWS
    assert summary["device"]["answers"] == {"vllm on 1 GPU": ROWS}
    assert summary["device"]["seconds"] == pytest.approx(answered["device_seconds"], abs=0.01)
    assert "answered here at no cost, 12 on vllm on 1 GPU" in finished.goldpan("summary").stdout
    assert "12 on vllm on 1 GPU" in finished.artifact("index.html").read_text()


def test_a_second_run_has_nothing_to_do_in_either_mode(finished):
    assert "Nothing to be done" in finished.run("--config", "mode=online").stdout


def test_waiting_by_hand_says_which_job_is_missing_and_never_works(killed, tmp_path):
    project = OwnModels(killed.copy(tmp_path / "project").root, dict(killed.environment))
    before = killed.calls()
    waiting = project.goldpan("step", "wait", "topics", check=False)
    assert waiting.returncode == 3
    assert "no job answers batch_" in waiting.stdout and "goldpan step answer topics" in waiting.stdout
    said = project.goldpan("batches", "wait").stdout
    assert "1 batches are answered by jobs of `snakemake`, and are not waited for here" in said
    assert killed.calls() == before


def test_other_weights_are_asked_anew_and_the_former_ones_by_nobody_even_when_results_are_gone(
    finished, tmp_path
):
    project = OwnModels(finished.copy(tmp_path / "project").root, dict(finished.environment))
    project.environment["FAKE_VLLM"] = str(project.root / "fake.json")
    before, [first] = project.calls(), project.models()
    project.weights(2)
    project.ask("own")
    project.run(FEATURES)
    [second] = project.models()
    assert second != first and second.startswith("model@")
    assert [row["state"] for row in project.rows("stages/topics/features.jsonl")] == ["ok"] * ROWS
    assert project.json("stages/topics/summary.json")["device"]["answers"] == {"cpu": ROWS}
    paid = project.paid()
    project.weights(1)
    shutil.rmtree(project.root / "results")
    project.run(FEATURES)
    # Of the same weights, whoever has computed with them.
    assert (project.calls(), project.paid()) == (before, paid)
    assert project.models() == {first}
    assert project.json("stages/topics/summary.json")["device"]["answers"] == {"vllm on 1 GPU": ROWS}
