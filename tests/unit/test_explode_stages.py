"""Records of stages that explode, group and look beside them, as a project's stages make them."""

import csv

import orjson
import pytest

from goldpan.batches.questions import Questioner
from goldpan.batches.stage import StageRun
from goldpan.records.read import iter_records
from goldpan.stages.features import features_of_stage
from goldpan.stages.make import make_records
from goldpan.stages.tables import write_tables
from goldpan.study.wave import Wave
from goldpan.waves.sampling.answered import StageFiles
from goldpan.waves.sampling.draw import draw_sample
from goldpan.waves.sheets.sheet import shown_fields
from goldpan.waves.sheets.shown import with_fields_to_show
from goldpan.workflow.inputs import Inputs
from tests.mention_projects import loaded, mentions_project, mentions_study
from tests.stage_builders import records_made

CENSUS, DHS = ({"raw_name": name, "context": "primary", "year": None} for name in ("Census", "DHS"))


def features_row(record, state="ok", **features):
    return {
        "id": record["id"],
        "source": record["source"],
        "file": record["file"],
        "state": "skipped" if "skip" in record else state,
        "reason": record.get("skip"),
        "features": {} if "skip" in record or state != "ok" else features,
    }


def extraction(items):
    return {
        "mentions": {"type": "ExtractionPrediction", "items": items},
        "topics": {"type": "MultilabelPrediction", "labels": ["health"]},
        "length": {"type": "ScorePrediction", "score": 2},
    }


def verdict(label):
    return {"valid": {"type": "ClassificationPrediction", "label": label, "rationale": f"because {label}"}}


def answer(project, stage, says):
    """Write the features of a stage, whose records are there, by what `says` tells of each."""
    paths = project.paths
    rows = [
        features_row(record) if "skip" in record else features_row(record, **says(record))
        for record in iter_records(project.root / paths.stage_records(stage))
    ]
    path = project.root / paths.features(stage)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def features_by_name(project, stage):
    return {feature.name: feature for feature in features_of_stage(project, stage)}


def records(project, stage):
    make_records(project, stage)
    return list(iter_records(project.root / project.paths.stage_records(stage)))


@pytest.fixture
def answered(tmp_path):
    """Makes a project whose first stage found these items in its pages."""

    def make(found, **inputs):
        project = loaded(mentions_project(tmp_path / "project", mentions_study(**inputs)))
        records_made(StageRun(project, "extraction"))
        answer(project, "extraction", lambda record: extraction(found[record["id"]]))
        return project

    return make


FOUND = {"p1": [CENSUS, DHS], "p2": [], "p3": [DHS]}


def test_a_chain_goes_from_pages_to_items_and_back(answered):
    project = answered(FOUND)
    items = records(project, "judge")
    assert [record.get("item") for record in items] == [CENSUS, DHS, None, DHS]
    answer(project, "judge", lambda record: verdict("yes"))
    pages = records(project, "paper")
    assert [(page["id"], len(page["children"])) for page in pages] == [("p1", 2), ("p2", 0), ("p3", 1)]
    assert pages[0]["answers"] == {"extraction": {"topics": ["health"], "length": 2}}
    assert pages[0]["children"][0]["answers"] == {"judge": {"valid": "yes"}}


@pytest.mark.parametrize("prompt", ["{{ item.raw_name }} in: {{ data.text }}", "{{ item | tojson }}"])
def test_a_moved_item_makes_the_same_requests(answered, prompt):
    project = answered(FOUND)
    (project.tasks / "judge.user.j2").write_text(prompt)

    def keys(found):
        answer(project, "extraction", lambda record: extraction(found[record["id"]]))
        questioner = Questioner(project.study.asked_stages["judge"], project.tasks, None)
        asked = [questioner.ask(record) for record in records(project, "judge") if "skip" not in record]
        return {(question.custom_id, question.key) for questions in asked for question in questions}

    before = keys(FOUND)
    assert len(before) == 3
    moved = {"p1": [{**DHS, "year": None}, dict(reversed(CENSUS.items()))], "p2": [], "p3": [DHS]}
    assert keys(moved) == before


def test_a_prompt_has_the_item_and_the_children(answered):
    project = answered(FOUND)

    def text(stage, record):
        (question,) = Questioner(project.study.asked_stages[stage], project.tasks, None).ask(record)
        return b"".join(question.messages).decode()

    first = records(project, "judge")[0]
    assert "Census in: Text of p1." in text("judge", first)
    answer(project, "judge", lambda record: verdict("yes"))
    assert "Census;DHS; end" in text("paper", records(project, "paper")[0])


def test_a_filter_sees_the_earlier_stage_by_both_names(answered):
    where = "item.raw_name == 'DHS' and length == 2 and answers.extraction.length == 2 and 'health' in topics"
    project = answered(FOUND, judge={"where": where})
    assert ["skip" in record for record in records(project, "judge")] == [True, False, True, False]


