"""`goldpan preview`: what a record is asked is shown as it is sent, and nothing else happens."""

import json

import orjson
import pytest

from goldpan.batches.stage import StageRun
from goldpan.chains.request_preview import preview_requests
from goldpan.cli import main
from goldpan.errors import StudyError
from goldpan.records.inputs import files_of_sources
from goldpan.records.read import build_records
from goldpan.study.load import load_project
from tests.projects import DETAIL_TASK, TOPIC_TASK, WorkflowProject, note_rows, two_stage_study
from tests.stage_builders import answer_all

ROWS = 150


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = WorkflowProject.create(tmp_path, study="notes")
    made.write_task(TOPIC_TASK)
    made.write_task(DETAIL_TASK)
    made.write_rows("notes/a.jsonl", note_rows(ROWS))
    made.write_study(two_stage_study())
    monkeypatch.chdir(tmp_path)
    return load_project("notes", root=tmp_path)


def _planned(project, number=1):
    """The stage `topics` with its first round planned, and its request file."""
    for (source, file), path in files_of_sources(project, ["notes"]).items():
        output = project.root / project.paths.records(source, file)
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(project.study.sources[source], source, file, path, output)
    run = StageRun(project, "topics")
    run.make_records()
    plan = run.plan(number)
    for shard in plan.shards:
        run.place(number, shard.name)
    return run, plan


def test_the_body_is_that_of_the_request_file(project):
    _, plan = _planned(project)
    lines = (
        (project.root / project.paths.requests("topics", 1, plan.shards[0].name)).read_bytes().splitlines()
    )
    sent = {row["custom_id"]: row["body"] for row in map(orjson.loads, lines)}
    records = [
        orjson.loads(line) for line in (project.root / project.paths.stage_records("topics")).open("rb")
    ]
    wanted = [record["id"] for record in records][7:140:60]
    shown = list(preview_requests(project, "topics", wanted))
    assert [record.id for record in shown] == wanted
    for record in shown:
        (request,) = record.requests
        assert request.body in sent.values()
        text = next(row["data"]["text"] for row in records if row["id"] == record.id)
        assert text in orjson.dumps(request.body).decode()


def test_without_an_id_it_is_the_first_record_that_is_asked_and_nothing_is_written(project):
    before = sorted(project.root.rglob("*"))
    (first,) = preview_requests(project, "topics")
    assert (first.line, first.skip, first.requests[0].answered) == (1, None, "no")
    assert sorted(project.root.rglob("*")) == before


def test_a_record_far_behind_is_found_where_those_before_it_are_skipped(project):
    study = two_stage_study()
    study["sources"]["notes"]["not_blank"] = ["text"]
    WorkflowProject(project.root).write_study(study)
    rows = [{**row, "text": " "} for row in note_rows(ROWS)]
    WorkflowProject(project.root).write_rows("notes/a.jsonl", [*rows, *note_rows(1, start=ROWS)])
    (first,) = preview_requests(load_project("notes", root=project.root), "topics")
    assert first.line == ROWS + 1 and first.requests


def test_what_the_ledger_knows_is_said(project):
    run, _ = _planned(project)
    answer_all(run)
    (first,) = preview_requests(project, "topics")
    assert first.requests[0].answered == "ok"


def test_a_stage_behind_one_that_is_not_answered_says_so(project):
    with pytest.raises(StudyError, match="depends on stage topics, whose features are not made yet"):
        list(preview_requests(project, "details"))


def test_an_id_that_no_record_has_is_an_error(project):
    with pytest.raises(StudyError, match="no record 'nobody' among its 150"):
        list(preview_requests(project, "topics", ["nobody"]))


def test_the_command_shows_messages_schema_tokens_and_cost(project, capsys):
    assert main(["preview", "topics", "--study", "notes"]) == 0
    shown = capsys.readouterr().out
    (first,) = preview_requests(project, "topics")
    body = first.requests[0].body
    for message in body["messages"]:
        assert message["content"] in shown
    assert '"tools": [' in shown and "prompt tokens" in shown and "0.000000 USD" in shown
    assert shown.endswith("nothing was sent and nothing was paid\n")


def test_a_record_that_is_not_asked_says_why(project, capsys):
    study = two_stage_study()
    study["sources"]["notes"]["not_blank"] = ["text"]
    WorkflowProject(project.root).write_study(study)
    WorkflowProject(project.root).write_rows("notes/a.jsonl", [{**note_rows(1)[0], "text": ""}])
    assert main(["preview", "topics", "--study", "notes"]) == 0
    assert "is not asked: blank" in capsys.readouterr().out


def test_json_has_the_whole_body(project, capsys):
    assert main(["preview", "topics", "--study", "notes", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    (first,) = preview_requests(project, "topics")
    assert row["requests"][0]["body"] == first.requests[0].body


def test_signs_that_steer_a_terminal_are_not_printed(project, capsys):
    WorkflowProject(project.root).write_rows("notes/a.jsonl", [{**note_rows(1)[0], "text": "a\x1b[2Jb\nc"}])
    main(["preview", "topics", "--study", "notes"])
    assert "\x1b" not in capsys.readouterr().out


def test_an_id_that_is_misspelled_names_the_nearest(project):
    with pytest.raises(StudyError, match="did you mean `n7`"):
        list(preview_requests(project, "topics", ["N7"]))


def test_a_row_that_was_skipped_before_it_got_an_id_is_found_by_that_of_its_fields(project):
    study = two_stage_study()
    study["sources"]["notes"]["not_blank"] = ["text"]
    WorkflowProject(project.root).write_study(study)
    rows = note_rows(2)
    WorkflowProject(project.root).write_rows("notes/a.jsonl", [{**rows[0], "text": ""}, rows[1]])
    (found,) = preview_requests(load_project("notes", root=project.root), "topics", [rows[0]["id"]])
    assert found.id.startswith("!notes/") and found.skip.startswith("blank")
