"""Waiting for batches, stopping and going on; what is refused before it costs; keys that stay secret."""

import os
import re
import signal
import subprocess

import pytest

from goldpan.serve import running_server
from tests.faults.conftest import ROWS, comparable, make_project, scripted_answer
from tests.projects import WorkflowProject, until
from tests.scripted_service import refusal, scripted_service

SECRET = "sk-trial-9f3b1c77d2aa4e0e8b51"
AN_HOUR = 3600.0
WAIT_LOG = "logs/stages/topics/round1/wait.log"
CREATE, UPLOAD = ("POST", "/v1/batches"), ("POST", "/v1/files")


@pytest.fixture
def slow_server(tmp_path):
    """An endpoint whose batches take an hour, or as long as a test sets `engine.seconds_per_batch` to."""
    with running_server(tmp_path / "server", answerer=scripted_answer, seconds_per_batch=AN_HOUR) as running:
        yield running


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path / "server", answerer=scripted_answer) as running:
        yield running


def one_batch_project(tmp_path, server, **stage) -> WorkflowProject:
    return make_project(tmp_path / "project", server.base_url, limits={"requests": ROWS}, **stage)


def start(project: WorkflowProject) -> subprocess.Popen:
    """Start a run in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        project.command(), cwd=project.root, env=project.env(), text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def is_waiting(project: WorkflowProject) -> bool:
    log = project.artifact(WAIT_LOG)
    return log.exists() and "in_progress" in log.read_text()


def features_are_whole(project: WorkflowProject) -> bool:
    rows = comparable(project)
    return len({row["id"] for row in rows}) == ROWS and {row["state"] for row in rows} == {"ok"}


def test_wait_false_submits_and_exits_and_a_later_run_goes_on(tmp_path, slow_server):
    project = one_batch_project(tmp_path, slow_server, wait=False)
    first = project.run(check=False)
    assert first.returncode == 3
    (batch,) = slow_server.engine.list_batches()
    assert f"1 of 1 batches are still open: {batch.id} (in_progress)" in first.stdout
    assert "nothing is wrong: the study says `wait: false`" in first.stdout
    for word_of_failure in ("Traceback", "Error in rule", "Exception", "Logfile", "job execution failed"):
        assert word_of_failure not in first.stdout
    assert first.stdout.splitlines()[-1].startswith("goldpan: waiting, run again: ")

    slow_server.engine.seconds_per_batch = 0
    until(lambda: slow_server.engine.list_batches()[0].status == "completed")
    project.run()
    assert slow_server.calls[CREATE] == slow_server.calls[UPLOAD] == 1
    assert features_are_whole(project)


def test_after_ctrl_c_the_same_command_goes_on_and_pays_nothing_more(tmp_path, slow_server):
    project = one_batch_project(tmp_path, slow_server)
    process = start(project)
    until(lambda: is_waiting(project), process)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "goldpan: stopped; run the same command again to go on" in output
    assert "Traceback" not in output
    assert not project.artifact("stages/topics/round1/completion.json").exists()

    slow_server.engine.seconds_per_batch = 0
    project.run()
    assert slow_server.calls[CREATE] == slow_server.calls[UPLOAD] == 1
    assert features_are_whole(project)


def rows_done(project: WorkflowProject) -> list[int]:
    """What the progress lines have said so far."""
    return [
        int(count) for count in re.findall(rf"(\d+)/{ROWS} rows done", project.artifact(WAIT_LOG).read_text())
    ]


def test_progress_lines_show_rows_done_as_they_come(tmp_path, slow_server):
    project = one_batch_project(tmp_path, slow_server, poll={"first": 0.2, "longest": 0.2})
    process = start(project)
    until(lambda: is_waiting(project), process)
    slow_server.engine.seconds_per_batch = 60
    until(lambda: len(set(rows_done(project))) > 2, process)
    slow_server.engine.seconds_per_batch = 0
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    done = rows_done(project)
    assert done == sorted(done)
    assert done[0] < done[-1] == ROWS
    assert re.search(r"topics, round 1: 1/1 batches, 60/60 rows done, 0 failed, \d+:\d\d elapsed", output)


def test_a_stage_over_its_budget_is_refused_before_anything_is_uploaded(tmp_path, server):
    project = one_batch_project(tmp_path, server, budget_usd=0.05, price_usd_per_million=[10.0, 40.0])
    run = project.run(check=False)
    assert run.returncode != 0
    estimate = project.json("stages/topics/round1/requests/plan.json")["estimate"]["cost_usd"]
    assert estimate > 0.05
    assert f"the estimate of {estimate:.4f} USD is above the budget of 0.0500 USD" in run.stdout
    assert "nothing was uploaded" in run.stdout
    assert {call: count for call, count in server.calls.items() if call[0] == "POST"} == {}

    study = project.root / "config" / "studies" / "notes.yaml"
    study.write_text(study.read_text().replace("budget_usd: 0.05", "budget_usd: 1.0"))
    project.run()
    assert features_are_whole(project)


def test_a_budget_without_a_known_price_is_refused(tmp_path, server):
    project = one_batch_project(tmp_path, server, budget_usd=100)
    run = project.run(check=False)
    assert run.returncode != 0
    assert "no price is known for model 'scripted-1', so the budget cannot be kept" in run.stdout
    assert "`price_usd_per_million`" in run.stdout
    assert server.calls[UPLOAD] == server.calls[CREATE] == 0


def test_a_second_run_at_the_same_time_is_refused_and_harms_nothing(tmp_path, slow_server):
    project = one_batch_project(tmp_path, slow_server)
    process = start(project)
    until(lambda: is_waiting(project), process)
    second = project.run(check=False)
    assert second.returncode != 0
    assert "another run works on" in second.stdout
    assert f"process {process.pid}" in second.stdout
    assert "Traceback" not in second.stdout
    slow_server.engine.seconds_per_batch = 0
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert slow_server.calls[CREATE] == 1
    assert features_are_whole(project)


def holding(project: WorkflowProject, secret: str) -> list[str]:
    """Files of a project that hold a text, also where it is compressed in the ledger."""
    files = [path for path in project.root.rglob("*") if path.is_file() and not path.is_symlink()]
    found = [str(path) for path in files if secret.encode() in path.read_bytes()]
    with project.ledger() as ledger:
        found += [
            answer.state for _, answer in ledger.all_answers() if secret.encode() in (answer.line or b"")
        ]
    return found


def with_key(project: WorkflowProject, key: str) -> WorkflowProject:
    """The project with its provider's key in the environment."""
    study = project.root / "config" / "studies" / "notes.yaml"
    study.write_text(
        study.read_text().replace("    kind: openai", "    kind: openai\n    api_key_env: TRIAL_KEY")
    )
    project.environment["TRIAL_KEY"] = key
    return project


