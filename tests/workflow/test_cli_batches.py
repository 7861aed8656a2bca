"""The commands that look after batches: what they ask, what they change, and how they end."""

import signal
import subprocess
import sys

import pytest

from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import ROWS, SHARDS, make_project, scripted_answer
from tests.projects import WorkflowProject, notes_study, printed_table, until

SHARD_NAMES = [f"{number:04d}" for number in range(SHARDS)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An endpoint whose first batches stay open until they are cancelled; one row of each is answered."""
    faults = FaultPlan.of({"fault": "stalled", "after": 1, "batches": list(range(1, 40))})
    with running_server(
        tmp_path_factory.mktemp("server"), answerer=scripted_answer, faults=faults
    ) as running:
        yield running


@pytest.fixture(scope="module")
def planned(tmp_path_factory, server):
    """A project whose request files are made and not sent."""
    project = make_project(tmp_path_factory.mktemp("planned") / "project", server.base_url, wait=False)
    names = [f"results/notes/stages/topics/round1/requests/{shard}.jsonl" for shard in SHARD_NAMES]
    project.run("results/notes/stages/topics/round1/requests/plan.json")
    project.run(*names)
    return project


def submit(project: WorkflowProject) -> WorkflowProject:
    """Send all batches, as the rules do."""
    for shard in SHARD_NAMES:
        project.goldpan("step", "submit", "topics", "--shard", shard)
    return project


@pytest.fixture(scope="module")
def submitted(planned, tmp_path_factory):
    """A project whose batches are with the provider and stay open; for looking only."""
    return submit(planned.copy(tmp_path_factory.mktemp("submitted") / "project"))


def test_list_shows_every_batch_with_status_task_rows_and_age(finished, tmp_path):
    topics, details = printed_table(finished.goldpan("batches", "list").stdout)
    assert topics["batch"].startswith("batch_")
    assert (topics["task"], topics["rows"], topics["done"], topics["bad"]) == ("topic", "30", "30", "0")
    assert topics["status"] == details["status"] == "settled (completed)"
    assert topics["age"].endswith(" min")
    assert finished.goldpan("batches", "list", "--open").stdout == "no batches of study notes\n"


def test_each_batch_has_its_metadata_on_disk(finished):
    listed = printed_table(finished.goldpan("batches", "list").stdout)[0]
    written = finished.json("stages/topics/round1/batches/0000.json")
    assert (written["batch_id"], written["requests"]) == (listed["batch"], 30)
    assert written["tasks"].keys() == {"topic"}
    with finished.ledger() as ledger:
        assert written["shard_hash"] == ledger.submissions()[0].shard


def test_status_asks_the_provider(submitted):
    rows = printed_table(submitted.goldpan("batches", "status").stdout)
    assert len(rows) == SHARDS
    one = printed_table(submitted.goldpan("batches", "status", rows[0]["batch"]).stdout)
    assert [row["batch"] for row in one] == [rows[0]["batch"]]
    assert sum(int(row["rows"]) for row in rows) == ROWS


def test_status_of_a_batch_that_the_ledger_does_not_know_is_an_error(finished):
    done = finished.goldpan("batches", "status", "batch_nobody", check=False)
    assert done.returncode == 1
    assert "the ledger knows no batch 'batch_nobody'" in done.stdout
    assert "`goldpan batches list` shows those it knows" in done.stdout


def test_cancel_asks_first_and_no_answer_is_a_no(submitted, server):
    done = submitted.goldpan("batches", "cancel", "all", check=False)
    assert done.returncode == 1
    assert f"cancel {SHARDS} batches with {ROWS} requests?" in done.stdout
    assert "nothing was cancelled" in done.stdout
    with submitted.ledger() as ledger:
        assert all(server.engine.batch(given.batch_id).is_open for given in ledger.submissions())


def test_cancel_after_a_yes_keeps_what_was_answered(planned, server, tmp_path):
    project = submit(planned.copy(tmp_path / "project"))
    with project.ledger() as ledger:
        ids = [given.batch_id for given in ledger.submissions()]
    until(lambda: all(server.engine.batch(id_).status == "in_progress" for id_ in ids))
    answer = subprocess.run(
        [sys.executable, "-m", "goldpan", "batches", "cancel", "all"],
        cwd=project.root, env=project.env(), input="yes\n", capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert project.goldpan("batches", "wait").stdout.endswith(
        "all batches are terminal; the next run takes their answers over\n"
    )
    project.run()
    states = project.json("stages/topics/summary.json")["states"]
    assert states["ok"] + states["failed"] == ROWS
    assert states["failed"] >= ROWS - SHARDS
    again = project.goldpan("batches", "cancel", "all")
    assert "there is nothing to cancel" in again.stdout
    assert f"{states['failed']} requests may be asked again" in project.goldpan("retry", "topics").stdout


def test_wait_without_open_batches_ends_at_once(finished):
    assert finished.goldpan("batches", "wait").stdout == "no open batches\n"


@pytest.fixture
def doubtful(planned, tmp_path):
    """A project that stopped at its paid call, and the number of its submission in doubt."""
    project = planned.copy(tmp_path / "project")
    project.environment |= {"GOLDPAN_STOP_AT": "paying", "GOLDPAN_STOP_FILE": str(tmp_path / "stopped")}
    command = [sys.executable, "-m", "goldpan", "step", "submit", "topics", "--shard", "0000"]
    process = subprocess.Popen(command, cwd=project.root, env=project.env())
    until(lambda: (tmp_path / "stopped").exists())
    process.kill()
    process.wait()
    project.environment.clear()
    with project.ledger() as ledger:
        return project, ledger.submissions(only_open=True)[0].id


def test_adopt_takes_the_batch_that_was_made_and_no_other(doubtful, server):
    project, number = doubtful
    assert printed_table(project.goldpan("batches", "list", "--open").stdout)[0]["status"] == "in doubt"
    with project.ledger() as ledger:
        given = ledger.submission(number)
    other = server.engine.create_batch(server.engine.list_batches()[0].input_file_id)
    refused = project.goldpan("batches", "adopt", str(number), other.id, check=False)
    assert refused.returncode == 1
    assert f"batch {other.id} was not made for submission {number}" in refused.stdout
    assert given.nonce in refused.stdout

    made = server.engine.create_batch(given.file_id)
    assert made.id in project.goldpan("batches", "adopt", str(number), made.id).stdout
    with project.ledger() as ledger:
        assert ledger.submission(number).batch_id == made.id
    done = project.goldpan("batches", "adopt", str(number), made.id, check=False)
    assert f"there is no submission {number} in doubt" in done.stdout


def test_adopt_none_lets_the_shard_be_submitted_again(doubtful, server):
    project, number = doubtful
    before = len(server.engine.list_batches())
    said = project.goldpan("batches", "adopt", str(number), "none").stdout
    assert "will be submitted again on the next run" in said
    project.goldpan("step", "submit", "topics", "--shard", "0000")
    assert len(server.engine.list_batches()) == before + 1
    with project.ledger() as ledger:
        assert [given.state for given in ledger.submissions()] == ["void", "created"]


def test_a_batch_of_another_study_is_not_asked_of_this_ones_provider(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    project.write_study({**notes_study(), "study": "other"})
    batch = finished.json("stages/topics/round1/batches/0000.json")["batch_id"]
    done = project.goldpan("batches", "status", batch, "--study", "other", check=False)
    assert done.returncode == 1
    assert "belongs to stage `topics` of study `notes`" in done.stdout
    assert "--study notes" in done.stdout


def test_waiting_by_hand_for_open_batches_ends_with_3_when_the_study_does_not_wait(submitted):
    done = submitted.goldpan("step", "wait", "topics", check=False)
    assert done.returncode == 3
    assert "are still open" in done.stdout


def test_ctrl_c_ends_a_command_with_130_and_no_traceback(submitted):
    process = subprocess.Popen(
        [sys.executable, "-m", "goldpan", "batches", "wait"], cwd=submitted.root, env=submitted.env(),
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert f"{SHARDS} of {SHARDS} batches open" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    assert "Traceback" not in rest
    assert "run the same command again to go on" in rest
