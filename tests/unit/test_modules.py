"""Studies that take the modules of a table."""

from pathlib import Path

import pytest

from goldpan.errors import StudyError, TaskError
from goldpan.study import load_project
from goldpan.tasks.task import load_task

TABLE = """
modules:
  brand: {name: ExtractBrand, kind: extraction, funnel: brands}
  scope: {name: ClassifyScope, kind: classification, funnel: scope, after: brand}
  use: {name: CheckUse, kind: validation, funnel: scope, after: scope, where: "label == 'a'"}
  idle: {name: NotYet, kind: ranking, funnel: scope, enabled: false}
"""
TASKS = {
    "brand": "{name: brands, type: extraction, description: d, fields: [{name: brand}, {name: kind}]}",
    "scope": "{name: label, type: classification, description: d, labels: [a, b]}",
    "use": "{name: valid, type: binary, description: d}",
    "idle": "{name: order, type: ranking, description: d, items: [x, y]}",
}
EXPECTED = {
    "brand": "expected: {brands: {field: expected.brands, match: [brand]}}",
    "scope": "expected: {label: {field: expected.label}}",
}
STUDY = """
study: s
modules: {table: config/modules.yaml, data: DATA, stage: {provider: p, model: m}}
providers: {p: {kind: local}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tasks = tmp_path / "config" / "tasks"
    tasks.mkdir(parents=True)
    (tmp_path / "config" / "studies").mkdir()
    (tmp_path / "config" / "modules.yaml").write_text(TABLE)
    (tasks / "u.j2").write_text("{{ data.text }}")
    for name, feature in TASKS.items():
        task = f"task: {name}\ndescription: d\nprompt: {{user: u.j2}}\nfeatures: [{feature}]\n"
        (tasks / f"{name}.yaml").write_text(task + EXPECTED.get(name, ""))
    return tmp_path


def write_study(project: Path, data: str = "golden", more: str = "") -> Path:
    path = project / "config" / "studies" / "s.yaml"
    path.write_text(STUDY.replace("DATA", data) + more)
    return path


def test_each_enabled_module_has_a_source_a_stage_and_what_it_is_measured_by(project):
    write_study(project)
    study = load_project("s", root=project).study
    assert list(study.stages) == ["brand", "scope", "use"]
    assert study.sources["scope"].files == ["golden/scope.jsonl"]
    assert study.stages["scope"].input.source == ["scope"]
    assert list(study.evaluations) == ["brand", "scope"]
    assert study.evaluations["brand"].gold == {"brands": "expected.brands"}
    assert study.evaluations["brand"].match == {"brands": ["brand"]}
    assert list(study.evaluations["brand"].predictions) == ["brand"]
    assert study.evaluations["brand"].every_record


def test_over_one_file_of_rows_each_module_is_asked_after_the_one_it_follows(project):
    write_study(project, "rows.jsonl")
    study = load_project("s", root=project).study
    assert list(study.sources) == ["rows"]
    assert study.stages["brand"].input.source == ["rows"]
    assert study.stages["scope"].input.stage == "brand"
    assert study.stages["use"].input.where == "label == 'a'"
    assert study.evaluations["scope"].source == ["rows"]


def test_what_the_study_says_wins_key_by_key_and_may_add(project):
    more = (
        "stages: {scope: {model: other}, extra: {input: {source: use}, task: use, provider: p, model: m}}\n"
    )
    write_study(project, more=more)
    study = load_project("s", root=project).study
    assert study.stages["scope"].model == "other"
    assert study.stages["scope"].provider == "p"
    assert study.stages["brand"].model == "m"
    assert "extra" in study.stages


def test_only_takes_also_what_is_not_enabled_and_names_what_there_is_not(project):
    path = write_study(project)
    path.write_text(path.read_text().replace("data: golden", "data: golden, only: [idle]"))
    assert list(load_project("s", root=project).study.stages) == ["idle"]
    path.write_text(path.read_text().replace("[idle]", "[scop]"))
    with pytest.raises(StudyError, match="no module `scop`; there are: brand, scope, use, idle"):
        load_project("s", root=project)


def test_a_chain_without_its_first_link_is_refused(project):
    path = write_study(project, "rows.jsonl")
    path.write_text(path.read_text().replace("data: rows.jsonl", "data: rows.jsonl, only: [use]"))
    with pytest.raises(StudyError, match="module `use` follows `scope`, which is not taken"):
        load_project("s", root=project)


def test_a_mistake_in_the_table_or_in_the_key_is_named_with_its_place(project):
    path = write_study(project)
    path.write_text(path.read_text().replace("table:", "tabel:"))
    with pytest.raises(StudyError, match=r"modules\.table: this key is required"):
        load_project("s", root=project)
    write_study(project)
    (project / "config" / "modules.yaml").write_text("modules: {a: {name: A, kind: guess, funnel: f}}")
    with pytest.raises(StudyError, match=r"(?s)modules\.yaml.*modules\.a\.kind") as error:
        load_project("s", root=project)
    assert "guess" in str(error.value)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("{lable: {field: x}}", "no feature `lable`; did you mean `label`"),
        ("{label: {field: x, match: [y]}}", "match: goes with an extraction, not with a classification"),
        ("{label: {}}", "expected.label.field: this key is required"),
    ],
)
def test_a_task_that_expects_what_cannot_be_is_refused(project, expected, message):
    file = project / "config" / "tasks" / "scope.yaml"
    file.write_text(file.read_text().replace(EXPECTED["scope"], f"expected: {expected}"))
    with pytest.raises(TaskError) as error:
        load_task("scope", file.parent)
    assert message in str(error.value)


def test_what_is_expected_changes_no_request(project):
    file = project / "config" / "tasks" / "scope.yaml"
    before = load_task("scope", file.parent).hash
    file.write_text(file.read_text().replace("expected.label", "elsewhere"))
    assert load_task("scope", file.parent).hash == before


def test_a_chain_leaves_out_a_new_module_that_its_rows_have_no_answer_for(project):
    write_study(project, "rows.jsonl")
    rows = project / "rows.jsonl"
    rows.write_text('{"id": "1", "text": "t", "expected": {"brands": [], "label": "a"}}\n')
    table = project / "config" / "modules.yaml"
    table.write_text(table.read_text() + "  tone: {name: Tone, kind: classification, funnel: tone}\n")
    task = "task: tone\ndescription: d\nprompt: {user: u.j2}\nfeatures: [" + TASKS["scope"] + "]\n"
    path = project / "config" / "tasks" / "tone.yaml"
    path.write_text(task + "expected: {label: {field: expected.tone}}\n")
    assert list(load_project("s", root=project).study.stages) == ["brand", "scope", "use"]
    rows.write_text(rows.read_text().replace('"label"', '"tone": "a", "label"'))
    assert list(load_project("s", root=project).study.stages) == ["brand", "scope", "use", "tone"]


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("after: brand", "after: brnd", "`scope`: `after: brnd` names no module of this table"),
        ("after: brand", "after: scope", "`scope` comes after itself"),
        ("after: brand", "after: use", "`scope` comes after itself"),
        ("funnel: brands}", "funnel: brands, where: label}", "`brand`: `where` is about the answers"),
        ("CheckUse", "ExtractBrand", "another module has the name ExtractBrand"),
    ],
)
def test_rows_of_the_table_that_do_not_fit_together_are_refused_by_any_study(project, was, now, message):
    write_study(project)
    path = project / "config" / "modules.yaml"
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, now))
    with pytest.raises(StudyError, match=message):
        load_project("s", root=project)


@pytest.mark.parametrize(
    "rows",
    [
        # The first row lacks what a later one has; a field has a dot in its name; a link has no right answer.
        ['{"id": "1", "expected": {"label": "a"}}', '{"id": "2", "expected": {"brands": []}}'],
        ['{"id": "1", "expected.brands": [], "expected": {"label": "a"}}'],
        ['{"id": "1", "expected": {"label": "a"}}'],
        ["no row"],
        [],
    ],
)
def test_a_chain_keeps_each_module_that_its_rows_measure_and_those_before_it(project, rows):
    write_study(project, "rows.jsonl")
    (project / "rows.jsonl").write_text("\n".join(rows) + "\n")
    assert list(load_project("s", root=project).study.stages) == ["brand", "scope", "use"]


def test_a_version_that_is_not_there_is_no_reason_to_leave_a_module_out(project):
    path = write_study(project)
    (project / "golden").mkdir()
    (project / "golden" / "brand.jsonl").write_text('{"id": "1"}\n')
    path.write_text(path.read_text().replace("data: golden", "data: golden, versions: {scope: 3}"))
    assert list(load_project("s", root=project).study.stages) == ["brand", "scope"]
