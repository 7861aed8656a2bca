"""Waves of listed rows: how they are written, what they refuse, what is drawn, and how the draw is kept."""

from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from goldpan.cells import csv_text
from goldpan.error_analysis.items import Listed
from goldpan.error_analysis.rows import write_listed_rows
from goldpan.errors import GoldpanError, SourceError, StudyError
from goldpan.evaluation.evaluate import evaluate
from goldpan.files import write_json
from goldpan.records.record_slice import RecordSlice
from goldpan.study import load_project
from goldpan.study.model import Study
from goldpan.study.targeted_waves import features_listed
from goldpan.study.wave import FromErrors, Wave
from goldpan.waves.items import Item, item_of
from goldpan.waves.sampling.targeted import (
    NOT_LISTED,
    AnsweredAndListed,
    TargetList,
    read_targets,
    targeted_by,
)
from goldpan.workflow.inputs import Inputs
from tests.evaluation_builders import everything
from tests.projects import WorkflowProject, note_rows, notes_study

WAVE = {"sample": 5, "annotators": ["ann"]}


def study(waves=None, errors=None, evaluations=None, **changes):
    made = notes_study()
    made["evaluations"] = evaluations or {"own": {"source": ["notes"], "gold": {"topic": "label"}}}
    made["errors"] = {"own": {}} if errors is None else errors
    made["waves"] = waves or {"hard": {"from": "errors", **WAVE}}
    return made | changes


def refusal(made):
    with pytest.raises((ValidationError, ValueError)) as refused:
        Study.model_validate(made)
    return str(refused.value)


@pytest.mark.parametrize(
    "written",
    [
        {"from": "errors"},
        {"from": "errors.own"},
        {"among": {}},
        {"among": {"errors": "own"}, "stage": "topics"},
    ],
    ids=str,
)
def test_all_ways_to_write_it_are_one_wave(written):
    wave = Study.model_validate(study({"hard": {**written, **WAVE}})).waves["hard"]
    assert (wave.stage, wave.among.errors, wave.from_) == ("topics", "own", None)
    assert wave.among.lists == ["slices", "confusion", "clusters", "suspects", "unstable"]
    # As it was given out it is read by itself, without the study.
    assert Wave.model_validate(wave.model_dump(mode="json", by_alias=True)) == wave


