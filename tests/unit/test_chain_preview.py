"""What a plan knows of stages behind those that ask nobody."""

from goldpan.chains.preview import preview
from goldpan.study.load import load_project
from tests.projects import DETAIL_TASK, TOPIC_TASK, WorkflowProject, note_rows, two_stage_study

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
    assert planned["details"].note == "depends on stage topics, which is not answered yet"
    assert "sieve" not in planned
