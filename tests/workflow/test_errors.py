"""Error analyses and targeted waves in a real run: from labels in fields to the slice that is bad, from it to
a wave, and from its gold to figures that say what they are of."""

import hashlib
import re
import shutil

import orjson
import pytest

from tests.filled_sheets import fill_csv, read_sheet_rows
from tests.projects import WorkflowProject, note_rows, notes_study, ran

ROWS, LABELLED = 420, 300
BAD, SITES = "s3", 10
TARGETED = "Targeted sample"


def answer(number):
    """What the built-in baseline says of a note: it knows animals and machines, but no weather."""
    return "machines" if number % 3 == 1 else "animals"


def other(label):
    return "animals" if label == "machines" else "machines"


def rows(worst=BAD):
    """Notes of ten sites, of which 300 have a label; answers are wrong on two thirds of one site, and on one
    in eleven of the others."""
    made = note_rows(ROWS)
    for number, row in enumerate(made):
        row["site"] = f"s{number * 7 % SITES}"
        row["tags"] = ["short", "note"] if number // SITES % 2 else ["note"]
        if number < LABELLED:
            is_wrong = number % 3 != 2 if row["site"] == worst else number % 11 == 5
            row["label"] = other(answer(number)) if is_wrong else answer(number)
    return made


def study():
    made = notes_study()
    made["evaluations"] = {
        "own": {"source": "notes", "gold": {"topic": "label"}},
        "again": {"wave": "hard", "predictions": {"topics": {"stage": "topics"}}},
    }
    made["errors"] = {"own": {}}
    made["waves"] = {
        "hard": {
            "from": "errors",
            "among": {"lists": "slices", "feature": "topic"},
            "features": ["topic"],
            "sample": 30,
            "stratify": {"by": "features.topic", "allocation": "equal"},
            "annotators": ["ann"],
            "formats": ["html", "csv"],
        }
    }
    return made


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draw_file(project):
    return project.root / "annotations" / "notes" / "hard.draw.jsonl"


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """A project whose mistakes were looked at, and whose wave of bad rows was given out."""
    made = WorkflowProject.create(tmp_path_factory.mktemp("errors") / "project")
    made.write_study(study())
    made.write_rows("notes/a.jsonl", rows())
    made.first_run = made.run()
    return made


@pytest.fixture(scope="module")
def labelled(analysed, tmp_path_factory):
    """The same once its sheet has come back: `ann` says that the answers are right."""
    made = analysed.copy(tmp_path_factory.mktemp("labelled") / "project")
    number = {
        row["item_id"]: int(row["id"].removeprefix("n")) for row in made.rows("waves/hard/sample.jsonl")
    }
    fill_csv(
        made.artifact("waves/hard/sheets/ann.csv"),
        made.root / "annotations" / "notes" / "hard" / "ann.csv",
        lambda item: {"topic": answer(number[item])},
    )
    made.run("results/notes/paper/methods.md", "all")
    return made


@pytest.mark.timeout(600)
def test_the_bad_site_is_found_and_no_other(analysed):
    assert "errors" in ran(analysed.first_run)
    report = analysed.json("errors/own.json")
    (feature,) = report["features"]
    slices = feature["models"][0]["slices"]
    found = [known for known in slices["slices"] if known["is_significant"]]
    assert [known["condition"] for known in found] == [{"key": "data.site", "kind": "value", "value": BAD}]
    in_slice = [row for row in rows()[:LABELLED] if row["site"] == BAD]
    assert (found[0]["items"], found[0]["wrong"]) == (len(in_slice), 20)
    assert found[0]["p_adjusted"] < report["each_alpha"] < report["alpha"] == 0.05
    # The field that holds the gold is no slice: the pairs of labels are about it.
    assert not [known for known in slices["slices"] if known["condition"]["key"] == "data.label"]


@pytest.mark.timeout(600)
def test_page_and_table_hold_the_wrong_rows_with_their_ids(analysed):
    listed = read_sheet_rows(analysed.artifact("errors/own.csv"))
    in_slice = {row["id"]: row for row in listed if row["list"] == "slices"}
    wrong = {
        row["id"]
        for number, row in enumerate(rows()[:LABELLED])
        if row["site"] == BAD and row["label"] != answer(number)
    }
    assert in_slice.keys() == wrong
    assert all(row["field_site"] == BAD and row["gold"] != row["predicted"] for row in in_slice.values())
    evaluated = analysed.json("evaluation/own.json")["features"][0]["models"][0]
    assert len({row["id"] for row in listed if row["list"] == "confusion"}) == evaluated["mistakes"]
    page = analysed.artifact("errors/own.html").read_text()
    assert f"site: {BAD}" in page
    assert "own.csv" in page


@pytest.mark.timeout(600)
def test_only_rows_of_the_slice_are_drawn_labelled_or_not(analysed):
    counts = analysed.json("waves/hard/sample.json")
    in_slice = [row["id"] for row in rows() if row["site"] == BAD]
    assert counts["population"] == len(in_slice) == ROWS // SITES
    assert counts["outside"] == {"not listed by the error analysis": ROWS - len(in_slice)}
    assert {stratum["stratum"]: stratum["sampled"] for stratum in counts["strata"]} == {
        "animals": 16,
        "machines": 14,
    }
    drawn = analysed.rows("waves/hard/sample.jsonl")
    assert {row["id"] for row in drawn} <= set(in_slice)
    assert len({row["id"] for row in drawn}) == len(drawn) == counts["sampled"] == 30
    assert any("label" not in row["data"] for row in drawn)
    assert all(row["targeted"] == "own" for row in drawn)


