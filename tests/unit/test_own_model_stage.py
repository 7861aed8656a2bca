"""The steps of a stage that a model of one's own answers, one by one, where something comes between them."""

import json
import os
import shutil
import sys
from functools import partial

import pytest

from goldpan.batches.stage import StageRun
from goldpan.cli import main
from goldpan.errors import PendingError, ProviderError, ReplayMissError, StudyError
from goldpan.providers.own_model.vllm import VllmAnswerer
from goldpan.stages.rows import read_features
from goldpan.study import load_project
from goldpan.study.provider import TransformersSettings, VllmSettings
from tests.projects import CHECKOUT, TOPIC_TASK, WorkflowProject, note_rows, notes_study
from tests.stage_builders import at, records_made, send

ROWS = 5
FAKE = f"{sys.executable} {CHECKOUT / 'tests' / 'fake_vllm.py'}"


class Asked:
    """A project whose stage `vllm run-batch` answers, that is, its stand-in."""

    def __init__(self, root, monkeypatch):
        self.files, self.root = WorkflowProject.create(root), root
        monkeypatch.setenv("FAKE_VLLM", str(root / "fake.json"))
        self.files.write_rows("notes/a.jsonl", note_rows(ROWS))
        self.files.write("model/config.json", json.dumps({"max_position_embeddings": 4096}))
        self.weights("first")
        self.study = notes_study({"kind": "vllm", "model": "model", "command": FAKE})
        self.files.write_study(self.study)
        self.said = []

    def weights(self, content):
        self.files.write("model/model.safetensors", content)

    def run(self, **settings):
        return StageRun(load_project("notes", root=self.root, **settings), "topics")

    @property
    def calls(self):
        calls = self.root / "fake.calls"
        return (
            [json.loads(line)["asked"] for line in calls.read_text().splitlines()] if calls.exists() else []
        )

    def submitted(self):
        """The stage, with its batch made and nobody at work."""
        run = records_made(self.run())
        plan = run.plan(1)
        send(run, plan)
        return run, plan

    def answered(self):
        run, plan = self.submitted()
        self.finish(run, plan)
        run.consolidate()
        return run

    def finish(self, run, plan, number=1):
        for shard in plan.shards:
            run.answer(number, shard.name, self.said.append)
        run.wait(number, lambda progress: None)
        for shard in plan.shards:
            run.fetch(number, shard.name)
        return run.settle(number)

    def rows(self, run):
        return [row for _, row in read_features(at(run, run.paths.features("topics")))]


@pytest.fixture
def asked(tmp_path, monkeypatch):
    return Asked(tmp_path / "project", monkeypatch)


def test_nothing_but_the_step_answer_works_on_a_batch(asked, capsys):
    run, plan = asked.submitted()
    with pytest.raises(PendingError, match="no job answers batch_"):
        run.wait(1, lambda progress: None)
    assert "no job answers" in json.loads(at(run, run.paths.waiting("topics", 1)).read_text())["open"]
    options = ["--study", "notes", "--root", str(asked.root)]
    assert main(["batches", "status", *options]) == 0
    assert not asked.calls
    assert main(["step", "answer", "topics", "--shard", plan.shards[0].name, *options]) == 0
    assert f"{ROWS} of {ROWS} requests answered by model@" in capsys.readouterr().err
    assert len(asked.calls) == 1


def test_the_job_opens_no_ledger(asked, monkeypatch):
    run, plan = asked.submitted()
    monkeypatch.setattr("goldpan.ledger.Ledger.__init__", partial(pytest.fail, "the ledger was opened"))
    run.answer(1, plan.shards[0].name, asked.said.append)
    assert len(asked.calls) == 1


def test_weights_that_change_before_the_job_are_not_taken_for_those_that_were_asked(asked):
    run, plan = asked.submitted()
    former = run.stage.model
    asked.weights("second, of another length")
    settled = asked.finish(asked.run(), plan)
    assert not asked.calls and settled.left == ROWS
    # The workflow plans the round anew, since the files of the model are its inputs.
    again = asked.run()
    assert again.stage.model != former
    plan = again.plan(1)
    assert plan.requests["asked"] == ROWS
    send(again, plan)
    assert asked.finish(again, plan).left == 0
    again.consolidate()
    assert {row["model"] for row in asked.rows(again)} == {again.stage.model}
    # Back to the first ones: none of them was ever answered.
    asked.weights("first")
    assert asked.run().plan(1).requests["asked"] == ROWS


