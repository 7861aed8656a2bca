"""What the answers about its items come to, said of a page."""

import pytest
from pydantic import ValidationError

from goldpan.chains.gather import check_gathered, gathered
from goldpan.chains.predictions import Unknown
from goldpan.errors import WhereError
from goldpan.study.local_stage import GatherStage
from tests.mention_projects import STUDY, loaded, mentions_project

FEATURES = {"any_valid": {"any": "valid == 'yes'"}, "valid_ones": {"count": "valid == 'yes'"}}


def project_with(tmp_path, **features):
    stages = STUDY["stages"]
    gather = {"kind": "gather", "input": stages["paper"]["input"], "features": features or FEATURES}
    study = {**STUDY, "stages": {**stages, "pages": gather}}
    return loaded(mentions_project(tmp_path / "project", study))


def child(valid=None, state="ok", reason="500", name="A"):
    row = {"id": name, "item": {"raw_name": name}, "count": 1, "state": state, "answers": {}}
    if valid is not None:
        row["answers"] = {"judge": {"valid": valid}}
    return row if state == "ok" else {**row, "reason": reason}


def said(tmp_path, *children, **features):
    project = project_with(tmp_path, **features)
    stage = project.study.stages["pages"]
    (found,) = gathered(project, "pages", stage, iter([{"id": "p1", "children": list(children)}]))
    return found


def values(found):
    return {name: said.get("detected", said.get("score")) for name, said in found.items()}


def test_any_and_count_are_of_the_items_that_the_condition_holds_for(tmp_path):
    found = said(tmp_path, child("yes"), child("no"), child("yes"))
    assert values(found) == {"any_valid": True, "valid_ones": 2}


def test_a_page_without_items_has_none(tmp_path):
    assert values(said(tmp_path)) == {"any_valid": False, "valid_ones": 0}


def test_an_item_that_a_filter_left_out_counts_for_nothing(tmp_path):
    left_out = child("yes", "skipped", "filtered: not (count > 1)")
    assert values(said(tmp_path, left_out, child("no"))) == {"any_valid": False, "valid_ones": 0}


def test_one_valid_item_decides_though_another_failed_and_the_number_is_then_not_told(tmp_path):
    found = said(tmp_path, child("yes"), child(state="failed"))
    assert values(found) == {"any_valid": True, "valid_ones": None}
    assert found["valid_ones"]["abstained"] is True


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("failed", "500"),
        ("refused", "no"),
        ("invalid", "?"),
        ("skipped", "upstream: stage judge is failed for this record"),
    ],
)
def test_a_failed_item_is_no_negative(tmp_path, state, reason):
    found = said(tmp_path, child("no"), child(state=state, reason=reason))
    assert isinstance(found, Unknown)
    assert found.reason.startswith(f"upstream: stage judge has not answered 1 of 2 items ({state} 1)")


def test_a_number_alone_is_not_told_where_an_item_failed(tmp_path):
    only = {"valid_ones": {"count": "valid == 'yes'"}}
    assert isinstance(said(tmp_path, child("yes"), child(state="failed"), **only), Unknown)


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("vaild == 'yes'", "valid"),
        ("valid == 'maybe'", "no label 'maybe'"),
        ("item.rawname == 'A'", "raw_name"),
        ("answers.extraction.length == 1", "extraction"),
    ],
)
def test_a_condition_is_checked_before_anything_runs(tmp_path, condition, what):
    project = project_with(tmp_path, bad={"any": condition})
    with pytest.raises(WhereError, match=what) as error:
        check_gathered(project, "pages", project.study.stages["pages"])
    assert "stages.pages.features.bad" in str(error.value)


def test_conditions_may_name_the_item_and_answers_of_each_stage_about_it(tmp_path):
    found = said(tmp_path, child("yes"), x={"any": "item.raw_name == 'A' and answers.judge.valid == 'yes'"})
    assert values(found) == {"x": True}


@pytest.mark.parametrize("feature", [{}, {"any": "count > 1", "count": "count > 1"}])
def test_a_feature_has_one_condition(feature):
    given = {
        "kind": "gather",
        "input": {"stage": "judge", "group": {"by": "parent"}},
        "features": {"x": feature},
    }
    with pytest.raises(ValidationError, match="either `any` or `count`"):
        GatherStage.model_validate(given)


def test_without_a_group_there_are_no_items():
    given = {"kind": "gather", "input": {"stage": "judge"}, "features": FEATURES}
    with pytest.raises(ValidationError, match="group"):
        GatherStage.model_validate(given)
