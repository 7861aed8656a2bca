"""Annotators and labels may have the letters of any script, in whichever form a system writes them."""

import unicodedata
from pathlib import Path

import pytest
from pydantic import ValidationError

from goldpan.study import load_project
from goldpan.waves.steps.run import WaveRun
from tests.filled_sheets import fill_csv, fill_page, fill_xlsx, read_sheet_rows
from tests.projects import TOPIC_TASK, WorkflowProject
from tests.wave_builders import make_project, wave

ANNOTATORS = ["Zoë", "李小龍", "हिन्दी", "Łukasz-2"]
LABELS = ["grün", "日本語", "हाँ", "ça va"]


@pytest.mark.parametrize("name", [*ANNOTATORS, "Ἀλέξανδρος", "محمد", "anne_marie"])
def test_a_person_may_be_called_as_they_are(name):
    assert wave(annotators=[name, "ben"]).annotators == [unicodedata.normalize("NFC", name), "ben"]


@pytest.mark.parametrize(
    "name",
    ["Zoë Lee", "-ann", "2nd", "", "a/b", "..", "ann\u202e", "a\nb", "{ann}", "é" * 100, "\u0301a", "😀"],
)
def test_a_name_that_cannot_be_a_file_is_refused(name):
    with pytest.raises(ValidationError, match=r"is not a name|too long"):
        wave(annotators=[name, "ben"])


@pytest.mark.parametrize("other", ["ZOË", "zoe\u0308", "Zoë"])
def test_two_forms_of_one_name_are_one_name(other):
    with pytest.raises(ValidationError, match="named twice"):
        wave(annotators=["Zoë", other])


def decomposed(text: str) -> str:
    """As some systems write it: letters and their accents apart."""
    return unicodedata.normalize("NFD", text)


@pytest.fixture
def project(tmp_path: Path) -> WorkflowProject:
    """Sheets in three formats for four people, with labels in four scripts."""
    made = make_project(
        tmp_path / "project", features="topic", annotators=ANNOTATORS, formats=["csv", "xlsx", "html"]
    )
    topic = {**TOPIC_TASK["features"][0], "labels": LABELS}
    made.write_task({**TOPIC_TASK, "features": [topic, *TOPIC_TASK["features"][1:]]})
    return made


def test_they_go_out_and_come_back_in_every_format(project):
    run = WaveRun(load_project(root=project.root), "check")
    run.draw()
    run.write_sheets()
    sheets, folder = project.artifact("waves/check/sheets"), project.root / "annotations/notes/check"
    labels = {item: LABELS[at % 4] for at, item in enumerate(run.items)}
    fill_csv(sheets / "Zoë.csv", folder / "1.csv", lambda item: {"topic": decomposed(labels[item])})
    csv = (folder / "1.csv").read_text(encoding="utf-8-sig").replace("/Zoë/", f"/{decomposed('Zoë')}/")
    (folder / "1.csv").write_text(csv, encoding="utf-8-sig")
    fill_xlsx(sheets / "李小龍.xlsx", folder / "2.xlsx", lambda item: {"topic": labels[item]})
    fill_page(sheets / "हिन्दी.html", folder / "3.json", lambda item: {"topic": labels[item]})
    fill_csv(sheets / "Łukasz-2.csv", folder / "4.csv", lambda item: {"topic": "ÇA VA"})
    status = run.collect()
    assert status.state == "complete"
    assert list(status.annotators) == ANNOTATORS
    run.merge()
    assert "Łukasz-2" in run.measure()
    merged = read_sheet_rows(project.artifact("waves/check/merged.csv"))
    assert {row["item_id"]: row["annotator_Zoë"] for row in merged} == labels
    gold = {item.item_id: item.labels.get("topic") for item in run.freeze().items}
    assert gold == {item: label for item, label in labels.items() if label == "ça va"}
