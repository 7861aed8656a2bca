"""Waves through Snakemake: what is given out, what comes back, and what a change makes stale."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from goldpan.bundle.named_files import named_files
from goldpan.evaluation.run import evaluate_in_project
from goldpan.ledger import Ledger
from goldpan.optimise.ceiling import answers_of_wave
from goldpan.providers.engine import completion
from goldpan.study.load import load_project
from goldpan.tasks.schema import tool, tool_choice
from goldpan.tasks.task import load_task
from tests.filled_sheets import fill_csv, fill_page, read_sheet_rows, write_sheet_rows
from tests.projects import CHECKOUT, WorkflowProject, note_rows, notes_study, ran

TOPICS = ("animals", "machines", "weather")
WAVE = {
    "stage": "topics",
    "features": ["topic", "urgent"],
    "sample": 12,
    "stratify": {"by": "features.topic", "allocation": "equal"},
    "annotators": ["ann", "ben"],
    "repeats": 0.25,
    "show": ["text"],
    "formats": ["html", "csv"],
}
EVALUATION = {"wave": "check", "predictions": "topics"}
AFTER_SHEETS = {"collect", "agreement", "merge", "gold", "evaluation"}


def wave_study(**changes):
    return {**notes_study(), "waves": {"check": {**WAVE, **changes}}, "evaluations": {"llm": EVALUATION}}


def paid(project):
    with Ledger(project.root / ".goldpan" / "ledger.sqlite") as ledger:
        return sum(given.requests for given in ledger.submissions())


def items(project):
    return {row["item_id"]: row for row in project.rows("waves/check/sample.jsonl")}


def right_answers(project):
    """Item id, first or second showing -> the answers of somebody who has read the note."""
    found = {}
    for item in items(project).values():
        topic = TOPICS[int(item["id"].removeprefix("n")) % 3]
        found[item["item_id"]] = found[item["repeat_id"]] = {"topic": topic, "urgent": "no"}
    return found


def wrong(project):
    """Three items of the sample on which `ben` errs."""
    right = right_answers(project)
    return [item for item in sorted(items(project)) if right[item]["topic"] != "weather"][:3]


def folder(project) -> Path:
    return project.root / "annotations" / "notes" / "check"


def sheet(project, name) -> Path:
    return project.artifact(f"waves/check/sheets/{name}")


def fill_in(project):
    """Two filled sheets: `ann` is right throughout, `ben` takes three notes to be about the weather."""
    right = right_answers(project)
    erring = {item: right[item] | {"topic": "weather", "urgent": "yes"} for item in wrong(project)}
    fill_csv(sheet(project, "ann.csv"), folder(project) / "ann.csv", right.get)
    values = right | erring
    fill_page(
        sheet(project, "ben.html"),
        folder(project) / "ben.json",
        lambda item: {**values[item], "urgent": values[item]["urgent"] == "yes"},
    )


def hashes(path):
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in path.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="module")
def given_out(tmp_path_factory):
    """A project whose wave was given out, and has not come back."""
    made = WorkflowProject.create(tmp_path_factory.mktemp("waves") / "project")
    made.write_study(wave_study())
    made.write_rows("notes/a.jsonl", note_rows(40))
    made.run()
    return made


@pytest.fixture(scope="module")
def come_back(given_out, tmp_path_factory):
    """The same project once both sheets have come back."""
    made = given_out.copy(tmp_path_factory.mktemp("come_back") / "project")
    fill_in(made)
    made.run()
    return made


@pytest.fixture
def fresh(given_out, tmp_path):
    return given_out.copy(tmp_path / "project")


@pytest.fixture
def project(come_back, tmp_path):
    return come_back.copy(tmp_path / "project")


def test_sheets_wait_for_answers_and_nothing_else_is_made_of_them(given_out):
    assert {file.name for file in sheet(given_out, "").iterdir()} == {
        f"{name}.{form}" for name in ("ann", "ben") for form in ("html", "csv")
    }
    assert not given_out.artifact("waves/check/agreement.html").exists()
    assert not given_out.artifact("waves/check/gold").exists()


def test_each_annotator_gets_three_of_twelve_items_twice(given_out):
    rows = read_sheet_rows(sheet(given_out, "ann.csv"))
    assert len(rows) == len({row["item_id"] for row in rows}) == 15
    assert len({row["text"] for row in rows}) == 12


def test_what_came_back_is_collected_without_loss(come_back):
    answers = come_back.rows("waves/check/answers.jsonl")
    assert len(answers) == 2 * 15
    expected = right_answers(come_back)
    assert all(
        row["values"]["topic"] == expected[row["item_id"]]["topic"]
        for row in answers
        if row["annotator"] == "ann"
    )
    assert come_back.json("waves/check/status.json")["state"] == "complete"


def test_labels_agreed_upon_are_gold_and_the_others_wait(come_back):
    gold = [
        row for name in ("train", "dev", "test") for row in come_back.rows(f"waves/check/gold/{name}.jsonl")
    ]
    agreed = {
        row["item_id"]: row["labels"] for row in gold if set(row["resolutions"].values()) == {"agreement"}
    }
    expected = {item: right_answers(come_back)[item]["topic"] for item in items(come_back)}
    assert {item: labels["topic"] for item, labels in agreed.items()} == {
        item: topic for item, topic in expected.items() if item not in wrong(come_back)
    }
    waiting = read_sheet_rows(come_back.artifact("waves/check/disagreements.csv"))
    assert {row["item_id"] for row in waiting} == set(wrong(come_back))


def test_those_who_decide_see_the_fields_that_annotators_saw(come_back):
    waiting = read_sheet_rows(come_back.artifact("waves/check/disagreements.csv"))
    assert [name for name in waiting[0] if name.startswith("field_")] == ["field_text"]


def test_the_llm_is_measured_against_the_gold_set(come_back):
    report = come_back.json("evaluation/llm.json")
    assert [feature["feature"] for feature in report["features"]] == ["topic", "urgent"]
    page = come_back.artifact("evaluation/llm.html").read_text()
    assert "Content-Security-Policy" in page
    assert come_back.artifact("evaluation/llm.errors.csv").exists()


def test_an_edited_sheet_reruns_what_is_made_of_it_and_nothing_upstream(project):
    before, features = paid(project), project.artifact("stages/topics/features.jsonl").stat().st_mtime_ns
    right = right_answers(project)
    slip = wrong(project)[0]
    fill_csv(
        sheet(project, "ann.csv"),
        folder(project) / "ann.csv",
        lambda item: right[item] | ({"urgent": "yes"} if item == slip else {}),
    )
    assert ran(project.run()) == AFTER_SHEETS
    assert paid(project) == before
    assert project.artifact("stages/topics/features.jsonl").stat().st_mtime_ns == features
    waiting = read_sheet_rows(project.artifact("waves/check/disagreements.csv"))
    assert (slip, "urgent") not in {(row["item_id"], row["feature"]) for row in waiting}


def test_a_second_run_has_nothing_to_do(project):
    assert "Nothing to be done" in project.run().stdout


def test_a_missing_sheet_makes_the_wave_partial_and_says_whose(fresh):
    right = right_answers(fresh)
    fill_csv(sheet(fresh, "ann.csv"), folder(fresh) / "ann.csv", right.get)
    fresh.run(*(f"results/notes/waves/check/{name}" for name in ("agreement.json", "gold/card.md")))
    status = fresh.json("waves/check/status.json")
    assert status["state"] == "partial"
    assert status["annotators"]["ben"]["left"] == 12
    note = "Partial: ben has not fully answered 12 of 12 items."
    assert note in fresh.json("waves/check/agreement.json")["notes"]
    assert "ben has not fully answered 12 of 12 items" in fresh.artifact(
        "waves/check/gold/card.md"
    ).read_text(encoding="utf-8")


def test_a_sheet_of_another_wave_stops_the_run_and_says_so(project):
    rows = read_sheet_rows(folder(project) / "ann.csv")
    write_sheet_rows(
        folder(project) / "strange.csv",
        [row | {"sheet": row["sheet"].replace("notes/check/", "notes/other/")} for row in rows],
    )
    done = project.run(check=False)
    assert done.returncode != 0
    assert "this is a sheet of the wave `other` of `notes`, not of `check` of `notes`" in done.stdout
    assert "strange.csv" in done.stdout
    assert "Traceback" not in done.stdout
    (folder(project) / "strange.csv").unlink()
    project.run("results/notes/waves/check/status.json")
    assert project.json("waves/check/status.json")["state"] == "complete"


def test_a_larger_sample_keeps_what_was_given_out_and_what_came_back(project):
    before, old = paid(project), items(project)
    answers = project.rows("waves/check/answers.jsonl")
    project.write_study(wave_study(sample=18))
    project.goldpan("waves", "redraw", "check")
    project.run("results/notes/waves/check/status.json")
    new = items(project)
    assert len(new) == 18
    for item, row in old.items():
        kept = ("stratum", "draw", "annotators", "repeated_by")
        assert {name: new[item][name] for name in kept} == {name: row[name] for name in kept}
    assert project.rows("waves/check/answers.jsonl") == answers
    assert project.json("waves/check/status.json")["annotators"]["ann"]["left"] == 6
    assert paid(project) == before


def test_decisions_resolve_what_was_disagreed(project):
    waiting = read_sheet_rows(project.artifact("waves/check/disagreements.csv"))
    assert len(waiting) == 6
    for row in waiting:
        row |= {"final_label": row["annotator_ann"], "cause": "slip"}
    write_sheet_rows(folder(project) / "decided.csv", waiting)
    project.run("results/notes/waves/check/gold/card.md")
    assert read_sheet_rows(project.artifact("waves/check/disagreements.csv")) == []
    merged = read_sheet_rows(project.artifact("waves/check/merged.csv"))
    decided = {row["item_id"] for row in merged if row["resolution"] == "adjudicated"}
    assert decided == set(wrong(project))
    assert "12 items" in project.artifact("waves/check/gold/card.md").read_text(encoding="utf-8")


def test_a_changed_strategy_leaves_the_collected_answers_alone(project):
    project.write_study(wave_study(strategy="annotator_a"))
    assert ran(project.run()) == {"merge", "gold", "evaluation"}
    assert read_sheet_rows(project.artifact("waves/check/disagreements.csv")) == []


def test_results_say_it_when_the_wave_was_not_blind(project):
    project.write_study(wave_study(blind=False))
    project.goldpan("waves", "redraw", "check")
    project.run("results/notes/waves/check/agreement.json")
    assert project.json("waves/check/agreement.json")["blind"] is False
    assert "NOT blind" in project.artifact("waves/check/agreement.txt").read_text(encoding="utf-8")


def test_the_agreement_page_alone_is_made_from_a_clean_results_folder(project):
    before = paid(project)
    page = project.artifact("waves/check/agreement.html").read_bytes()
    shutil.rmtree(project.root / "results")
    project.run("results/notes/waves/check/agreement.html")
    assert project.artifact("waves/check/agreement.html").read_bytes() == page
    assert not project.artifact("waves/check/gold").exists()
    project.write_study(wave_study(gold={"group": "file"}))
    shutil.rmtree(project.root / "results")
    project.run("results/notes/waves/check/agreement.html")
    assert "come in 1 group by `file`" in project.artifact("waves/check/agreement.txt").read_text()
    assert paid(project) == before


def test_filled_sheets_are_never_written_nor_deleted(project):
    before = hashes(project.root / "annotations")
    project.run("--forcerun", "sample")
    assert hashes(project.root / "annotations") == before
    project.run("--delete-all-output")
    assert not project.artifact("waves/check/agreement.html").exists()
    assert hashes(project.root / "annotations") == before


def test_status_tells_what_is_left_and_what_is_to_be_decided(project):
    said = project.goldpan("waves", "status").stdout
    assert re.search(r"^ann +12 +12 +0 +0 +3 of 3", said, re.M)
    assert re.search(r"^topic +12 +3 +3 ", said, re.M)
    assert "results/notes/waves/check/adjudication.html" in said


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The wave of the quickstart, with the made-up sheets that come with it."""
    made = WorkflowProject.create(tmp_path_factory.mktemp("quickstart") / "project")
    shutil.rmtree(made.root / "config")
    # A demo that was run in this checkout has left its draw: the wave could be made of it without any stage.
    draws = shutil.ignore_patterns("*.draw.jsonl")
    for name in ("config", "examples", "annotations"):
        shutil.copytree(CHECKOUT / name, made.root / name, ignore=draws)
    card = "results/quickstart/waves/check/gold/card.md"
    made.run("--config", "study=quickstart", "--", card, card.replace("gold/card.md", "agreement.json"))
    return made.root / "results" / "quickstart" / "waves" / "check"


