"""The reason for an earlier answer can be named in a prompt, and changes no prompt that does not name it."""

from types import SimpleNamespace

import pytest

from goldpan.batches.questions import Questioner
from goldpan.batches.stage import StageRun
from goldpan.errors import PromptError
from goldpan.records.read import iter_records
from goldpan.study.load import load_project
from goldpan.workflow.inputs import Inputs
from tests.projects import DETAIL_TASK, WorkflowProject, note_rows, two_stage_study

DETAIL_PROMPT = "config/tasks/detail.user.j2"
CHECK_PROMPT = "config/tasks/check.user.j2"
PREDICTIONS = {
    "topic": {"type": "ClassificationPrediction", "label": "animals", "rationale": "It says cat."},
    "length": {"type": "ScorePrediction", "score": 2},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Three stages, one after the other, of which the first two have answered one note."""
    project = WorkflowProject.create(tmp_path / "project")
    monkeypatch.chdir(project.root)
    study = two_stage_study()
    study["stages"]["checks"] = {**study["stages"]["details"], "input": {"stage": "details"}, "task": "check"}
    project.write_study(study)
    project.write_task({**DETAIL_TASK, "task": "check", "prompt": {"user": "check.user.j2"}})
    project.write(CHECK_PROMPT, "Depth {{ answers.details.depth }}.")
    project.write_rows("notes/a.jsonl", note_rows(1))
    place = {"id": "n0", "source": "notes", "file": "a.jsonl"}
    stages = "results/notes/stages"
    project.write_rows(f"{stages}/topics/records.jsonl", [{**place, "line": 1, "data": {"text": "A cat."}}])
    row = {**place, "state": "ok", "reason": None}
    project.write_rows(f"{stages}/topics/features.jsonl", [{**row, "features": PREDICTIONS}])
    depth = {"depth": {"type": "ScorePrediction", "score": 3}}
    project.write_rows(f"{stages}/details/features.jsonl", [{**row, "features": depth}])
    return project


def asked(project, stage):
    """The question of the note in a stage, whose records and those of the stages before are made anew."""
    loaded = load_project("notes", root=project.root)
    for name in reversed(loaded.study.stages_to(stage)[:-1]):
        StageRun(loaded, name).make_records()
    (record,) = iter_records(loaded.root / loaded.paths.stage_records(stage))
    (question,) = Questioner(loaded.study.stages[stage], loaded.tasks, None).ask(record)
    return question


def text(question):
    return b"".join(question.messages).decode()


@pytest.mark.parametrize("name", ["answers.topics.topic_rationale", "answers['topics']['topic_rationale']"])
def test_a_prompt_has_the_reason_for_an_answer(project, name):
    project.write(DETAIL_PROMPT, f"{{{{ answers.topics.topic }}}}, for: {{{{ {name} }}}}")
    assert "animals, for: It says cat." in text(asked(project, "details"))


def test_a_stage_has_the_reasons_of_all_stages_before_it(project):
    project.write(CHECK_PROMPT, "{{ answers.topics.topic_rationale }} {{ answers.details.depth }}")
    assert "It says cat. 3" in text(asked(project, "checks"))


@pytest.mark.parametrize(
    "everything", ["answers | tojson", "answers.topics", "answers.topics.items() | list"]
)
def test_a_prompt_that_writes_all_answers_stays_the_same_request(project, everything):
    project.write(DETAIL_PROMPT, f"{{{{ {everything} }}}}")
    before = asked(project, "details")
    project.write(CHECK_PROMPT, "{{ answers.topics.topic_rationale }}")
    after = asked(project, "details")
    assert (after.key, after.messages) == (before.key, before.messages)


def test_a_feature_without_a_reason_has_none(project):
    project.write(DETAIL_PROMPT, "[{{ answers.topics.length_rationale }}]")
    assert "[]" in text(asked(project, "details"))
    project.write(DETAIL_PROMPT, "[{{ answers.topics.lenth_rationale }}]")
    with pytest.raises(PromptError, match="`lenth_rationale` is not there"):
        asked(project, "details")


def test_records_are_stale_only_where_they_lack_a_reason_that_a_prompt_names(project):
    def settings():
        inputs = Inputs(load_project("notes", root=project.root))
        return [
            inputs.stages.stage_records_setting(SimpleNamespace(stage=stage))
            for stage in ("details", "checks")
        ]

    before = settings()
    assert "rationale" not in "".join(before)
    project.write(CHECK_PROMPT, "{{ answers.topics.topic_rationale }}")
    details, checks = settings()
    assert (details, checks) == (f"{before[0]} rationales: topic_rationale", before[1])
