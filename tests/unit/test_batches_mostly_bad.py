"""A stage whose answers are mostly bad is not asked on unasked; a pilot finds that out with few requests."""

import contextlib

import pytest

from goldpan.batches.forgive import forgive
from goldpan.errors import MostlyBadError
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import scripted_answer
from tests.projects import note_rows
from tests.stage_builders import answer, asked_of, make_stage, send, with_records


@contextlib.contextmanager
def stage_of(tmp_path, *faults, rows=5, **stage):
    """A stage over an endpoint with faults, and its endpoint."""
    plan = FaultPlan.of(*faults)
    with running_server(tmp_path / "server", answerer=scripted_answer, faults=plan) as server:
        provider = {"kind": "openai", "base_url": server.base_url}
        settings = {"model": "scripted-1", "poll": {"first": 0.02, "longest": 0.1}, **stage}
        yield make_stage(tmp_path / "project", note_rows(rows), provider, **settings), server


def broken(rows: str, **more):
    """Answers that are not JSON for rows whose id ends so."""
    return {"fault": "not_json", "rows": f"n({rows})$", **more}


def asked(server) -> list[int]:
    """Requests of each batch, in the order in which they were made."""
    return [batch.total for batch in sorted(server.engine.list_batches(), key=lambda batch: batch.ordinal)]


def test_the_next_round_needs_a_word_when_more_than_half_is_bad_and_the_reasons_are_named(tmp_path):
    error = {"fault": "row_error", "rows": "n2$", "status": 500}
    with stage_of(tmp_path, error, broken("0|1")) as (run, server):
        assert answer(run, 1).left == 3
        with pytest.raises(MostlyBadError) as caught:
            run.plan(2)
        said = str(caught.value)
        assert "3 of 5 answers so far are bad (2 invalid, 1 failed)" in said
        assert "2 invalid: the answer is not valid JSON" in said
        assert "1 failed: 500" in said
        assert "goldpan features topics" in said
        assert "with `go_on=topics` (e.g. `goldpan run go_on=topics --study notes`)" in said
        assert asked(server) == [5]


def test_one_bad_answer_of_a_row_that_kept_its_request_stops_nobody(tmp_path):
    with stage_of(tmp_path, broken("0"), rows=1, max_rounds=1) as (run, _):
        assert answer(run, 1).left == 0
        (run.project.root / "notes/more.jsonl").write_text('{"id": "m1", "text": "one more"}\n')
        assert with_records(run.project.root).plan(1).requests["asked"] == 1


def test_half_bad_is_asked_again_as_ever(tmp_path):
    with stage_of(tmp_path, broken("0|1"), rows=4) as (run, server):
        assert answer(run, 1).left == 2
        answer(run, 2)
        assert asked(server) == [4, 2]


def test_a_person_s_word_holds_for_later_rounds_and_not_for_another_prompt(tmp_path):
    with stage_of(tmp_path, broken("0|1|2")) as (run, server):
        answer(run, 1)
        send(run, run.plan(2, go_on=True))
        answer(run, 2)
        assert answer(run, 3).left == 0
        assert asked(server) == [5, 3, 3]

        (run.project.tasks / "topic.user.j2").write_text("Another note: {{ data.text }}")
        run = with_records(run.project.root)
        answer(run, 1)
        with pytest.raises(MostlyBadError):
            run.plan(2)


def test_a_stage_whose_rounds_are_over_is_not_held_up(tmp_path):
    bad_request = {"fault": "row_error", "status": 400, "rows": "n[0-3]$"}
    with stage_of(tmp_path, bad_request) as (run, _):
        assert answer(run, 1).left == 0
        assert run.plan(1).requests["asked"] == 0
        assert run.consolidate().states == {"failed": 4, "ok": 1}


def test_deleting_the_results_does_not_ask_on(tmp_path):
    with stage_of(tmp_path, broken("0|1|2")) as (run, _):
        answer(run, 1)
        with pytest.raises(MostlyBadError):
            run.plan(1)


def test_what_goldpan_retry_forgave_is_asked(tmp_path):
    with stage_of(tmp_path, broken("0|1|2")) as (run, _):
        answer(run, 1)
        assert forgive(run.project, run.name, {"invalid"}) == 3
        assert run.plan(1).requests["asked"] == 3


def test_requests_that_were_never_answered_are_no_bad_answers(tmp_path):
    with stage_of(tmp_path, {"fault": "expired", "after": 1, "batches": [1]}) as (run, _):
        assert answer(run, 1).outcomes == {"expired": 4, "ok": 1}
        assert answer(run, 2).left == 0


def test_a_pilot_is_asked_first_and_all_others_only_when_it_is_good(tmp_path):
    with stage_of(tmp_path, broken("1", batches=[1]), pilot=2) as (run, server):
        plan = run.plan(1)
        assert (plan.requests["asked"], plan.requests["later"]) == (2, 3)
        assert [row["do"] for row in asked_of(run)] == ["asked", "asked", "later", "later", "later"]
        assert answer(run, 1).left == 4
        assert answer(run, 2).left == 0
        assert asked(server) == [2, 4]
        assert run.consolidate().states == {"ok": 5}
        assert run.plan(1).requests["later"] == 0


def test_nothing_else_is_asked_while_a_pilot_is_under_way(tmp_path):
    with stage_of(tmp_path, pilot=2) as (run, server):
        send(run, run.plan(1))
        again = run.plan(1)
        assert (again.requests["pending"], again.requests["asked"], again.requests["later"]) == (2, 0, 3)
        assert answer(run, 1).left == 3
        assert answer(run, 2).left == 0
        assert asked(server) == [2, 3]


def test_a_bad_pilot_costs_no_more_than_itself(tmp_path):
    with stage_of(tmp_path, broken(".*"), pilot=2, rows=30) as (run, server):
        answer(run, 1)
        with pytest.raises(MostlyBadError, match="2 of 2 answers so far are bad"):
            run.plan(2)
        assert asked(server) == [2]
