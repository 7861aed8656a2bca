"""A run that is stopped in its second round, and what a person may do before the same command goes on."""

import os
import shutil
import signal
import subprocess

import pytest

from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import comparable, make_project, scripted_answer
from tests.faults.test_crashes import kill_group, start_until
from tests.projects import WorkflowProject, note_rows, printed_table, until

ROWS, LEFT = 5, 2


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An endpoint at which two rows of the first batch fail."""
    faults = FaultPlan.of({"fault": "row_error", "rows": "n[01]$", "batches": [1]})
    with running_server(
        tmp_path_factory.mktemp("server"), answerer=scripted_answer, faults=faults
    ) as running:
        yield running


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, server) -> WorkflowProject:
    """A project that was killed in round 2, right after the paid call."""
    project = make_project(tmp_path_factory.mktemp("stopped") / "project", server.base_url)
    project.write_rows("notes/a.jsonl", note_rows(ROWS))
    project.run("results/notes/stages/topics/round1/settled.json")
    kill_group(*start_until(project, "created"))
    assert project.paid() == ROWS + LEFT
    return project


def delete_the_results(project):
    shutil.rmtree(project.root / "results")


def add_rows(project):
    project.write_rows("notes/a.jsonl", note_rows(ROWS + 2))


def make_smaller_shards(project):
    study = project.root / "config" / "studies" / "notes.yaml"
    study.write_text(study.read_text().replace("requests: 25", "requests: 1"))


def edit_the_prompt(project):
    project.write("config/tasks/topic.user.j2", "A note: {{ data.text }}")


EDITS = {
    "the results are deleted": (delete_the_results, 0),
    "rows are added": (add_rows, 2),
    "shards become smaller": (make_smaller_shards, 0),
    "the prompt is edited": (edit_the_prompt, ROWS),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_before_the_run_goes_on_pays_for_what_is_new_and_no_more(name, stopped, tmp_path):
    edit, new_requests = EDITS[name]
    project = stopped.copy(tmp_path / "project")
    edit(project)
    project.run()
    assert project.paid() == ROWS + LEFT + new_requests
    assert {row["state"] for row in comparable(project)} == {"ok"}
    assert "Nothing to be done" in project.run("--dry-run").stdout


def test_what_is_answered_is_usable_although_a_later_round_is_refused_by_the_budget(stopped, tmp_path):
    project = stopped.copy(tmp_path / "project")
    study = project.root / "config" / "studies" / "notes.yaml"
    text = study.read_text()
    budget = "    price_usd_per_million: [10000.0, 40000.0]\n    budget_usd: 0.0001\n    model:"
    study.write_text(text.replace("    model:", budget))
    edit_the_prompt(project)  # what was under way is of the old prompt
    refused = project.run(check=False)
    assert refused.returncode == 1
    assert "above the budget" in refused.stdout
    assert "`goldpan features topics --study notes`" in refused.stdout
    said = project.goldpan("features", "topics").stdout
    assert f"{ROWS} pending ({ROWS} over_budget)" in said
    (row,) = printed_table(project.goldpan("summary").stdout)
    assert (row["ok"], row["others"]) == ("0", f"{ROWS} pending")
    assert not project.artifact("stages/topics/features.jsonl").exists()

    study.write_text(text)
    project.write("config/tasks/topic.user.j2", "Note:\n{{ data.text }}")
    project.run()
    assert project.paid() == ROWS + LEFT
    assert {row["state"] for row in comparable(project)} == {"ok"}
    assert not project.artifact("stages/topics/partial").exists()


def test_a_second_round_goes_on_after_failed_uploads_ctrl_c_and_a_run_that_may_not_wait(tmp_path):
    port = 0

    def serving(*faults, **settings):
        rows = {"fault": "row_error", "rows": "n[01]$", "batches": [1]}
        plan = FaultPlan.of(rows, *faults)
        return running_server(
            tmp_path / "server", answerer=scripted_answer, faults=plan, port=port, **settings
        )

    with serving() as server:
        project = make_project(tmp_path / "project", server.base_url)
        project.write_rows("notes/a.jsonl", note_rows(ROWS))
        study = project.root / "config" / "studies" / "notes.yaml"
        impatient = study.read_text().replace("grace_seconds:", "patience_seconds: 1.0\n    grace_seconds:")
        study.write_text(impatient)
        project.run("results/notes/stages/topics/round1/settled.json")
        port = server.port

    with serving({"fault": "server_error", "calls": ["upload"], "status": 500, "times": 1000}) as server:
        failed = project.run(check=False)
        assert failed.returncode == 1 and "Submitting shard 0000 of stage topics" in failed.stdout
        assert len(server.engine.list_batches()) == 1

    with serving(seconds_per_batch=3600.0) as server:
        log = project.artifact("logs/stages/topics/round2/wait.log")
        process = subprocess.Popen(
            project.command(), cwd=project.root, env=project.env(), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: log.exists() and "in_progress" in log.read_text(), process)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode != 0

        study.write_text(impatient.replace("    model:", "    wait: false\n    model:"))
        assert project.run(check=False).returncode == 3
        server.engine.seconds_per_batch = 0
        until(lambda: all(batch.status == "completed" for batch in server.engine.list_batches()))
        project.run()
        assert [batch.total for batch in server.engine.list_batches()] == [LEFT, ROWS]
        assert {row["state"] for row in comparable(project)} == {"ok"}
        assert "Nothing to be done" in project.run("--dry-run").stdout


def test_a_second_round_that_the_budget_refuses_goes_on_once_it_is_raised(tmp_path):
    def dear_answer(body, custom_id):
        usage = {"prompt_tokens": 100, "completion_tokens": 10_000, "total_tokens": 10_100}
        return {**scripted_answer(body, custom_id), "usage": usage}

    faults = FaultPlan.of({"fault": "row_error", "rows": "n[01]$", "batches": [1]})
    with running_server(tmp_path / "server", answerer=dear_answer, faults=faults) as server:
        project = make_project(
            tmp_path / "project", server.base_url, price_usd_per_million=[10.0, 40.0], budget_usd=0.5
        )
        project.write_rows("notes/a.jsonl", note_rows(ROWS))
        for _ in range(2):
            refused = project.run(check=False)
            assert refused.returncode == 1
            assert "1.2030 USD are spent" in refused.stdout and "above the budget" in refused.stdout
            assert project.artifact("stages/topics/round2/requests/plan.json").exists()
            assert len(server.engine.list_batches()) == 1
        study = project.root / "config" / "studies" / "notes.yaml"
        study.write_text(study.read_text().replace("budget_usd: 0.5", "budget_usd: 100"))
        project.run()
        assert [batch.total for batch in server.engine.list_batches()] == [LEFT, ROWS]
        assert {row["state"] for row in comparable(project)} == {"ok"}


def test_a_mostly_bad_round_is_not_asked_again_until_a_person_says_so(tmp_path):
    faults = FaultPlan.of({"fault": "not_json", "rows": "n[0-2]$", "batches": [1, 2]})
    with running_server(tmp_path / "server", answerer=scripted_answer, faults=faults) as server:
        project = make_project(tmp_path / "project", server.base_url)
        project.write_rows("notes/a.jsonl", note_rows(ROWS))
        stopped = project.run(check=False)
        assert stopped.returncode == 1
        assert "3 of 5 answers so far are bad (3 invalid)" in stopped.stdout
        assert "3 invalid: the answer is not valid JSON" in stopped.stdout
        assert "go_on=topics" in stopped.stdout
        assert "2 ok" in project.goldpan("features", "topics").stdout
        unknown = project.run("--config", "go_on=topic", check=False)
        assert "go_on names no stage: topic" in unknown.stdout
        assert len(server.engine.list_batches()) == 1

        kill_group(*start_until(project, "intent_written", "--config", "go_on=topics"))
        project.run()  # the word was given; it holds for round 3, too
        assert [batch.total for batch in server.engine.list_batches()] == [3, 3, 5]
        assert {row["state"] for row in comparable(project)} == {"ok"}
        assert "Nothing to be done" in project.run("--dry-run").stdout