def test_the_made_up_sheets_of_the_quickstart_fit_its_wave(quickstart):
    assert '"state": "complete"' in (quickstart / "status.json").read_text(encoding="utf-8")
    assert read_sheet_rows(quickstart / "disagreements.csv") == []


def test_the_gold_set_of_the_quickstart_has_three_splits(quickstart):
    counts = {path.stem: len(path.read_bytes().splitlines()) for path in quickstart.glob("gold/*.jsonl")}
    assert sum(counts.values()) == 24
    assert all(counts[name] for name in ("train", "dev", "test"))


def test_the_examples_of_the_library_page_run_on_the_quickstart(quickstart, tmp_path, monkeypatch):
    for name in ("config", "results", "examples"):
        (tmp_path / name).symlink_to(quickstart.parents[3] / name)
    (tmp_path / "answers.csv").write_text("item,anna,ben\n1,yes,yes\n2,no,yes\n3,no,no\n4,yes,yes\n")
    monkeypatch.chdir(tmp_path)
    task = load_task("assetization_features_scoring", tmp_path / "config" / "tasks")
    request = {"model": "m", "messages": [], "tools": [tool(task)], "tool_choice": tool_choice(task)}
    answer = {"explanation": "x", "intrinsic_value": 1, "cash_flow": 0, "ownership_control": 3}
    names = {"completion": completion(request, answer)}
    page = (CHECKOUT / "docs" / "library.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    assert len(names["records"]) == 60
    assert names["gold"][0].labels["score"] in (0, 1)
    assert names["reading"].state == "ok", names["reading"].reason


def final_evaluation(project, **changes):
    """The project of filled sheets with evaluations of the test split alone."""
    study = wave_study(gold={"split": {"train": 0.2, "dev": 0.4, "test": 0.4}})
    final = {**EVALUATION, "split": "test"}
    study["evaluations"] = {"llm": EVALUATION, "final": final, "again": {**final, **changes}}
    project.write_study(study)
    return project


def looks(project):
    file = project.root / "annotations" / "notes" / "check.test_looks.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_an_evaluation_of_the_test_split_alone_is_a_look_that_is_counted_once(come_back, tmp_path):
    project = final_evaluation(come_back.copy(tmp_path / "project"))
    assert looks(project) == []
    project.run(*(f"results/notes/evaluation/{name}.json" for name in ("llm", "final", "again")))
    # Both see the same figures, whichever comes first; the one of all splits is no look.
    (look,) = looks(project)
    assert look["by"] in ("notes: evaluation final", "notes: evaluation again")
    assert look["items"] == len(project.rows("waves/check/gold/test.jsonl")) > 0
    assert project.json("evaluation/final.json")["look_at_test"] == 1
    assert "look_at_test" not in project.json("evaluation/llm.json")
    assert "This is look number 1 at the test split" in project.artifact("evaluation/final.html").read_text()
    card = project.artifact("waves/check/gold/card.md").read_text().replace("\\", "")
    assert "0 at earlier versions" in card
    assert "annotations/notes/check.test_looks.jsonl" in card

    assert "project/annotations/notes/check.test_looks.jsonl" in named_files(load_project(root=project.root))

    # Other figures are another look, and what was seen before keeps its number.
    before = project.artifact("evaluation/final.json").read_bytes()
    final_evaluation(project, features=["urgent"])
    for name in ("again", "final"):
        evaluate_in_project(load_project(root=project.root), name)
    assert len(looks(project)) == 2
    assert project.json("evaluation/again.json")["look_at_test"] == 2
    assert project.artifact("evaluation/final.json").read_bytes() == before


def test_the_ceiling_is_read_from_what_the_annotators_of_a_wave_answered(come_back):
    project = load_project(root=come_back.root)
    answers = answers_of_wave(project, "check")
    by_record = {item["id"]: item["item_id"] for item in items(come_back).values()}
    assert answers["topic"].keys() == by_record.keys()
    erring = {name for name, item in by_record.items() if item in wrong(come_back)}
    assert {name for name, said in answers["topic"].items() if said["ann"] != said["ben"]} == erring
    assert len(erring) == 3
