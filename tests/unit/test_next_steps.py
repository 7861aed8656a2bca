"""What a study says is to be done next, in each state that it can be in."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from goldpan.cli.summary import print_summary
from goldpan.errors import PendingError
from goldpan.files import read_json, write_json
from goldpan.providers.engine.refusal import ServiceError
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.made import made_since
from goldpan.report.next_steps import NextStep, next_steps
from goldpan.serve import running_server
from goldpan.study import load_project
from goldpan.study.provider import OpenAISettings
from goldpan.waves.steps.run import WaveRun
from tests.corpus_projects import corpus_study
from tests.faults.conftest import scripted_answer
from tests.filled_sheets import fill_csv
from tests.projects import WorkflowProject, note_rows
from tests.stage_builders import STAGE, answer_all, at, make_stage, records_made, send
from tests.wave_builders import make_project

AN_HOUR = 3600.0


def steps_of(run) -> list[NextStep]:
    return next_steps(StudyArtifacts(run.project))


def kinds_of(run) -> list[str]:
    return [step.kind for step in steps_of(run)]


def answered(root):
    """A stage of three notes that the baseline has answered."""
    run = make_stage(root, note_rows(3))
    answer_all(run)
    return run


def test_a_study_that_was_never_run_is_to_be_run(tmp_path):
    (step,) = steps_of(make_stage(tmp_path / "project", note_rows(3)))
    assert step.kind == "run" and "stage topics has no features yet: run the same command again" in step.text


def test_an_answered_study_is_to_be_looked_at(tmp_path):
    run = answered(tmp_path / "project")
    (step,) = steps_of(run)
    assert step == NextStep("look", "`goldpan summary notes` shows it in figures")


def test_the_page_of_the_study_is_named_where_it_is_there(tmp_path):
    run = answered(tmp_path / "project")
    at(run, run.paths.index()).touch()
    assert "look at results/notes/index.html" in steps_of(run)[-1].text


def test_records_that_are_newer_than_the_features_are_to_be_asked(tmp_path):
    run = answered(tmp_path / "project")
    records_made(run)
    assert kinds_of(run) == ["run"] and "other records" in steps_of(run)[0].text


def test_open_batches_are_waited_for_and_nothing_else_is_suggested(tmp_path):
    with running_server(tmp_path / "server", answerer=scripted_answer, seconds_per_batch=AN_HOUR) as server:
        provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0.5}
        run = make_stage(tmp_path / "project", note_rows(3), provider, model="scripted-1", wait=False)
        send(run, run.plan(1))
        with pytest.raises(PendingError):
            run.wait(1, lambda progress: None)
        (step,) = steps_of(run)
    assert step.kind == "wait"
    assert "stage topics waits: 1 of 1 batches are still open" in step.text
    assert "When they are done, run the same command again" in step.text


def failing(body, custom_id):
    """An answer, or 400 for one of three requests."""
    if custom_id.endswith("0"):
        raise ServiceError(400, "no such parameter", code="unsupported")
    return scripted_answer(body, custom_id)


def test_what_failed_may_be_asked_once_more_by_a_command_that_is_named(tmp_path, monkeypatch):
    with running_server(tmp_path / "server", answerer=failing) as server:
        provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0.5}
        run = make_stage(tmp_path / "project", note_rows(3), provider, model="scripted-1")
        answer_all(run)
    retry, look = steps_of(run)
    assert (retry.kind, look.kind) == ("retry", "look")
    assert "1 records of stage topics came to nothing (1 failed)" in retry.text
    assert "`goldpan retry topics --study notes --state failed`, then run" in retry.text
    # Of who says the same again it would be in vain.
    monkeypatch.setattr(OpenAISettings, "repeats_itself", True)
    mend, _ = steps_of(run)
    assert "would say the same again" in mend.text and "goldpan retry" not in mend.text


def test_a_refusal_is_not_to_be_asked_again(tmp_path):
    run = answered(tmp_path / "project")
    summary = at(run, run.paths.summary(STAGE))
    write_json(summary, read_json(summary) | {"states": {"ok": 2, "refused": 1}})
    assert kinds_of(run) == ["look"]


def test_a_damaged_summary_is_to_be_made_anew(tmp_path):
    run = answered(tmp_path / "project")
    at(run, run.paths.summary(STAGE)).write_text("{")
    step = steps_of(run)[0]
    assert step.kind == "mend" and "results/notes/stages/topics/summary.json cannot be read" in step.text


@pytest.fixture
def wave(tmp_path):
    """A wave of twelve notes for ann and ben, whose sheets are out."""
    made = make_project(tmp_path / "project", features=["topic"])
    made.artifact("stages/topics/summary.json").write_bytes(orjson.dumps({"states": {"ok": 12}}))
    run = WaveRun(load_project(root=made.root), "check")
    run.draw()
    run = WaveRun(load_project(root=made.root), "check")
    run.write_sample()
    run.write_sheets()
    return run


def fill(wave, annotator, topic, items=12):
    """Fill in so many rows of a sheet, and collect what is there."""
    count = iter(range(12))
    fill_csv(
        wave.project.root / wave.project.paths.sheet("check", f"{annotator}.csv"),
        wave.project.root / f"annotations/notes/check/{annotator}.csv",
        lambda item: {"topic": topic} if next(count) < items else {},
    )
    wave.collect()


def test_who_replays_a_study_of_others_is_given_no_sheets_to_fill_in(wave):
    assert kinds_of(wave) == ["sheets", "look"]
    replayed = replace(wave.project, replays=True)
    assert [step.kind for step in next_steps(StudyArtifacts(replayed))] == ["look"]


def test_sheets_that_are_out_are_named_with_the_folder_they_come_back_to(wave):
    sheets, look = next_steps(StudyArtifacts(wave.project))
    assert (sheets.kind, look.kind) == ("sheets", "look")
    assert "the sheets of wave check are in results/notes/waves/check/sheets/" in sheets.text
    assert "they are for ann, ben to fill in; put them back into annotations/notes/check/" in sheets.text


def test_answers_that_are_missing_are_counted_by_annotator(wave):
    fill(wave, "ann", "animals")
    fill(wave, "ben", "animals", items=5)
    step = next_steps(StudyArtifacts(wave.project))[0]
    assert step.kind == "sheets" and "wave check still lacks answers: ben of 7 of 12 items" in step.text


def test_disagreements_are_to_be_decided_on_the_page_that_is_named(wave):
    fill(wave, "ann", "animals")
    fill(wave, "ben", "weather")
    wave.merge()
    step = next_steps(StudyArtifacts(wave.project))[0]
    assert step.kind == "adjudicate" and step.text.startswith("12 answers of wave check are to be decided")
    assert "open results/notes/waves/check/adjudication.html" in step.text


def test_a_wave_on_which_all_agree_needs_nobody(wave):
    fill(wave, "ann", "animals")
    fill(wave, "ben", "animals")
    wave.merge()
    assert [step.kind for step in next_steps(StudyArtifacts(wave.project))] == ["look"]


def test_what_was_made_is_told_with_its_states_and_what_was_there_before_is_not(tmp_path):
    run = answered(tmp_path / "project")
    (line,) = made_since(run.project, 0)
    assert line == "stage topics: 3 records: 3 ok; by goldpan's built-in baseline, which is weak and free"
    later = at(run, run.paths.summary(STAGE)).stat().st_mtime + 1
    assert made_since(run.project, later) == []


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        ({"train": 53, "dev": 4, "test": 3}, "53 records (4 dev, 3 test)"),
        ({"train": 1_200, "dev": 0, "test": 3}, "1,200 records (0 dev, 3 test)"),
    ],
)
def test_a_head_has_learned_from_the_records_of_train(tmp_path, splits, said):
    made = WorkflowProject.create(tmp_path / "project", study="corpus")
    made.write_study(corpus_study())
    project = load_project(root=made.root)
    (head, *_) = project.study.heads
    metrics = {"labelled": sum(splits.values()), "splits": splits, "measured_on": "test", "targets": {}}
    made.write(project.paths.head(head, "metrics.json"), orjson.dumps(metrics).decode())
    assert f"head {head}: learned from {said}" in made_since(project, 0)


def test_what_was_made_is_told_with_its_cost(tmp_path):
    run = answered(tmp_path / "project")
    summary = at(run, run.paths.summary(STAGE))
    write_json(summary, read_json(summary) | {"baseline": False, "cost_usd": 1.25})
    assert made_since(run.project, 0) == ["stage topics: 3 records: 3 ok; 1.2500 USD"]


def test_the_summary_ends_with_what_to_do_next(wave, capsys):
    print_summary(wave.project)
    (step,) = [step for step in next_steps(StudyArtifacts(wave.project)) if step.kind == "sheets"]
    assert capsys.readouterr().out.splitlines()[-1] == f"next: {step.text_elsewhere}"
    assert "same command" not in step.text_elsewhere and "run the study again" in step.text_elsewhere


def test_a_module_is_looked_at_by_its_folder(tmp_path, monkeypatch):
    run = answered(tmp_path / "labels")
    monkeypatch.chdir(tmp_path)
    project = replace(run.project, root=Path("labels"))
    assert "`goldpan summary notes --root labels`" in next_steps(StudyArtifacts(project))[-1].text