def test_the_api_key_is_in_no_file_and_no_message_of_a_run(tmp_path):
    with running_server(tmp_path / "server", answerer=scripted_answer, api_key=SECRET) as server:
        project = with_key(one_batch_project(tmp_path, server), SECRET)
        run = project.run("--verbose", "--printshellcmds")
        more = [project.goldpan(*command).stdout for command in (["batches", "list"], ["summary"])]
    assert features_are_whole(project)
    assert SECRET not in run.stdout + "".join(more)
    assert holding(project, SECRET) == []


def test_a_service_that_repeats_the_key_in_its_refusal_does_not_bring_it_into_a_file(tmp_path):
    with scripted_service() as service:
        service.on(
            "GET",
            "/files",
            lambda heard: refusal(401, f"Incorrect API key: {heard.headers['authorization']}"),
        )
        project = with_key(one_batch_project(tmp_path, service), SECRET)
        run = project.run(check=False)
        assert service.heard("GET", "/files")[0].headers["authorization"] == f"Bearer {SECRET}"
    assert run.returncode != 0
    assert "the service answered 401 (t): Incorrect API key: Bearer [key]" in run.stdout
    assert SECRET not in run.stdout
    assert holding(project, SECRET) == []


def test_a_missing_key_is_named_before_anything_is_sent(tmp_path, server):
    project = with_key(one_batch_project(tmp_path, server), "")
    run = project.run(check=False)
    assert run.returncode != 0
    assert "MissingOutputException" not in run.stdout  # a step that fails is known by its exit code
    assert "the environment variable TRIAL_KEY, which holds the API key, is not set" in run.stdout
    assert server.calls.total() == 0