def test_a_later_filter_sees_answers_of_earlier_stages_and_the_item(answered):
    where = "valid == 'yes' and item.raw_name == 'DHS' and answers.extraction.length == 2"
    project = answered(FOUND, paper={"where": where})
    records(project, "judge")
    answer(project, "judge", lambda record: verdict("yes"))
    states = [[child["state"] for child in page["children"]] for page in records(project, "paper")]
    assert states == [["skipped", "ok"], [], ["ok"]]


def test_neighbours_are_the_pages_before_and_after_the_items_own(answered):
    project = answered(FOUND, judge={"neighbours": 1})
    beside = [record.get("neighbours") for record in records(project, "judge")]
    p1, p2, p3 = ({"page": name, "text": f"Text of {name}."} for name in FOUND)
    assert beside[0] == beside[1] == {"before": [], "after": [p2]}
    assert beside[2] is None
    assert beside[3] == {"before": [p2], "after": []}
    assert p1 not in beside[3]["before"], p3


def test_neighbours_do_not_reach_into_another_file(tmp_path):
    made = mentions_project(tmp_path / "project", mentions_study(extraction={"neighbours": 5}))
    made.write_rows("pages/b.jsonl", [{"page": f"q{at}", "text": f"{at}"} for at in range(12)])
    project = loaded(made)
    records_made(StageRun(project, "extraction"))
    by_id = {record["id"]: record["neighbours"] for record in records(project, "extraction")}
    assert [page["page"] for page in by_id["q6"]["before"]] == ["q1", "q2", "q3", "q4", "q5"]
    assert [page["page"] for page in by_id["q6"]["after"]] == ["q7", "q8", "q9", "q10", "q11"]
    assert [page["page"] for page in by_id["p3"]["after"]] == []
    assert [page["page"] for page in by_id["q0"]["before"]] == []


def test_rules_know_what_records_are_made_from(answered, monkeypatch):
    project = answered(FOUND, judge={"neighbours": 2})
    monkeypatch.chdir(project.root)

    class Wildcards:
        stage = "judge"

    paths = project.paths
    assert Inputs(project).stages.of_stage(Wildcards) == [
        paths.stage_records("extraction"),
        paths.features("extraction"),
        paths.records("pages", "a.jsonl"),
    ]


def test_settings_of_a_stage_without_these_keys_are_as_they_were(answered):
    project = answered(FOUND)
    plain = project.study.stages["extraction"].input.model_dump(mode="json")
    assert plain == {"source": ["pages"], "stage": None, "where": None}


def test_a_study_knows_what_its_records_are_parts_of(answered):
    project = answered(FOUND)
    assert project.study.stages_about_items("judge") == ["judge"]
    assert project.study.parts_of("judge") == ("item",)
    assert project.study.parts_of("paper") == ()


def test_sheets_can_show_fields_of_the_item(answered):
    project = answered(FOUND)
    records(project, "judge")
    answer(project, "judge", lambda record: verdict("yes"))
    paths = project.paths
    stage = StageFiles(
        features=project.root / paths.features("judge"), records=project.root / paths.stage_records("judge")
    )
    fields = [fields for row, fields in stage.rows(with_data=True) if row["state"] == "ok"]
    assert fields[0] == {
        "item.raw_name": "Census",
        "item.context": "primary",
        "item.year": None,
        "page": "p1",
        "text": "Text of p1.",
        "parent": "p1",
        "count": 1,
    }


def test_a_wave_over_items_shows_them_and_joins_by_their_ids(tmp_path, answered):
    project = answered(FOUND)
    records(project, "judge")
    answer(project, "judge", lambda record: verdict("yes"))
    features = features_by_name(project, "judge")
    wave = Wave(stage="judge", annotators=["ann"], sample="all", show=["item.raw_name", "text"])
    files = StageFiles(
        features=project.root / project.paths.features("judge"),
        records=project.root / project.paths.stage_records("judge"),
    )
    sample = draw_sample("mentions", "w", wave, features, files)
    assert {item.id for item in sample.items.values()} == {
        record["id"] for record in records(project, "judge") if "skip" not in record
    }
    items = list(sample.items.values())
    assert shown_fields(items[0].data, wave.show) == {"item.raw_name": "Census", "text": "Text of p1."}
    blind = with_fields_to_show(Wave(stage="judge", annotators=["ann"], sample="all"), "w", items, {})
    assert blind.show == ["item.raw_name", "item.context", "item.year", "page", "text"]


def test_a_table_of_items_has_a_column_for_each_of_their_fields(answered):
    project = answered(FOUND)
    records(project, "judge")
    answer(project, "judge", lambda record: verdict("yes"))
    output = project.root / "table.csv"
    write_tables(
        project.root / project.paths.stage_records("judge"),
        project.root / project.paths.features("judge"),
        {("pages", "a.jsonl"): output},
        list(features_by_name(project, "judge").values()),
    )
    rows = list(csv.DictReader(output.open(encoding="utf-8")))
    assert [row["item.raw_name"] for row in rows] == ["Census", "DHS", "", "DHS"]
    assert [row["parent"] for row in rows] == ["p1", "p1", "p2", "p3"]
    assert [row["state"] for row in rows] == ["ok", "ok", "skipped", "ok"]
