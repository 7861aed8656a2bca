"""Answers that were paid for elsewhere in the real workflow: a run asks the rest, and a bundle repeats it."""

import orjson
import pytest

from tests.answers_elsewhere import completion, label_of, openai_line, request_line, write_lines
from tests.projects import WorkflowProject, note_rows, notes_study

MODEL = "goldpan-baseline-1"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A project of six notes, of which four were answered elsewhere; one of these in no way that fits."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("imported") / "project")
    project.write_study(notes_study(price_usd_per_million=[100.0, 400.0]))
    project.write_rows("notes/a.jsonl", note_rows(6))
    lines = [openai_line(f"row-n{at}", completion(label_of(at), MODEL)) for at in (3, 1, 2)]
    lines.append(openai_line("row-n4", completion(label_of(4, topic="ghosts"), MODEL)))
    write_lines(project.root / "elsewhere" / "out.jsonl", lines)
    asked = [request_line("openai", f"row-n{at}", at) for at in range(6)]
    write_lines(project.root / "elsewhere" / "in.jsonl", asked)
    said = project.goldpan(*COMMAND, "--requests", "elsewhere/in.jsonl")
    return project, said.stdout, project.run()


COMMAND = (
    *("import", "answers", "elsewhere/out.jsonl", "--stage", "topics"),
    *("--key", "custom_id", "--custom-id", "row-{data.id}"),
)


def test_a_run_asks_only_what_was_not_answered_elsewhere(imported):
    project, said, _ = imported
    assert "4 lines; 4 answers entered as paid elsewhere: 3 ok, 1 invalid" in said
    assert "of 6 requests of the stage 3 are left for a run to ask" in said
    with project.ledger() as ledger:
        asked = [(row.stage, row.requests, row.is_imported) for row in ledger.submissions()]
    assert asked == [("topics", 4, True), ("topics", 3, False)]


def test_the_rows_and_the_summary_say_which_they_are(imported):
    project, _, _ = imported
    rows = {row["id"]: row for row in project.rows("stages/topics/features.jsonl")}
    assert {name for name, row in rows.items() if "imported" in row} == {"n1", "n2", "n3"}
    assert rows["n1"]["imported"] == {"paid": "elsewhere", "file": "out.jsonl", "prompt": "compared"}
    assert rows["n1"]["features"]["topic"]["label"] == "machines"
    summary = project.json("stages/topics/summary.json")
    assert (summary["states"]["ok"], summary["requests_paid"], summary["imported"]["answers"]) == (6, 3, 3)
    printed = project.goldpan("summary").stdout
    assert f"topics: 3 answers were imported, paid elsewhere and in no cost here: 3 by {MODEL}" in printed
    page = project.artifact("index.html").read_text(encoding="utf-8")
    assert "3 answers of stage topics were imported: they were paid for elsewhere" in page


def test_importing_again_and_running_again_does_nothing(imported):
    project, _, _ = imported
    paid = project.paid()
    again = project.goldpan(*COMMAND, "--prompt-unknown")
    # The fourth was invalid, so that it was asked here: what is imported is another answer now.
    assert "3 answered: the ledger has an answer already, which stays" in again.stdout
    assert "1 other_answer: " in again.stdout and "line 4 (n4): it is ok" in again.stdout
    assert "Nothing to be done" in project.run().log
    assert project.paid() == paid


def test_an_import_after_a_run_is_seen_by_the_next_one(imported, tmp_path):
    project = imported[0].copy(tmp_path / "copy")
    with project.ledger() as ledger:
        number = len(ledger.submissions())
    project.write_rows("notes/a.jsonl", note_rows(7))
    line = openai_line("row-n6", completion(label_of(6), MODEL))
    write_lines(project.root / "elsewhere" / "more.jsonl", [line])
    command = [part.replace("out.jsonl", "more.jsonl") for part in COMMAND]
    project.goldpan(*command, "--prompt-unknown")
    project.run()
    rows = project.rows("stages/topics/features.jsonl")
    assert rows[6]["imported"]["prompt"] == "unknown" and rows[6]["state"] == "ok"
    with project.ledger() as ledger:
        assert len(ledger.submissions()) == number + 1, "that of the import"


@pytest.mark.slow
def test_a_bundle_and_its_replay_keep_the_mark(imported, tmp_path):
    project, _, _ = imported
    project.goldpan("bundle", "notes", "-o", str(tmp_path / "notes.zip"))
    replayed = project.goldpan("replay", str(tmp_path / "notes.zip"), "--into", str(tmp_path / "again"))
    assert replayed.returncode == 0
    (features,) = (tmp_path / "again").rglob("stages/topics/features.jsonl")
    rows = [orjson.loads(line) for line in features.read_bytes().splitlines()]
    assert rows == project.rows("stages/topics/features.jsonl")