def test_weights_that_change_while_the_job_waits_are_not_taken_for_those_that_were_asked(asked, monkeypatch):
    run, plan = asked.submitted()
    began = VllmAnswerer._run

    def swapped(answerer, count):
        # Same size and time, as images and archives make them; the process loads these.
        path = asked.root / "model" / "model.safetensors"
        before = path.stat()
        asked.weights("other")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return began(answerer, count)

    monkeypatch.setattr(VllmAnswerer, "_run", swapped)
    with pytest.raises(ProviderError, match="files were changed while its answers were prepared"):
        run.answer(1, plan.shards[0].name, asked.said.append)
    assert len(asked.calls) == 1
    monkeypatch.undo()
    monkeypatch.setenv("FAKE_VLLM", str(asked.root / "fake.json"))
    asked.weights("first")
    # Nothing that the others said is left: all is asked of the first ones.
    assert asked.finish(asked.run(), plan).left == 0
    assert [len(each) for each in asked.calls] == [ROWS, ROWS]


@pytest.mark.parametrize("repeats", [True, False])
def test_an_invalid_answer_is_asked_again_only_of_an_engine_that_may_answer_otherwise(
    asked, monkeypatch, repeats
):
    gist = {"name": "gist", "type": "text", "description": "In a word.", "max_chars": 3}
    asked.files.write_task({**TOPIC_TASK, "features": [gist]})
    assert TransformersSettings.repeats_itself and not VllmSettings.repeats_itself
    monkeypatch.setattr(VllmSettings, "repeats_itself", repeats)
    settled = asked.finish(*asked.submitted())
    # The stand-in says `because`, which has seven characters.
    assert settled.outcomes["invalid"] == ROWS and settled.left == (0 if repeats else ROWS)


def test_a_ledger_replays_it_where_neither_weights_nor_engine_are(asked):
    rows = asked.rows(asked.answered())
    shutil.rmtree(asked.root / "model")
    shutil.rmtree(asked.root / ".goldpan" / "engines")
    shutil.rmtree(asked.root / "results")
    with pytest.raises(StudyError, match="these are not here"):
        records_made(asked.run()).plan(1)
    run = records_made(asked.run(replay=True))
    plan = run.plan(1)
    assert (plan.requests["asked"], plan.requests["answered"]) == (0, ROWS)
    run.wait(1, lambda progress: None)
    run.settle(1)
    run.consolidate()
    assert asked.rows(run) == rows
    asked.files.write_rows("notes/a.jsonl", note_rows(ROWS + 1))
    with pytest.raises(ReplayMissError):
        records_made(asked.run(replay=True)).plan(1)


def test_an_engine_whose_folder_is_gone_is_told_with_its_batch(asked):
    run, plan = asked.submitted()
    shutil.rmtree(asked.root / ".goldpan" / "engines")
    with pytest.raises(ProviderError, match="No batch found") as caught:
        run.answer(1, plan.shards[0].name, asked.said.append)
    assert "goldpan batches give-up batch_" in str(caught.value)


def test_a_stage_of_another_provider_has_no_such_step(asked):
    asked.study["providers"]["main"] = {"kind": "local"}
    asked.study["stages"]["topics"]["model"] = "goldpan-baseline-1"
    asked.files.write_study(asked.study)
    run, plan = asked.submitted()
    with pytest.raises(StudyError, match="needs no job for it"):
        run.answer(1, plan.shards[0].name, asked.said.append)


def test_a_shard_of_either_kind_is_gone_on_with_by_the_other(asked):
    run, plan = asked.submitted()
    asked.study["providers"]["main"] = {"kind": "vllm", "model": "model", "command": "no-such-vllm"}
    asked.files.write_study(asked.study)
    with pytest.raises(ProviderError, match="not installed here"):
        asked.run().answer(1, plan.shards[0].name, asked.said.append)
    asked.study["providers"] = {"main": {"kind": "vllm", "model": "model", "command": FAKE, "gpus": 0}}
    asked.files.write_study(asked.study)
    assert asked.finish(asked.run(), plan).left == 0
    assert run.stage.model == asked.run().stage.model
