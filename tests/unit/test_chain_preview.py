"""What a plan knows of stages behind those that ask nobody."""

from goldpan.batches.stage import StageRun
from goldpan.chains.answer import answer_locally
from goldpan.chains.preview import preview
from goldpan.records.inputs import files_of_sources
from goldpan.records.read import build_records
from goldpan.stages.make import make_records
from goldpan.study.load import load_project
from tests.projects import DETAIL_TASK, TOPIC_TASK, WorkflowProject, note_rows, two_stage_study
from tests.stage_builders import answer_all

ROWS = 9
WITH_CATS = 3


def _planned(folder, sieve):
    project = WorkflowProject.create(folder, study="notes")
    project.write_task(TOPIC_TASK)
    project.write_task(DETAIL_TASK)
    project.write_rows("notes/a.jsonl", note_rows(ROWS))
    study = two_stage_study()
    study["stages"]["topics"]["input"] = {"stage": "sieve"}
    study["stages"] = {"sieve": sieve, **study["stages"]}
    project.write_study(study)
    return {item.stage: item for item in preview(load_project("notes", root=folder))}


def test_only_what_a_filter_keeps_is_planned_and_nothing_is_left_behind(tmp_path):
    planned = _planned(tmp_path, {"kind": "filter", "input": {"source": "notes"}, "keywords": ["cat"]})
    assert planned["topics"].plan.requests["asked"] == WITH_CATS
    assert planned["topics"].plan.records == ROWS
    assert not (tmp_path / "results").exists()


def test_what_asks_somebody_is_known_once_that_is_answered(tmp_path):
    planned = _planned(tmp_path, {"kind": "filter", "input": {"source": "notes"}, "keywords": ["cat"]})
    assert planned["details"].plan is None
    assert planned["details"].note == "depends on stage topics, whose features are not made yet"
    assert "sieve" not in planned


def test_a_plan_says_which_answers_that_are_still_to_come_may_change_it(tmp_path):
    sieve = {"kind": "filter", "input": {"source": "notes"}, "keywords": ["cat", "engine"]}
    _planned(tmp_path, sieve)
    project = load_project("notes", root=tmp_path)
    for (source, file), path in files_of_sources(project, ["notes"]).items():
        output = tmp_path / project.paths.records(source, file)
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(project.study.sources[source], source, file, path, output)
    make_records(project, "sieve")
    answer_locally(project, "sieve")
    run = StageRun(project, "topics")
    run.make_records()
    answer_all(run)
    assert [item.note for item in preview(project)] == [None, None]
    WorkflowProject(tmp_path).write_rows("notes/b.jsonl", note_rows(3, start=ROWS))
    planned = {item.stage: item for item in preview(load_project("notes", root=tmp_path))}
    assert planned["topics"].plan.requests["asked"] == 2
    assert planned["details"].note == "goes by the answers so far; still to come: 2 of topics"
