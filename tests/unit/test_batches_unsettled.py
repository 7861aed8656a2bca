"""Features of a stage that has not ended: what is answered is usable, all else is pending and says why."""

import orjson
import pytest

from goldpan.errors import ReconciliationError, StudyError
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import scripted_answer
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer, at, make_stage, send


@pytest.fixture
def server(tmp_path):
    """Two of four rows fail in the first batch, one in the second."""
    faults = FaultPlan.of(
        {"fault": "row_error", "rows": "n[01]$", "batches": [1]},
        {"fault": "row_error", "rows": "n0$", "batches": [2]},
    )
    with running_server(tmp_path / "server", answerer=scripted_answer, faults=faults) as running:
        yield running


@pytest.fixture
def run(tmp_path, server):
    provider = {"kind": "openai", "base_url": server.base_url}
    poll = {"first": 0.02, "longest": 0.1}
    return make_stage(tmp_path / "project", note_rows(4), provider, model="scripted-1", poll=poll)


def so_far(run):
    """Rows of the partial features by id, and their summary."""
    run.consolidate_so_far()
    rows = at(run, run.paths.partial(STAGE, "features.jsonl")).read_bytes().splitlines()
    summary = orjson.loads(at(run, run.paths.partial(STAGE, "summary.json")).read_bytes())
    return {row["id"]: row for row in map(orjson.loads, rows)}, summary


def test_each_row_says_what_it_waits_for(run):
    plan = run.plan(1)
    rows, summary = so_far(run)
    assert {row["state"] for row in rows.values()} == {"pending"}
    assert rows["n0"]["reason"] == "to_be_asked: in round 1"
    send(run, plan)
    rows, _ = so_far(run)
    assert rows["n0"]["reason"].startswith("under_way: in batch batch_")

    answer(run, 1)
    rows, summary = so_far(run)
    assert summary["states"] == {**dict.fromkeys(summary["states"], 0), "ok": 2, "pending": 2}
    assert summary["reasons"] == {"pending": {"to_be_asked": 2}}
    assert rows["n0"]["reason"].startswith("to_be_asked: in round 2 again, after failed: 500")
    assert rows["n2"]["features"]["topic"]

    assert answer(run, 2).left == 1
    assert so_far(run)[0]["n0"]["reason"].startswith("to_be_asked: in round 3 again")
    assert answer(run, 3).left == 0
    assert so_far(run)[1]["states"]["pending"] == 0


def test_partial_features_lie_apart_and_are_gone_once_there_are_final_ones(run):
    answer(run, 1)
    so_far(run)
    assert not at(run, run.paths.features(STAGE)).exists()
    answer(run, 2)
    answer(run, 3)
    assert run.consolidate().states == {"ok": 4}
    assert not at(run, run.paths.partial(STAGE, "features.jsonl")).exists()


def test_pending_rows_are_never_in_final_features(run):
    run.plan(1)
    with pytest.raises(ReconciliationError, match="has no outcome in the ledger"):
        run.consolidate()


def test_a_stage_that_is_not_planned_has_no_features_so_far(run):
    with pytest.raises(StudyError, match="not so far yet"):
        run.consolidate_so_far()
