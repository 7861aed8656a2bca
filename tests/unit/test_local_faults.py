"""Fault plans and tables of answers as files."""

import pytest

from goldpan.errors import SourceError, StudyError
from goldpan.providers.local.scripted import known_answers, load_answerer
from goldpan.serve.fault_plan import FaultPlan


def test_a_plan_is_read_from_yaml_or_json(tmp_path):
    (tmp_path / "plan.yaml").write_text(
        "faults:\n  - fault: slow\n    calls: [create, cancel]\n    seconds: 2\n"
    )
    (tmp_path / "plan.json").write_text(
        '{"faults": [{"fault": "slow", "calls": ["create", "cancel"], "seconds": 2}]}'
    )
    plan = FaultPlan.of({"fault": "slow", "calls": ["create", "cancel"], "seconds": 2})
    assert FaultPlan.load(tmp_path / "plan.yaml") == FaultPlan.load(tmp_path / "plan.json") == plan


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("faults: [{fault: nonsense}]", id="unknown fault"),
        pytest.param("faults: [{fault: missing, row: x}]", id="unknown key"),
        pytest.param("faults: [{fault: missing, rows: '('}]", id="not a pattern"),
        pytest.param("faults: [{fault: slow}]", id="key left out"),
        pytest.param("faults: [{fault: lost_answer, calls: nowhere}]", id="unknown route"),
        pytest.param("faults: [", id="not YAML"),
        pytest.param("", id="empty"),
    ],
)
def test_a_wrong_plan_is_an_error_that_names_the_file(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as error:
        FaultPlan.load(path)
    assert str(error.value).startswith(str(path))
    assert "errors.pydantic.dev" not in str(error.value)


def test_a_plan_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(StudyError):
        FaultPlan.load(tmp_path / "plan.yaml")


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("no json", id="not JSON"),
        pytest.param('{"answer": "x"}', id="no id"),
        pytest.param('{"custom_id": "a"}', id="no answer"),
        pytest.param('{"custom_id": "a", "answer": "x", "completion": {}}', id="both forms"),
        pytest.param('{"custom_id": "a", "answer": "x"}\n{"custom_id": "a", "answer": "y"}', id="id twice"),
    ],
)
def test_a_wrong_table_of_answers_is_an_error_that_names_the_line(tmp_path, lines):
    path = tmp_path / "answers.jsonl"
    path.write_text(f"{lines}\n")
    with pytest.raises(SourceError) as error:
        known_answers(path)
    assert error.value.where.startswith(f"{path}, line ")


def test_a_table_may_hold_whole_completions(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"custom_id": "a", "completion": {"id": "x"}}\n')
    assert known_answers(path)({}, "a") == {"id": "x"}


@pytest.mark.parametrize("given", ["{folder}/answers.py", "{folder}/none.py:f", "{folder}/answers.py:g"])
def test_a_function_that_cannot_be_had_is_an_error(tmp_path, given):
    (tmp_path / "answers.py").write_text("def f(body, custom_id): return {}\n")
    with pytest.raises(StudyError):
        load_answerer(given.format(folder=tmp_path))


def test_a_script_that_breaks_is_an_error_that_says_how(tmp_path):
    (tmp_path / "answers.py").write_text("1 / 0\n")
    with pytest.raises(StudyError, match="ZeroDivisionError"):
        load_answerer(f"{tmp_path}/answers.py:f")
