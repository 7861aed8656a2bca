"""A wave between giving out and coming back, while its corpus, filter, prompt and settings change."""

import shutil
from pathlib import Path

import pytest

from goldpan.evaluation.run import evaluate_in_project
from goldpan.study.load import load_project
from tests.filled_sheets import fill_csv, read_sheet_rows
from tests.projects import WorkflowProject, note_rows, ran, two_stage_study

WAVE = {"stage": "details", "sample": 8, "annotators": ["Zoë", "李"], "formats": ["csv"]}
MADE_ONCE = {"draw_check", "sheets_check", "sample"}


def study(where="topic == 'animals'", **changes):
    made = two_stage_study()
    made["stages"]["details"]["input"]["where"] = where
    return {**made, "waves": {"check": {**WAVE, **changes}}}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(project) -> dict[str, bytes]:
    """All that people hold in their hands: what lies in annotations/, the sheets, and the items."""
    listed = {
        name: project.artifact(f"waves/check/{name}").read_bytes()
        for name in ("sample.jsonl", "llm.jsonl", "sample.json")
    }
    return files(project.root / "annotations") | files(project.artifact("waves/check/sheets")) | listed


def records(project) -> list[str]:
    return [row["id"] for row in project.rows("waves/check/sample.jsonl")]


def hand_in(project, annotator, sheet: Path) -> None:
    """A filled sheet comes back under another name."""
    target = project.root / "annotations/notes/check" / f"{annotator}, back by mail.csv"
    fill_csv(sheet, target, lambda item: {"depth": 2})


def change_everything(project) -> None:
    """The corpus grows and shrinks, an item is edited; filter, prompt and settings are others."""
    gone, edited = records(project)[:2]
    rows = [row for row in note_rows(60) if row["id"] != gone]
    for row in rows:
        row["text"] += " Edited." if row["id"] == edited else ""
    project.write_rows("notes/a.jsonl", rows)
    project.write("config/tasks/detail.user.j2", "Look closely:\n{{ data.text }}")
    others = study("topic == 'machines'", sample=12, seed=5, annotators=["Zoë", "李", "हिन्दी"])
    project.write_study(others)


@pytest.fixture(scope="module")
def given_out(tmp_path_factory):
    made = WorkflowProject.create(tmp_path_factory.mktemp("frozen") / "project")
    made.write_study(study())
    made.write_rows("notes/a.jsonl", note_rows(45))
    made.run()
    return made


@pytest.fixture(scope="module")
def changed(given_out, tmp_path_factory):
    """Everything has changed since, Zoë is filling in her sheet where it lies, and it was run again."""
    made = given_out.copy(tmp_path_factory.mktemp("changed") / "project")
    sheet = made.artifact("waves/check/sheets/Zoë.csv")
    fill_csv(sheet, sheet, lambda item: {"depth": 2})
    change_everything(made)
    before = kept(made)
    done = made.run()
    return made, before, done


@pytest.fixture(scope="module")
def come_back(changed, given_out, tmp_path_factory):
    """The sheets that were sent by mail come back after that."""
    made = changed[0].copy(tmp_path_factory.mktemp("come_back") / "project")
    hand_in(made, "Zoë", made.artifact("waves/check/sheets/Zoë.csv"))
    hand_in(made, "李", given_out.artifact("waves/check/sheets/李.csv"))
    made.run()
    return made


@pytest.fixture
def project(come_back, tmp_path):
    return come_back.copy(tmp_path / "project")


def test_the_draw_is_kept_beside_the_annotations_once_sheets_are_written(given_out):
    assert list(files(given_out.root / "annotations")) == ["notes/check.draw.jsonl"]
    assert "Nothing to be done" in given_out.run().stdout


def test_nothing_of_what_was_given_out_is_overwritten(changed):
    made, before, done = changed
    assert kept(made) == before
    assert not ran(done) & MADE_ONCE


def test_every_change_is_said(changed):
    made, _, done = changed
    gone, edited = records(made)[:2]
    for note in (
        "the study says `sample: 12`; given out with `sample: 8`",
        "the study says `seed: 5`; given out with `seed: 0`",
        "the study says `annotators: ['Zoë', '李', 'हिन्दी']`",
        "the task of the stage, or its prompt, is not what it was",
        f"gone from the stage, and kept in the wave: {gone}",
        "7 items of the wave would not be drawn now (skipped): ",
        f"1 item of the wave edited; the wave keeps what was given out: {edited}",
        "to draw it as things are now: goldpan waves redraw check",
    ):
        assert note in done.stdout
    changes = made.json("waves/check/changes.json")
    assert f"{changes['drawable']['now']} records can be drawn now" in done.stdout
    said = {item["id"]: item["changes"] for item in changes["items"]}
    assert said.keys() == set(records(made))
    assert (said[gone], said[edited]) == (["gone"], ["edited", "outside: skipped"])
    assert "since it was given out: " in made.goldpan("waves", "status").stdout


