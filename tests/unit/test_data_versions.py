"""Versions of a module's data set: which one a study asks about, and what refers to them."""

import re
import shlex

import pytest

from goldpan.cli import build_parser, main
from goldpan.evaluation.coding import FeatureValues
from goldpan.experiments.derived import derived_study
from goldpan.experiments.sheets import SheetSettings
from goldpan.study import load_project
from goldpan.tasks.features import parse_feature
from tests.unit.test_experiments_check import GOLDEN, Modules

TEXT_FIELD = {"name": "name", "type": "string", "description": "n"}


@pytest.fixture
def modules(tmp_path):
    """Three modules, of whose golden sets `scope` has eleven versions and `brand` one."""
    modules = Modules(tmp_path)
    for name in ("scope.v2", "scope.v11", "scope.v9", "scope.v3x", "scope.v1", "scope.v012", "scopes.v20"):
        modules.rows(f"golden/{name}.jsonl", GOLDEN["scope"])
    return modules


def files_of(modules, study="golden"):
    study = load_project(study, root=modules.root).study
    return {name: source.files for name, source in study.sources.items()}


def test_the_version_with_the_highest_number_is_asked_about(modules):
    assert files_of(modules) == {"brand": ["golden/brand.jsonl"], "scope": ["golden/scope.v11.jsonl"]}


def test_a_study_says_which_version_it_stays_with(modules):
    path = modules.root / "config" / "studies" / "golden.yaml"
    path.write_text(path.read_text().replace("data: golden", "data: golden, versions: {scope: 2}"))
    assert files_of(modules)["scope"] == ["golden/scope.v2.jsonl"]


def test_versions_of_one_data_set_are_no_leak(modules, capsys):
    modules.study("before", "golden, versions: {scope: 1}")
    assert main(["experiments", "check", "--root", str(modules.root)]) == 0
    assert "before scope: 2 rows" in capsys.readouterr().out


def test_a_study_that_asks_about_the_rows_of_another_one_is_not_checked_again(modules, capsys):
    modules.study("again", "golden, only: [scope]")
    assert main(["experiments", "check", "--root", str(modules.root)]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "golden brand",
        "golden scope",
    ]


def test_rows_are_drawn_from_the_newest_version(modules):
    modules.rows(
        "golden/scope.v12.jsonl", [*GOLDEN["scope"], ({"text": "new", "brands": []}, {"label": "own"})]
    )
    project = load_project("golden", root=modules.root)
    file = derived_study(project, ["scope"], samples=3, seed=1, model=None)
    (drawn,) = load_project(file, root=modules.root).study.sources["scope"].files
    assert '"new"' in (modules.root / drawn).read_text()


def test_other_settings_of_sheets_have_another_name():
    long = tuple("abcdefghijklmnopqrstuvwxyz"[:26])
    of_all = [
        SheetSettings(5, 1),
        SheetSettings(5, 2),
        SheetSettings(6, 1),
        SheetSettings(5, 1, shuffle=False),
        SheetSettings(5, 1, blind=True),
        SheetSettings(5, 1, annotators=("ordered",)),
        SheetSettings(5, 1, annotators=("blind",)),
        SheetSettings(5, 1, annotators=("a", "b", "c")),
        SheetSettings(5, 1, annotators=("a-b", "c")),
        SheetSettings(5, 1, annotators=("Änne", "b")),
        SheetSettings(5, 1, annotators=("b", "Änne")),
        SheetSettings(5, 1, annotators=long),
        SheetSettings(5, 1, annotators=long[::-1]),
    ]
    names = [settings.wave_name("m12") for settings in of_all]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name) for name in names)


def test_the_commands_of_the_docs_are_commands(project):
    page = (project / "docs" / "experiments.md").read_text()
    block = re.search(r"## From sheets to the next golden set\n.*?```sh\n(.*?)```", page, re.DOTALL)
    commands = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    of_goldpan = [words[1:] for words in commands if words[0] == "goldpan"]
    parsed = [build_parser().parse_args(words) for words in of_goldpan]
    sheets, golden = parsed[0], next(options for options in parsed if getattr(options, "wave", None))
    wave = SheetSettings(sheets.sample, sheets.seed, annotators=tuple(sheets.annotators.split(",")))
    assert golden.wave == wave.wave_name("m12")


def test_people_who_correct_a_field_inside_of_an_object_have_changed_the_answer():
    who = {"name": "who", "type": "object", "description": "d", "fields": [TEXT_FIELD]}
    feature = parse_feature({"name": "e", "type": "extraction", "description": "x", "fields": [who]}, "t")
    anna, ben = ([{"who": {"name": name}}] for name in ("Anna", "Ben"))
    values = FeatureValues(feature, ["who.name"])
    assert not values.is_same(anna, ben)
    assert values.is_same(anna, [{"who": {"name": "anna "}}])


def test_people_who_correct_a_field_that_tells_no_objects_apart_have_changed_the_answer_too():
    country = {"name": "country", "type": "string", "description": "c"}
    fields = {"fields": [TEXT_FIELD, country], "description": "x"}
    values = FeatureValues(parse_feature({"name": "e", "type": "extraction", **fields}, "t"), ["name"])
    in_france, in_italy = ([{"name": "Paris", "country": place}] for place in ("France", "Italy"))
    assert not values.is_same(in_france, in_italy)
    assert values.is_same(in_france, [{"name": "paris", "country": " france."}])
