"""Waves over records that are items of others: strata by verdicts, and the item on the sheet."""

import orjson
import pytest

from goldpan.errors import StudyError
from goldpan.waves.items import item_id
from goldpan.waves.sampling.answered import StageFiles
from goldpan.waves.sampling.draw import draw_sample
from goldpan.waves.sheets.sheet import field_names, shown_fields
from goldpan.waves.steps.check import check_waves
from tests.evaluation_builders import prediction
from tests.mention_projects import STUDY, loaded, mentions_project
from tests.wave_builders import COMPLAINT, wave


def files(folder, data):
    """A stage of two items, one valid and one not by an earlier stage."""
    rows, records = [], []
    for number, verdict in enumerate(("yes", "no")):
        place = {"id": f"p__{number}", "source": "s", "file": "f"}
        said = {"complaint": prediction(COMPLAINT, True)}
        rows.append({**place, "state": "ok", "reason": None, "features": said})
        of_item = {"item": {"raw_name": f"name {number}"}, "parent": "p", "count": 1}
        records.append(
            {**place, "line": 1, "data": data, **of_item, "answers": {"judge": {"valid": verdict}}}
        )
    features_file, records_file = folder / "features.jsonl", folder / "records.jsonl"
    for path, lines in ((features_file, rows), (records_file, records)):
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return StageFiles(features_file, records_file)


def draw(folder, data, by):
    by_name = {"complaint": COMPLAINT}
    return draw_sample("shop", "first", wave(stratify={"by": by}), by_name, files(folder, data))


def test_items_are_stratified_by_what_an_earlier_stage_said_and_by_the_stage_itself(tmp_path):
    sample = draw(tmp_path, {"text": "t"}, ["answers.judge.valid", "features.complaint"])
    assert {item.id: item.stratum for item in sample.items.values()} == {
        "p__0": "yes | yes",
        "p__1": "no | yes",
    }


def test_people_see_which_item_is_meant_and_no_answer_of_an_earlier_stage(tmp_path):
    sample = draw(tmp_path, {"text": "t"}, ["answers.judge.valid"])
    shown = {"item.raw_name": "name 1", "text": "t", "parent": "p", "count": 1}
    assert sample.items[item_id("p__1")].data == shown


def test_a_field_that_is_called_like_the_item_stays(tmp_path):
    sample = draw(tmp_path, {"item": "own"}, ["source"])
    shown = sample.items[item_id("p__0")].data
    assert (shown["item"], shown["item.raw_name"]) == ("own", "name 0")


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("answers.extractoin.length", "did you mean `extraction`|extraction"),
        ("answers.judge.valid", "no stage before the wave's"),
        ("answers.extraction.lenght", "length"),
    ],
)
def test_an_earlier_answer_that_is_not_there_is_named_before_anything_is_drawn(tmp_path, key, what):
    of_judge = {"stage": "judge", "sample": 5, "annotators": ["ann"], "stratify": {"by": key}}
    project = loaded(mentions_project(tmp_path / "project", {**STUDY, "waves": {"mentions": of_judge}}))
    with pytest.raises(StudyError, match=what):
        list(check_waves(project))


def test_a_wave_may_show_parts_of_the_item(tmp_path):
    shown = {"stage": "judge", "sample": 5, "annotators": ["ann"], "show": ["item.raw_name", "text"]}
    by = {"stratify": {"by": ["answers.extraction.length", "features.valid"]}}
    project = loaded(mentions_project(tmp_path / "project", {**STUDY, "waves": {"mentions": shown | by}}))
    assert list(check_waves(project)) == ["wave mentions: 1 features, 1 annotators"]


def test_item_shows_all_fields_of_the_items(tmp_path):
    sample = draw(tmp_path, {"text": "t", "year": 2}, ["source"])
    shown = wave(stratify={"by": ["source"]}, show=["item", "text"])
    assert field_names(list(sample.items.values()), shown, "mentions") == ["item.raw_name", "text"]
    fields = shown_fields(sample.items[item_id("p__1")].data, shown.show)
    assert fields == {"item.raw_name": "name 1", "text": "t"}


def test_a_field_that_items_do_not_have_is_told_before_anything_is_drawn(tmp_path):
    shown = {"stage": "judge", "sample": 5, "annotators": ["ann"], "show": ["item.raw_nam"]}
    project = loaded(mentions_project(tmp_path / "project", {**STUDY, "waves": {"mentions": shown}}))
    with pytest.raises(StudyError, match=r"did you mean `item\.raw_name`"):
        list(check_waves(project))


@pytest.mark.parametrize(
    ("stratify", "says"),
    [
        ({"by": "features.valdi"}, r"did you mean `valid`"),
        ({"by": "features.valid", "allocation": {"yes": 2, "(filterd)": 2}}, r"did you mean `\(filtered\)`"),
    ],
)
def test_strata_that_cannot_be_are_told_before_anything_is_asked(tmp_path, stratify, says):
    of_judge = {"stage": "judge", "annotators": ["ann"], "stratify": stratify, "left_out": {"valid": False}}
    if "allocation" not in stratify:
        of_judge["sample"] = 5
    project = loaded(mentions_project(tmp_path / "project", {**STUDY, "waves": {"mentions": of_judge}}))
    with pytest.raises(StudyError, match=says):
        list(check_waves(project))