def test_a_wave_that_is_not_targeted_has_the_settings_it_had_before():
    wave = Study.model_validate(study({"check": {"stage": "topics", **WAVE}})).waves["check"]
    assert "among" not in wave.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (study(errors={}), "which error analysis"),
        (study(errors={"own": {}, "other": {"evaluation": "own"}}), "which error analysis"),
        (study({"hard": {"from": "errors.onw", **WAVE}}), "there is no error analysis `onw`"),
        (study({"hard": {"from": "erorrs", **WAVE}}), "is no table"),
        (study({"hard": {"from": "errors.own", "among": {"errors": "other"}, **WAVE}}), "two analyses"),
        (
            study({"hard": {"from": "errors", "left_out": {"topic": "animals"}, **WAVE}}),
            "make a wave of its own",
        ),
        (study({"hard": {"from": "errors", "among": {"lists": ["slice"]}, **WAVE}}), "slices"),
        (
            study({"hard": {"among": {}, "from": {"source": "notes", "task": "topic"}, **WAVE}}),
            "lists no rows of a table",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(made, said):
    assert said in refusal(made)


def test_a_wave_is_not_drawn_from_errors_that_its_own_gold_shows():
    evaluations = {"own": {"wave": "hard", "predictions": {"topics": {"stage": "topics"}}}}
    said = refusal(study({"hard": {"from": "errors", **WAVE}}, evaluations=evaluations))
    assert "waves.hard.among.errors" in said
    assert "own gold" in said


def test_nor_from_errors_that_rest_on_it_by_another_wave():
    predictions = {"topics": {"stage": "topics"}}
    said = refusal(
        study(
            {"first": {"from": "errors.two", **WAVE}, "second": {"from": "errors.one", **WAVE}},
            {"one": {}, "two": {}},
            {
                "one": {"wave": "first", "predictions": predictions},
                "two": {"wave": "second", "predictions": predictions},
            },
        )
    )
    assert "waves.first.among" in said
    assert "waves.second.among" in said


def test_a_wave_of_errors_in_an_earlier_waves_gold_is_drawn_once_that_has_come_back(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    made = study(
        {"check": {"stage": "topics", **WAVE}, "hard": {"from": "errors", **WAVE}},
        evaluations={"own": {"wave": "check", "predictions": {"topics": {"stage": "topics"}}}},
    )
    project.write_study(made)
    project.write_rows("notes/a.jsonl", note_rows(10))

    def wanted():
        return list(Inputs(load_project(root=project.root)).everything())

    before = wanted()
    assert "results/notes/waves/check/sample.jsonl" in before
    assert not [path for path in before if "/waves/hard/" in path or "/errors/" in path]
    project.write("annotations/notes/check/ann.csv", csv_text([["item_id", "topic"]]))
    after = wanted()
    assert {"results/notes/waves/hard/sample.jsonl", "results/notes/errors/own.html"} <= set(after)
    inputs = Inputs(load_project(root=project.root))
    assert "results/notes/errors/own.json" in inputs.waves.to_draw("hard")
    # What is listed later is no change of what was given out.
    assert "results/notes/errors/own.json" not in inputs.waves.of_changes(SimpleNamespace(wave="hard"))


class Rows:
    def rows(self, *, with_data):
        for number in range(6):
            state = "refused" if number == 5 else "ok"
            row = {"id": f"n{number}", "source": "s", "file": "f", "state": state, "features": {}}
            yield row, {"site": number % 2} if with_data else {}


@pytest.mark.parametrize("with_data", [False, True])
def test_rows_that_are_not_listed_say_so_and_keep_their_place(with_data):
    targets = [
        TargetList("confusion", "topic", ("n0", "n1", "n5", "gone")),
        TargetList("slices", "topic", slices=(RecordSlice("data.site", "value", "1"),)),
    ]
    found = list(AnsweredAndListed(Rows(), targets).rows(with_data=with_data))
    states = ["ok", "ok", NOT_LISTED, "ok", NOT_LISTED, "refused"]
    assert [row["state"] for row, _ in found] == states
    assert [data for _, data in found] == [{"site": n % 2} if with_data else {} for n in range(6)]


def targets_file(folder, *targets):
    write_json(folder / "own.json", {"targets": [target.as_json() for target in targets]})
    return folder / "own.json"


def test_lists_and_features_that_are_wanted_are_read_back_as_they_were(tmp_path):
    pairs = TargetList("confusion", "topic", ("n1",))
    slices = TargetList("slices", "urgent", slices=(RecordSlice("data.n", "number", low=1e-9, high=2.5e-9),))
    path = targets_file(tmp_path, pairs, slices)
    assert read_targets(path, FromErrors(errors="own"), "w") == [pairs, slices]
    assert read_targets(path, FromErrors(errors="own", lists="slices"), "w") == [slices]
    assert read_targets(path, FromErrors(errors="own", feature="topic"), "w") == [pairs]


def test_a_wave_is_drawn_from_what_is_listed_for_its_own_predictions_and_features(tmp_path):
    """A weak model beside it, or another feature, would list nearly every row."""
    made = study({"hard": {"from": "errors", "features": ["kept"], "stage": "topics", **WAVE}})
    made["evaluations"]["own"]["predictions"] = {
        "weak": {"stage": "weak"},
        "llm": {"stage": "topics", "features": {"topic": "kept"}},
    }
    made["stages"]["weak"] = made["stages"]["topics"]
    known = Study.model_validate(made)
    wave = known.waves["hard"]
    assert wave.among.predictions == ["llm"]
    weak = TargetList("confusion", "topic", tuple(f"n{n}" for n in range(6)), model="weak")
    other = TargetList("confusion", "urgent", ("n1", "n2"), model="llm")
    own = TargetList("confusion", "topic", ("n3", "n5"), model="llm")
    slices = TargetList("slices", "topic", slices=(RecordSlice("data.site", "value", "1"),), model="llm")
    doubtful = TargetList("suspects", "topic", ("n4",))
    path = targets_file(tmp_path, weak, other, own, slices, doubtful)
    features = features_listed(known, wave, ["kept"])
    wanted = read_targets(path, wave.among, "w", features)
    assert wanted == [own, slices, doubtful]
    every = wave.among.model_copy(update={"predictions": ["weak", "llm"]})
    assert read_targets(path, every, "w", features) == [weak, own, slices, doubtful]
    rows = AnsweredAndListed(Rows(), wanted).counted(
        lambda row: None if row["state"] == "ok" else row["state"], ["n3", "n4"]
    )
    assert (rows.answered, rows.listed) == (5, 3)
    assert [(at.list, at.model, at.rows, at.sampled) for at in rows.by_list] == [
        ("confusion", "llm", 1, 1),
        ("slices", "llm", 2, 1),
        ("suspects", "", 1, 1),
    ]
    assert "3 of 5 rows are listed, more than half" in targeted_by(wave.among, rows).note


def test_predictions_that_the_analysis_does_not_look_at_are_refused():
    said = refusal(study({"hard": {"from": "errors", "among": {"predictions": "llm"}, **WAVE}}))
    assert (
        "waves.hard.among.predictions: the analysis looks at no predictions `llm`; there are: topics" in said
    )


@pytest.mark.parametrize(
    ("among", "said"),
    [({"lists": "suspects"}, "found nothing to draw from"), ({"feature": "tpoic"}, "it is about: topic")],
)
def test_lists_without_rows_and_unknown_features_are_errors_with_a_place(tmp_path, among, said):
    path = targets_file(tmp_path, TargetList("confusion", "topic", ("n1",)), TargetList("suspects", "topic"))
    with pytest.raises(StudyError, match=said) as refused:
        read_targets(path, FromErrors(errors="own", **among), "waves.hard.among")
    assert refused.value.where.startswith("waves.hard.among")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"format": "goldpan-errors-1"}', b'{"targets": [{"list": "other"}]}', b'{"targets": [3]}'],
)
def test_a_damaged_analysis_is_no_empty_one(tmp_path, content):
    path = tmp_path / "own.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"error analysis|JSON|empty") as refused:
        read_targets(path, FromErrors(errors="own"), "w")
    assert "run again" in refused.value.remedy