@pytest.mark.timeout(600)
def test_the_sample_says_that_it_is_a_targeted_one(analysed):
    targeted = analysed.json("waves/hard/sample.json")["targeted"]
    assert targeted["note"].startswith(TARGETED)
    assert (targeted["errors"], targeted["lists"]) == ("own", ["slices"])
    sheet = analysed.artifact("waves/hard/sheets/ann.html").read_text()
    assert "These items were chosen, not drawn at random" in sheet
    assert TARGETED in analysed.artifact("index.html").read_text()
    planned = analysed.goldpan("waves", "plan", "--study", "notes", "--measure", "accuracy").stdout
    assert "targeted sample" in planned


@pytest.mark.timeout(600)
def test_blind_sheets_tell_neither_the_label_nor_why_a_row_was_chosen(analysed):
    sheet = read_sheet_rows(analysed.artifact("waves/hard/sheets/ann.csv"))
    assert {"text", "site", "tags"} <= sheet[0].keys()
    assert "label" not in sheet[0]
    page = analysed.artifact("waves/hard/sheets/ann.html").read_text()
    data = re.search(r'<script[^>]* id="data"[^>]*>(.*?)</script>', page, re.S)[1]
    assert {field["name"] for row in orjson.loads(data)["rows"] for field in row["fields"]} == {
        "text",
        "site",
        "tags",
    }
    assert "slice" not in data


@pytest.mark.timeout(600)
def test_gold_of_the_wave_is_told_as_targeted_in_all_that_is_made_of_it(labelled):
    note = labelled.json("waves/hard/sample.json")["targeted"]["note"]
    assert note in labelled.json("waves/hard/agreement.json")["notes"]
    assert TARGETED in labelled.artifact("waves/hard/agreement.html").read_text()
    card = labelled.artifact("waves/hard/gold/card.md").read_text()
    assert TARGETED in card
    assert "weighted" not in card.replace("nothing is weighted up", "")
    croissant = labelled.json("waves/hard/gold/croissant.json")
    assert any(TARGETED in limit for limit in croissant["rai:dataLimitations"])
    gold = read_sheet_rows(labelled.artifact("waves/hard/gold/gold.csv"))
    assert {row["targeted"] for row in gold} == {"own"}
    assert TARGETED in labelled.artifact("paper/methods.md").read_text()


@pytest.mark.timeout(600)
def test_an_evaluation_over_the_wave_says_nothing_about_the_corpus(labelled):
    report = labelled.json("evaluation/again.json")
    assert any("targeted sample" in note for note in report["notes"])
    (feature,) = report["features"]
    assert feature["items"]["evaluated"] == 30
    # Drawn 16 of 28 and 14 of 14: a random sample would have weighted figures.
    assert not feature["items"]["is_weighted"]
    (model,) = feature["models"]
    assert model["prevalence"]["labels"] == []
    assert "targeted sample" in model["prevalence"]["reason"]
    assert all(figure["raw"] == figure["weighted"] for figure in model["figures"])
    assert "targeted sample" in labelled.artifact("evaluation/again.html").read_text()


@pytest.mark.timeout(900)
def test_another_analysis_changes_nothing_that_was_given_out_until_it_is_drawn_anew(labelled, tmp_path):
    project = labelled.copy(tmp_path / "project")
    before = digest(draw_file(project)), digest(project.artifact("waves/hard/sample.jsonl"))
    sheets = {path.name: digest(path) for path in project.artifact("waves/hard/sheets").iterdir()}
    project.write_rows("notes/a.jsonl", rows(worst="s6"))
    assert {"errors", "wave_changes"} <= ran(project.run())
    report = project.json("errors/own.json")
    found = [
        known["condition"]["value"]
        for known in report["features"][0]["models"][0]["slices"]["slices"]
        if known["is_significant"]
    ]
    assert found == ["s6"]
    assert (digest(draw_file(project)), digest(project.artifact("waves/hard/sample.jsonl"))) == before
    assert {path.name: digest(path) for path in project.artifact("waves/hard/sheets").iterdir()} == sheets
    changes = project.json("waves/hard/changes.json")
    # Labels are fields of the records, so that these were edited; who could be drawn is not compared.
    assert changes["study_notes"] == []
    assert not [note for note in changes["record_notes"] if "drawn" in note]
    project.goldpan("waves", "redraw", "hard")
    drawn = [orjson.loads(line) for line in draw_file(project).read_bytes().splitlines()[1:]]
    assert {row["item"]["data"]["site"] for row in drawn} == {"s6"}


@pytest.mark.timeout(600)
def test_a_wave_of_lists_that_are_empty_is_not_drawn_and_says_why(analysed, tmp_path):
    project = analysed.copy(tmp_path / "project")
    shutil.rmtree(project.root / "annotations")
    shutil.rmtree(project.artifact("waves"))
    made = study()
    made["waves"]["hard"]["among"] = {"lists": "clusters"}
    project.write_study(made)
    done = project.run(check=False)
    assert done.returncode != 0
    assert "has found nothing to draw from" in done.stdout
    assert not draw_file(project).exists()