def test_what_comes_back_is_taken_whole(come_back, changed):
    assert come_back.json("waves/check/status.json")["state"] == "complete"
    answered = {(row["item_id"], row["annotator"]) for row in come_back.rows("waves/check/answers.jsonl")}
    assert len(answered) == 2 * 8
    gold = [row["id"] for split in ("train", "dev", "test") for row in gold_rows(come_back, split)]
    assert sorted(gold) == sorted(records(come_back))
    assert files(come_back.artifact("waves/check/sheets")) == files(changed[0].artifact("waves/check/sheets"))


def gold_rows(project, split):
    return project.rows(f"waves/check/gold/{split}.jsonl")


def test_without_results_gold_comes_from_the_annotations_alone(project):
    """Neither the stage nor its corpus is needed: it may be asked anew for days, or lie elsewhere."""
    gold, listed = files(project.artifact("waves/check/gold")), kept(project)
    shutil.rmtree(project.root / "results")
    shutil.rmtree(project.root / ".goldpan")
    done = project.run("results/notes/waves/check/gold/card.md")
    assert ran(done) == {"sample", "collect", "merge", "gold"}
    assert files(project.artifact("waves/check/gold")) == gold
    assert files(project.root / "annotations").items() <= listed.items()


def test_no_force_makes_snakemake_draw_anew_or_touch_a_sheet(project):
    before = kept(project)
    project.run("--forceall")
    assert kept(project) == before
    project.run("--delete-all-output")
    assert files(project.root / "annotations").items() <= before.items()
    assert files(project.artifact("waves/check/sheets")).items() <= before.items()


def test_a_project_of_an_earlier_version_keeps_the_wave_that_is_out(changed, tmp_path):
    made, before, _ = changed
    project = made.copy(tmp_path / "project")
    (project.root / "annotations/notes/check.draw.jsonl").unlink()
    done = project.run()
    assert "draw_check" in ran(done)
    after = kept(project)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} <= {"notes/check.draw.jsonl"}


def test_a_damaged_draw_stops_before_anything_runs_and_says_what_to_do(project):
    draw = project.root / "annotations/notes/check.draw.jsonl"
    draw.write_bytes(b"<<<<<<< HEAD\n" + draw.read_bytes())
    before = kept(project)
    done = project.run("--forceall", check=False)
    assert done.returncode != 0
    assert "the draw of the wave is damaged" in done.stdout
    assert "put the file back as it was" in done.stdout
    assert "Traceback" not in done.stdout
    assert kept(project) == before


def test_a_redraw_gives_new_sheets_and_keeps_what_came_back(project):
    before = files(project.root / "annotations")
    said = project.goldpan("waves", "redraw", "check").stdout
    assert "no longer in it: answers to them are kept, and count no more" in said
    done = project.run()
    assert {"sheets_check", "sample", "collect"} <= ran(done)
    after = files(project.root / "annotations")
    assert {name: after[name] for name in before if "draw" not in name} == {
        name: data for name, data in before.items() if "draw" not in name
    }
    assert after["notes/check.draw.1.jsonl"] == before["notes/check.draw.jsonl"]
    given = {path.stem for path in project.artifact("waves/check/sheets").iterdir()}
    assert given == {"Zoë", "李", "हिन्दी"}
    assert project.artifact("waves/check/sheets_before_1/Zoë.csv").exists()
    assert project.json("waves/check/status.json")["set_aside"]["Zoë"] > 0
    new = {row["item_id"] for row in project.rows("waves/check/sample.jsonl")}
    assert {
        row["item_id"] for row in read_sheet_rows(project.artifact("waves/check/sheets/हिन्दी.csv"))
    } == new


def test_an_item_that_is_gone_from_the_corpus_is_no_mistake_of_the_model(project):
    evaluations = {"how": {"wave": "check", "split": "all", "predictions": ["details"]}}
    project.write_study({**study("topic == 'machines'"), "evaluations": evaluations})
    loaded = load_project("notes", root=project.root)
    report = evaluate_in_project(loaded, "how").as_json()
    (depth,) = report["features"]
    assert (depth["items"]["gone"], depth["items"]["evaluated"]) == (1, 7)
    assert depth["models"][0]["failed"] == {"skipped": 7}
    assert any("1 of 8 gold items are gone from the sources" in note for note in report["notes"])