def test_items_of_other_waves_are_written_as_before_and_read_either_way():
    plain = Item("i1", "j1", "n1", "s", "f", "all", 0.5, 1, ("ann",), (), {})
    listed = item_of(plain.as_json() | {"targeted": "own"})
    assert "targeted" not in plain.as_json()
    assert item_of(plain.as_json()) == plain
    assert item_of(listed.as_json()).targeted == "own"


def test_gold_of_listed_rows_is_neither_weighted_nor_used_to_correct_prevalence(tmp_path):
    settings, inputs = everything(tmp_path)
    from tests.evaluation_builders import FEATURES

    before = evaluate("e", settings, FEATURES, inputs)
    for path in inputs.gold:
        path.write_bytes(path.read_bytes().replace(b'"data":', b'"targeted":"own","data":'))
    after = evaluate("e", settings, FEATURES, inputs)
    prevalences = [
        [model.prevalence for feature in report.features for model in feature.models if model.prevalence]
        for report in (before, after)
    ]
    assert any("targeted sample" not in (known.reason or "") for known in prevalences[0])
    assert all("targeted sample" in known.reason and not known.labels for known in prevalences[1])
    assert any("targeted sample" in note for note in after.notes)
    assert not any(feature.items.is_weighted for feature in after.features)


def test_cells_that_a_spreadsheet_would_run_are_neutralised(tmp_path):
    row = Listed("confusion", "=a -> b", "f", "m", "i1", "=1+1", "a", "b", 0.5, "why", {"text": "=cmd|x"})
    write_listed_rows(tmp_path / "rows.csv", [row])
    text = (tmp_path / "rows.csv").read_bytes().decode("utf-8-sig")
    assert text.splitlines()[0].startswith(
        "list,name,feature,model,item_id,id,gold,predicted,score,why,field_text"
    )
    assert not [cell for cell in text.splitlines()[1].split(",") if cell.startswith("=")]


def test_an_analysis_of_fields_and_features_that_are_not_there_is_refused_before_anything_is_asked(tmp_path):
    from goldpan.error_analysis.check import check_error_analyses

    project = WorkflowProject.create(tmp_path / "project")
    project.write_rows(
        "notes/a.jsonl", [row | {"label": "animals", "tags": [{"kind": "a"}]} for row in note_rows(5)]
    )

    def check(errors, **wave):
        waves = {"hard": {"from": "errors", "among": wave, **WAVE}}
        project.write_study(study(waves, {"own": errors}))
        return list(check_error_analyses(load_project(root=project.root)))

    assert check({"slices": ["data.text", "data.tags.kind", "file"]}) == ["error analysis own: 1 features"]
    for errors, wave, said in (
        ({"features": ["tpoic"]}, {}, "did you mean `topic`"),
        ({"slices": ["data.sites"]}, {}, "no row has a field `sites`"),
        ({}, {"feature": "urgent"}, "no feature `urgent` is evaluated"),
    ):
        with pytest.raises(GoldpanError, match=said):
            check(errors, **wave)
