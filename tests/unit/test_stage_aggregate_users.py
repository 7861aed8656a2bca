"""Conditions, strata and evaluation go by what the samples of a record become, not by the first of them."""

import pytest

from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import read_stage
from goldpan.stages.rows import read_features
from goldpan.study.wave import Stratify
from goldpan.tasks.features import parse_feature
from goldpan.tasks.where import Where, values_of_row
from goldpan.waves.items import item_id
from goldpan.waves.sampling.strata import Strata
from tests.projects import TOPIC_TASK, note_rows
from tests.scripted_provider import answer_line
from tests.stage_builders import STAGE, at, make_stage
from tests.unit.test_batches_consolidate import GOOD, settle_with


@pytest.fixture
def run(tmp_path):
    """A stage whose first sample says weather and 2, the two others machines and 5."""
    run = make_stage(tmp_path, note_rows(1), samples=3)
    others = {**GOOD, "topic": "machines", "length": 5}
    answers = {"req__n0": {**GOOD, "topic": "weather"}, "req__n0__s1": others, "req__n0__s2": others}
    settle_with(run, [answer_line(request, arguments) for request, arguments in answers.items()])
    run.consolidate()
    return run


def test_where_strata_and_evaluation_go_by_the_aggregate(run):
    path = at(run, run.paths.features(STAGE))
    ((_, row),) = read_features(path)
    features = {made["name"]: parse_feature(made, "here") for made in TOPIC_TASK["features"]}
    condition = Where.parse("topic == 'machines' and length == 4", features.values())
    assert condition.matches(values_of_row({}, row["features"]))
    strata = Strata(Stratify(by=["features.topic", "features.length"]), features, "here")
    assert strata.name(row, {}) == "machines | 4"
    values = {name: FeatureValues(features[name]) for name in ("topic", "length")}
    found = read_stage("m", path, values, [item_id(row["id"])])
    (item,) = found.of_items["topic"]
    assert [found.of(name, item).value for name in values] == ["machines", 4]
    assert found.of("topic", item).confidence == pytest.approx(2 / 3, abs=1e-6)
