"""A stage that changes its mode at any time asks nothing twice, and loses nothing."""

import contextlib
from types import SimpleNamespace

import pytest

from goldpan.batches.budget import spending_of
from goldpan.batches.stage import StageRun
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import StudyError
from goldpan.ledger import Ledger
from goldpan.providers.prices import price_of
from goldpan.serve import running_server
from goldpan.study import load_project
from goldpan.workflow.script import project_and_log
from tests.faults.conftest import comparable, make_project, scripted_answer
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer_all, at, records_made, send

ROWS = 16


def stage_in(mode: str | None, project) -> StageRun:
    return records_made(StageRun(load_project("notes", root=project.root, mode=mode), STAGE))


@contextlib.contextmanager
def served(tmp_path, stage=None, **settings):
    """A project of ROWS notes in two shards, and a service that answers in both modes."""
    with running_server(tmp_path / "server", answerer=scripted_answer, **settings) as server:
        project = make_project(
            tmp_path / "project", server.base_url, **{"limits": {"requests": 12}, **(stage or {})}
        )
        project.write_rows("notes/a.jsonl", note_rows(ROWS))
        yield project, server


def online_calls(server) -> int:
    return server.calls["POST", "/v1/chat/completions"]


def in_batches(server) -> int:
    return sum(batch.total for batch in server.engine.list_batches())


def stop_after(answers: int):
    """Stands for a kill once so many answers are written down."""
    left = [answers]

    def stop(point):
        left[0] -= point == "answer_written"
        if left[0] < 0:
            raise Killed

    return on_reaching(stop)


def test_both_modes_ask_the_same_and_come_to_the_same(tmp_path):
    features = {}
    for mode in ("batch", "online"):
        with served(tmp_path / mode) as (project, server):
            run = stage_in(mode, project)
            answer_all(run)
            features[mode] = comparable(project)
            asked = [online_calls(server), in_batches(server)]
            assert asked == ([0, ROWS] if mode == "batch" else [ROWS, 0])
            # Later, in the other mode, there is nothing left to ask.
            for path in at(run, run.paths.stage(STAGE)).rglob("*.json"):
                path.unlink()
            answer_all(stage_in("batch" if mode == "online" else "online", project))
            assert [online_calls(server), in_batches(server)] == asked
            state = project.root / ".goldpan"
            assert bool(list(state.rglob("batches/*.json"))) == (mode == "online")
            assert not list(state.rglob("*.bin")), "nothing needs the files of what is settled"
    assert features["batch"] == features["online"] and len(features["batch"]) == ROWS


def test_an_open_batch_of_the_service_is_waited_for_in_mode_online(tmp_path, capfd):
    with served(tmp_path, seconds_per_batch=3.0) as (project, server):
        batch = stage_in("batch", project)
        send(batch, batch.plan(1))
        answer_all(stage_in("online", project))
        assert [online_calls(server), in_batches(server)] == [0, ROWS]
        assert "is a batch at the service, from a run in mode batch" in capfd.readouterr().err


def test_an_open_online_batch_is_ended_in_mode_batch_and_only_the_rest_is_asked_in_one(tmp_path, capfd):
    with served(tmp_path, {"model": "gpt-4o-mini", "max_rounds": 1}) as (project, server):
        with stop_after(4), pytest.raises(Killed):
            answer_all(stage_in("online", project))
        asked = online_calls(server)
        with Ledger(project.root / ".goldpan/ledger.sqlite") as ledger:
            kept = ledger.counts()["ok"]
        # The last one is in the journal, and the ledger had no time to take it.
        kept += 1
        assert kept == 5 <= asked < ROWS
        answer_all(stage_in("batch", project))
        assert online_calls(server) == asked and in_batches(server) == ROWS - kept
        assert [row["state"] for row in comparable(project)] == ["ok"] * ROWS, "max_rounds: 1 or not"
        assert "was asked online and is ended" in capfd.readouterr().err
        with Ledger(project.root / ".goldpan/ledger.sqlite") as ledger:
            assert ledger.counts() == {"ok": ROWS}
            spending = spending_of(ledger, "notes", STAGE, stage_in("batch", project).stage)
        online, batch = (price_of("gpt-4o-mini", is_online=is_online) for is_online in (True, False))
        assert online.prompt == 2 * batch.prompt and online.completion == 2 * batch.completion
        cost = kept * online.cost(100, 20) + (ROWS - kept) * batch.cost(100, 20)
        assert spending.settled_usd == pytest.approx(cost, abs=1e-6)
        assert project.json(f"stages/{STAGE}/summary.json")["cost_usd"] == pytest.approx(cost, abs=1e-6)


def project_study(project) -> dict:
    import yaml

    return yaml.safe_load((project.root / "config/studies/notes.yaml").read_text())


@pytest.mark.parametrize(
    ("first", "then", "point"),
    [
        ("online", "batch", "uploaded"),
        ("online", "batch", "paying"),
        ("online", "online", "paying"),
        ("online", "batch", "created"),
        ("batch", "online", "uploaded"),
        ("batch", "online", "created"),
    ],
)
def test_a_submission_that_was_stopped_in_one_mode_goes_on_in_the_other(first, then, point, tmp_path):
    """But for a paid call of mode batch of which nobody knows: that is a doubt in every mode."""

    def stop(name):
        if name == point:
            raise Killed

    with served(tmp_path) as (project, server):
        run = stage_in(first, project)
        with on_reaching(stop), pytest.raises(Killed):
            answer_all(run)
        answer_all(stage_in(then, project))
        with Ledger(run.project.ledger) as ledger:
            assert ledger.counts() == {"ok": ROWS}
        assert online_calls(server) + in_batches(server) == ROWS


def test_the_baseline_answers_now_in_any_mode(tmp_path):
    with served(tmp_path) as (project, server):
        study = project_study(project)
        study["providers"] = {"main": {"kind": "local"}}
        study["stages"][STAGE]["mode"] = "online"
        project.write_rows("notes/a.jsonl", note_rows(3))
        project.write_study(study)
        answer_all(stage_in(None, project))
        assert len(comparable(project)) == 3 and not online_calls(server)


def test_a_mode_is_one_of_two(tmp_path):
    with served(tmp_path) as (project, _):
        with pytest.raises(StudyError, match="one of batch, online, not 'fast'"):
            load_project("notes", root=project.root, mode="fast")
        assert load_project("notes", root=project.root, mode="online").study.stages[STAGE].mode == "online"
        assert project.goldpan("plan", "--mode", "onlin", check=False).returncode == 1


def test_a_script_of_the_workflow_sees_the_mode_of_the_run(tmp_path):
    with served(tmp_path) as (project, _):
        config = {"study": str(project.root / "config/studies/notes.yaml"), "ledger": "l", "results": "r"}
        for given, mode in ({}, "batch"), ({"mode": "online"}, "online"):
            snakemake = SimpleNamespace(config=config | given, log=[str(tmp_path / "log")])
            with project_and_log(snakemake) as (loaded, _):
                assert loaded.study.stages[STAGE].mode == mode
