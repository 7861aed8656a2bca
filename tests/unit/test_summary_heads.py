"""`goldpan summary` says how sure the figures of heads are, or why it does not."""

import re

import numpy as np
import orjson
import pytest

from goldpan.cli import main
from goldpan.heads.measured import MeasuredRecords
from goldpan.heads.model import HeadPredictions
from goldpan.heads.report import TargetReport
from goldpan.heads.targets import Target
from goldpan.statistics.samples import sample_of_groups
from goldpan.study import load_project
from tests.corpus_projects import corpus_study
from tests.projects import WorkflowProject

GOOD = Target("good", "good", "classification", ("no", "yes"))


def report(records, right, groups):
    """The report of a head that has so many of so many records right."""
    truth = np.arange(records) % 2
    sample = sample_of_groups([f"g{record % groups}" for record in range(records)], 0)
    label = np.where(np.arange(records) < right, truth, 1 - truth)
    figures = MeasuredRecords(GOOD, truth.astype(float), sample).figures(HeadPredictions(None, label))
    return orjson.loads(orjson.dumps(TargetReport(GOOD, {}, groups, figures, {}, None).as_json()))


def of_an_earlier_version(target):
    """The same as it was written before figures had reasons."""
    for figure in target["figures"].values():
        del figure["reason"]
    return target


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize(
    ("records", "right", "groups", "says"),
    [
        (3, 3, 3, "1.00 (no interval: 3 items, 5 are needed)"),
        (40, 30, 4, "0.75 (no interval: 4 groups, 5 are needed)"),
        (40, 30, 40, "0.75 [0."),
    ],
)
def test_the_summary_gives_an_interval_or_says_why_there_is_none(
    records, right, groups, says, earlier, tmp_path, capsys
):
    made = WorkflowProject.create(tmp_path / "project", study="corpus")
    made.write_study(corpus_study())
    project = load_project(root=made.root)
    (head, *_) = project.study.heads
    target = report(records, right, groups)
    if earlier:
        target = of_an_earlier_version(target)
        says = re.sub(r"no interval: .*needed", "too few groups for an interval", says)
    metrics = {"labelled": 200, "measured_on": "test", "targets": {"good": target}}
    made.write(project.paths.head(head, "metrics.json"), orjson.dumps(metrics).decode())
    assert main(["summary", "--root", str(made.root)]) == 0
    assert f"good: f1_macro {says}" in capsys.readouterr().out


def test_the_summary_gives_the_warnings_of_a_head_and_says_that_it_learned_from_a_trial(tmp_path, capsys):
    made = WorkflowProject.create(tmp_path / "project", study="corpus")
    made.write_study(corpus_study())
    project = load_project(root=made.root)
    (head, *_) = project.study.heads
    metrics = {
        "labelled": 9,
        "measured_on": "test",
        "targets": {"good": report(40, 30, 40)},
        "warnings": ["good: the labels are noisy"],
        "trial": {"shop": 20},
    }
    made.write(project.paths.head(head, "metrics.json"), orjson.dumps(metrics).decode())
    assert main(["summary", "--root", str(made.root)]) == 0
    said = capsys.readouterr().out
    assert f"! head {head}: good: the labels are noisy\n" in said
    assert f"! head {head}: learned from, and measured on, a trial: only the first 20 rows of shop" in said


@pytest.mark.parametrize(
    ("groups", "records", "says"),
    [
        (3, 3, "Only 3 records are measured on: below 5"),
        (1, 1, "Only 1 record is measured on: below 5"),
        (3, 40, "those measured on are of 3 groups only: below 5"),
    ],
)
def test_groups_are_spoken_of_only_where_there_are_some(groups, records, says):
    (note,) = TargetReport(GOOD, {}, groups, {}, {}, None, records).as_json()["notes"]
    assert says in note and ("group" in note) == (groups != records)
