"""What commands say where the ledger, a list, a name or a disk is not as it should be."""

import os
import subprocess

import pytest

from goldpan.batches.orphans import look_for_orphans
from goldpan.cli import main
from goldpan.errors import LedgerError, ProviderError, StorageError
from goldpan.ledger import Ledger, Orphan
from goldpan.serve import running_server
from goldpan.study import load_project
from goldpan.workflow.before_run import check_before_run
from tests.faults.conftest import scripted_answer
from tests.faults.test_embeddings_faults import small_disk
from tests.projects import WorkflowProject, note_rows, notes_study, until
from tests.stage_builders import STAGE, answer, at, make_stage, send


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("server"), answerer=scripted_answer) as running:
        yield running


@pytest.fixture
def run(server, tmp_path, monkeypatch):
    provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0}
    run = make_stage(tmp_path / "project", note_rows(4), provider, poll={"first": 0.01, "longest": 0.1})
    monkeypatch.chdir(run.project.root)
    return run


def orphan_of(run, batch_id: str) -> None:
    with Ledger(run.project.ledger) as ledger:
        owner = ledger.submissions()[0]
        ledger.record_orphan(Orphan(batch_id, owner.id, "in_progress", 4, 1, 1.0))


def test_commands_say_that_the_results_know_of_batches_which_the_ledger_does_not(run, capsys):
    answer(run)
    run.project.ledger.unlink()
    assert main(["batches", "list"]) == 0
    assert "this ledger does not know 1 batches" in capsys.readouterr().err
    assert main(["plan"]) == 1
    assert "goldpan ledger take-in" in capsys.readouterr().err


def test_a_ledger_that_is_damaged_leaves_what_was_spent_unknown(run, capsys):
    answer(run)
    run.consolidate()
    run.project.ledger.write_bytes(b"no database" * 1000)
    assert main(["summary"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(STAGE))
    assert row.split()[-2] == "unknown"


def test_rows_that_wait_are_in_the_summary_of_a_stage_that_had_ended(run, capsys):
    answer(run)
    run.consolidate()
    WorkflowProject(run.project.root).write_rows("notes/a.jsonl", note_rows(6))
    records = at(run, run.paths.records("notes", "a.jsonl"))
    records.unlink()
    again = make_again(run)
    assert main(["summary"]) == 0
    assert "older than what is to be asked" in capsys.readouterr().out
    again.plan(1)
    assert main(["features", STAGE]) == 0
    assert "the next run goes on" in capsys.readouterr().out
    assert main(["summary"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(STAGE))
    assert row.split()[2:6] == ["6", "4", "2", "pending"]


def make_again(run):
    """The stage with its records made anew, later than its summary."""
    from tests.stage_builders import with_records

    again = with_records(run.project.root)
    later = at(run, run.paths.summary(STAGE)).stat().st_mtime + 5
    os.utime(at(run, run.paths.stage_records(STAGE)), (later, later))
    return again


def test_features_of_a_stage_that_has_ended_promise_nothing(run, capsys):
    answer(run)
    assert main(["features", STAGE]) == 0
    assert "nothing is pending" in capsys.readouterr().out


def test_features_of_a_stage_whose_final_ones_are_there_are_those(run, capsys):
    answer(run)
    run.consolidate()
    assert main(["features", STAGE]) == 0
    final = run.paths.features(STAGE)
    assert capsys.readouterr().out == f"the stage has ended; its features are {final}\n"
    assert main(["summary"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(STAGE))
    assert row.split()[-1] == final


def test_an_orphan_and_an_open_batch_of_one_id_are_told_apart(run, server, monkeypatch, capsys):
    monkeypatch.setattr(server.engine, "seconds_per_batch", 3600)
    send(run, run.plan(1))
    with Ledger(run.project.ledger) as ledger:
        open_batch = ledger.submissions()[0].batch_id
    orphan_of(run, open_batch)
    assert main(["batches", "cancel", open_batch, "--yes"]) == 1
    said = capsys.readouterr().err
    assert f"several batches have the id '{open_batch}'" in said
    assert f"1:{open_batch} (an orphan" in said and "1 (open" in said
    assert main(["batches", "cancel", f"1:{open_batch}", "--yes"]) == 0
    assert f"{open_batch}: cancel" in capsys.readouterr().out


def test_a_batch_that_has_ended_meanwhile_is_not_asked_to_be_cancelled(run, server, capsys):
    """The service answers such a call with a 409, which is waited out for ten minutes elsewhere."""
    send(run, run.plan(1))
    with Ledger(run.project.ledger) as ledger:
        batch = ledger.submissions()[0].batch_id
    until(lambda: server.engine.list_batches()[-1].status == "completed")
    cancels = server.calls["cancel"]
    assert main(["batches", "cancel", batch, "--yes"]) == 0
    assert f"{batch}: completed" in capsys.readouterr().out
    assert server.calls["cancel"] == cancels


def test_a_list_that_cannot_be_read_is_said(run):
    class WithoutList:
        def batches(self):
            raise ProviderError("the list is closed today")
            yield

    send(run, run.plan(1))
    said = []
    with Ledger(run.project.ledger) as ledger:
        ledger.db.execute("UPDATE submissions SET paid_calls = 2")
        look_for_orphans(ledger, WithoutList(), ledger.submissions(), say=said.append)
    assert said == [
        "nobody looked for late batches: the service's list cannot be read (the list is closed today)"
    ]


def test_a_stage_of_another_study_is_named_with_it(run, capsys):
    project = WorkflowProject(run.project.root)
    other = notes_study({"kind": "local"})
    other["study"] = "others"
    other["stages"] = {"elsewhere": other["stages"].pop(STAGE)}
    project.write_study(other)
    project.write_study(notes_study({"kind": "local"}))
    assert main(["features", "elsewhere", "--study", "notes"]) == 1
    assert "another study has: --study others" in capsys.readouterr().err


def test_without_a_study_and_without_a_file_that_names_one_a_command_says_so(run, capsys):
    (run.project.root / "config" / "config.yaml").unlink()
    assert main(["ledger", "show"]) == 1
    assert "name it: --study NAME" in capsys.readouterr().err


def test_results_that_may_not_be_written_stop_a_run_before_it_begins(run, tmp_path):
    answer(run)
    check_before_run(run.project)
    with small_disk(tmp_path / "disk", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        closed = load_project("notes", root=run.project.root, results=str(disk))
        with pytest.raises(StorageError, match="may not be written") as caught:
            check_before_run(closed)
        assert "run the same command again" in str(caught.value)


def test_a_ledger_that_lacks_batches_stops_a_run_before_it_begins(run):
    answer(run)
    run.project.ledger.unlink()
    with pytest.raises(LedgerError, match="does not know 1 batches"):
        check_before_run(run.project)
