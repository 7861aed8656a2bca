"""An endpoint that answers late, wrongly, partly or not at all."""

import contextlib
import re

import pytest

from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import ROWS, SHARDS, comparable, make_project, scripted_answer
from tests.projects import note_rows, until
from tests.stage_builders import answer_all, with_records


@pytest.fixture
def project_with(tmp_path):
    """A project and its endpoint, which has faults."""
    with contextlib.ExitStack() as servers:

        def make(*faults, **stage):
            plan = FaultPlan(faults=list(faults))
            context = running_server(tmp_path / "server", answerer=scripted_answer, faults=plan)
            server = servers.enter_context(context)
            return make_project(tmp_path / "project", server.base_url, **stage), server

        yield make


@pytest.fixture
def run_with(project_with):
    """Run such a project once by Snakemake; returns project, server and the finished run."""

    def run(*faults, check=True, **stage):
        project, server = project_with(*faults, **stage)
        return project, server, project.run(check=check)

    return run


@pytest.fixture
def answered_with(project_with):
    """Take such a project through its steps in this process, seconds quicker; returns project and server."""

    def run(*faults, **stage):
        project, server = project_with(*faults, **stage)
        answer_all(with_records(project.root))
        return project, server

    return run


HARMLESS = {
    "the answer to the paid call is lost": {"fault": "lost_answer", "calls": ["create"]},
    "the answer to a download is lost": {"fault": "lost_answer", "calls": ["content"]},
    "429 at the paid call": {"fault": "rate_limited", "calls": ["create"], "retry_after": 0.2},
    "500 after the paid call had its effect": {
        "fault": "server_error",
        "calls": ["create"],
        "after_effect": True,
    },
    "a download that breaks off": {"fault": "truncated_download"},
    "a download that is silently short": {"fault": "short_download"},
    "shuffled output": {"fault": "shuffled"},
    "a slow answer": {"fault": "slow", "calls": ["create"], "seconds": 0.5},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_passing_fault_changes_nothing_and_costs_nothing(name, answered_with, undisturbed):
    project, server = answered_with(HARMLESS[name])
    assert len(server.engine.list_batches()) == SHARDS
    assert comparable(project) == undisturbed


NOT_ARRIVED = {
    "the connection drops": {"fault": "lost_request", "calls": ["create"]},
    "a 504": {"fault": "server_error", "status": 504, "calls": ["create"]},
}


@pytest.mark.parametrize("name", NOT_ARRIVED)
def test_a_paid_call_that_did_not_arrive_is_made_again_once_later_batches_are_proof(
    name, run_with, undisturbed
):
    project, server, run = run_with(NOT_ARRIVED[name], check=False)
    assert "it is not certain whether the paid call went through" in run.stdout
    # A shard in doubt stops for want of proof until the others are with the service.
    for _ in range(SHARDS):
        if run.returncode == 0:
            break
        # Which of the shards that are sent side by side met the fault is chance.
        assert re.search(r"goldpan batches adopt \d none", run.stdout), run.stdout
        run = project.run(check=False)
    assert run.returncode == 0, run.stdout
    assert len(server.engine.list_batches()) == SHARDS
    assert comparable(project) == undisturbed


def test_a_paid_call_that_did_not_arrive_and_nothing_proves_it_is_for_a_person_to_decide(run_with):
    fault = {"fault": "lost_request", "calls": ["create"]}
    project, server, run = run_with(fault, check=False, limits={"requests": ROWS})
    for _ in range(2):
        assert run.returncode != 0
        assert "nothing was paid again" in run.stdout
        assert server.engine.list_batches() == []
        run = project.run(check=False)
    said = project.goldpan("batches", "adopt", "1", "none").stdout
    assert "will be submitted again" in said
    project.run()
    assert len(server.engine.list_batches()) == 1
    assert [row["state"] for row in comparable(project)] == ["ok"] * ROWS


def test_a_batch_that_its_service_forgot_stops_after_the_rest_and_can_be_given_up(
    tmp_path, server, undisturbed
):
    server.engine.seconds_per_batch = 3600
    project = make_project(tmp_path / "project", server.base_url, wait=False)
    project.run(check=False)
    server.engine.seconds_per_batch = 0
    until(lambda: all(batch.status == "completed" for batch in server.engine.list_batches()))
    lost = server.engine.list_batches()[0].id
    (tmp_path / "server" / "batches" / f"{lost}.json").unlink()
    study = project.root / "config" / "studies" / "notes.yaml"
    study.write_text(study.read_text().replace("wait: false", "wait: true"))

    stopped = project.run(check=False)
    assert stopped.returncode != 0
    assert f"batch {lost}" in stopped.stdout and "the provider does not know it (404)" in stopped.stdout
    with project.ledger() as ledger:
        assert sorted(known.state for known in ledger.submissions()) == ["created", "settled", "settled"]

    assert "will be asked again" in project.goldpan("batches", "give-up", lost, "--ask-again", "--yes").stdout
    project.run()
    assert len(server.engine.list_batches()) == SHARDS
    assert [{**row, "round": 1} for row in comparable(project)] == undisturbed


ASKED_AGAIN = {
    "rows in neither file": {"fault": "missing", "every": 5, "times": 12},
    "rows that failed with 500": {"fault": "row_error", "every": 5, "times": 12},
    "rows that failed with 429": {"fault": "row_error", "status": 429, "every": 5, "times": 12},
    "answers that are not JSON": {"fault": "not_json", "every": 5, "times": 12},
    "answers with a label outside the set": {"fault": "unknown_label", "every": 5, "times": 12},
    "a batch that expired half way": {"fault": "expired", "after": 4, "batches": [1]},
}


@pytest.mark.parametrize("name", ASKED_AGAIN)
def test_rows_without_a_good_answer_are_asked_again_and_only_those(name, answered_with, undisturbed):
    project, server = answered_with(ASKED_AGAIN[name])
    asked = sum(batch.total for batch in server.engine.list_batches())
    settled = project.json("stages/topics/round1/settled.json")
    assert settled["left"] > 0
    assert asked == ROWS + settled["left"]
    states = [{**row, "round": 1} for row in comparable(project)]
    assert [row["state"] for row in states] == ["ok"] * ROWS
    assert [row["features"] for row in states] == [row["features"] for row in undisturbed]


FINAL = {
    "refused": ({"fault": "refused", "rows": "req__n7"}, "refused"),
    "content filter": ({"fault": "content_filter", "rows": "req__n7"}, "refused"),
    "truncated": ({"fault": "truncated", "rows": "req__n7"}, "truncated"),
    "a bad request": ({"fault": "row_error", "rows": "req__n7", "status": 400}, "failed"),
    "always malformed": ({"fault": "not_json", "rows": "req__n7"}, "invalid"),
}


@pytest.mark.parametrize("name", FINAL)
def test_a_row_without_an_answer_keeps_its_state_and_its_place(name, answered_with):
    fault, state = FINAL[name]
    project, _ = answered_with(fault)
    rows = {row["id"]: row for row in project.rows("stages/topics/features.jsonl")}
    assert len(rows) == ROWS
    assert rows["n7"]["state"] == state
    assert rows["n7"]["reason"]
    summary = project.json("stages/topics/summary.json")
    assert summary["states"]["ok"] == ROWS - 1
    assert summary["states"][state] == 1


def test_a_row_that_is_always_in_neither_file_is_missing(answered_with):
    # Another row is bad as well: a batch without any line would be in doubt.
    project, _ = answered_with(
        {"fault": "missing", "rows": "req__n7"}, {"fault": "not_json", "rows": "req__n8"}
    )
    rows = {row["id"]: row for row in project.rows("stages/topics/features.jsonl")}
    assert {name: rows[name]["state"] for name in ("n7", "n8")} == {"n7": "missing", "n8": "invalid"}
    assert rows["n7"]["reason"]


def test_a_row_that_is_lost_alone_in_its_batch_is_for_a_person_to_decide(run_with):
    project, server, stopped = run_with({"fault": "missing", "rows": "req__n7"}, check=False)
    assert stopped.returncode != 0
    assert "it counts 1 rows as answered, and names no output file" in stopped.stdout
    assert "Traceback" not in stopped.stdout
    lone = max(server.engine.list_batches(), key=lambda batch: batch.created_at).id
    assert f"`goldpan batches give-up {lone} --ask-again --study notes`" in stopped.stdout
    project.goldpan("batches", "give-up", lone, "--record", "--yes")
    project.run()
    assert len(server.engine.list_batches()) == SHARDS + 1
    rows = {row["id"]: row for row in project.rows("stages/topics/features.jsonl")}
    assert (len(rows), rows["n7"]["state"]) == (ROWS, "missing")


def test_a_batch_refused_for_lack_of_room_is_queued_and_sent_again(answered_with, undisturbed):
    project, server = answered_with({"fault": "failed_validation", "times": 2})
    statuses = sorted(batch.status for batch in server.engine.list_batches())
    assert statuses == ["completed"] * SHARDS + ["failed"] * 2
    assert comparable(project) == undisturbed


def test_a_batch_that_failed_at_validation_is_recorded_with_its_code(answered_with):
    fault = {
        "fault": "failed_validation",
        "code": "invalid_json_line",
        "message": "line 3",
        "batches": [1, 4, 5],
    }
    project, _ = answered_with(fault, max_rounds=2)
    summary = project.json("stages/topics/summary.json")
    assert summary["records"] == ROWS
    assert sum(summary["states"].values()) == ROWS
    failed = [row for row in project.rows("stages/topics/features.jsonl") if row["state"] == "failed"]
    assert {row["reason"] for row in failed} <= {"batch_failed: invalid_json_line"}


def test_a_completed_batch_without_an_output_file_is_read(answered_with):
    project, _ = answered_with({"fault": "row_error", "status": 400})
    assert project.json("stages/topics/summary.json")["states"]["failed"] == ROWS


def test_a_line_separator_inside_an_answer_stays_in_its_row(answered_with):
    project, _ = answered_with({"fault": "line_separator", "every": 2})
    rows = project.rows("stages/topics/features.jsonl")
    assert [row["state"] for row in rows] == ["ok"] * ROWS
    assert sum("\u2028" in row["features"]["topic"]["rationale"] for row in rows) > ROWS // 3


def test_a_cancelled_batch_keeps_what_was_answered_and_is_asked_again_only_on_request(run_with):
    project, server, _ = run_with({"fault": "cancelled", "after": 4, "batches": [1]})
    unanswered = server.engine.list_batches()[-1].total - 4
    summary = project.json("stages/topics/summary.json")
    assert summary["states"]["failed"] == unanswered > 0
    assert "Nothing to be done" in project.run().stdout
    project.goldpan("retry", "topics", "--state", "failed")
    project.run()
    assert project.json("stages/topics/summary.json")["states"]["ok"] == ROWS
    assert sum(batch.total for batch in server.engine.list_batches()) == ROWS + unanswered


def test_an_endpoint_that_cannot_list_its_batches_is_not_paid_twice(run_with):
    project, server, run = run_with(
        {"fault": "lost_answer", "calls": ["create"]},
        {"fault": "server_error", "calls": ["list_batches"], "status": 501, "times": None},
        check=False,
    )
    assert run.returncode != 0
    assert "cannot list its batches" in run.stdout
    assert "goldpan batches adopt" in run.stdout
    created = len(server.engine.list_batches())
    project.run(check=False)
    assert len(server.engine.list_batches()) - created <= SHARDS - 1
    hashes = [batch.metadata["goldpan_key"] for batch in server.engine.list_batches()]
    assert len(hashes) == len(set(hashes))


def test_a_ledger_deleted_under_way_stops_the_run_and_takes_its_batches_in_again(
    tmp_path, server, undisturbed
):
    project = make_project(tmp_path / "project", server.base_url)
    marker = project.root / "stopped"
    process = project.start(GOLDPAN_STOP_AT="polling", GOLDPAN_STOP_FILE=str(marker))
    until(lambda: marker.exists() and marker.read_text() != "", process)
    (project.root / ".goldpan" / "ledger.sqlite").unlink()
    marker.write_text("go on")
    output = process.communicate(timeout=120)[0]
    assert process.returncode != 0
    assert "goldpan ledger take-in" in output
    assert "Traceback" not in output

    # An empty one is in its place now, and does not pay again.
    refused = project.run(check=False)
    assert refused.returncode != 0
    assert "goldpan ledger take-in" in refused.stdout
    assert len(server.engine.list_batches()) == SHARDS
    project.goldpan("ledger", "take-in")
    project.run()
    assert comparable(project) == undisturbed
    assert len(server.engine.list_batches()) == SHARDS

    # The same when all is settled, and more is to be asked: an older ledger than the results.
    for file in (project.root / ".goldpan").glob("ledger.sqlite*"):
        file.unlink()
    project.write_rows("notes/b.jsonl", note_rows(1, start=ROWS))
    refused = project.run(check=False)
    assert f"this ledger does not know {SHARDS} batches that stage `topics` has paid for" in refused.stdout
    assert "settled from the raw lines" in project.goldpan("ledger", "take-in").stdout
    project.run()
    assert len(project.rows("stages/topics/features.jsonl")) == ROWS + 1
    assert sum(batch.total for batch in server.engine.list_batches()) == ROWS + 1
