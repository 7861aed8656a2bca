"""Tasks given as a Pydantic model: their features, and the model's own checks on answers."""

from pathlib import Path

import pytest

from goldpan.errors import AnswerError, TaskError
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.pydantic_tasks import features_of_model, load_pydantic_model
from goldpan.tasks.task import load_task

TASKS = Path(__file__).parent / "tasks"
ANSWER = {
    "relevant_detected": True,
    "relevant_rationale": "It says so.",
    "topic": None,
    "tone": "warm",
    "tools": ["law"],
    "depth": 2,
    "share": 0.5,
    "summary": "  Trees. ",
    "places": [{"name": "Oslo", "population": None, "aliases": ["Kristiania"]}],
}


def predictions_of(**changes):
    reader = AnswerReader(load_task("from_model", TASKS))
    return reader.predictions_from_tool_call("from_model", {**ANSWER, **changes})


def features_of(class_name: str):
    path = TASKS / "answer_models.py"
    return features_of_model(load_pydantic_model(path, class_name), str(path))


def test_each_annotation_becomes_its_feature_type():
    assert {feature.name: feature.type for feature in features_of("Paragraph")} == {
        "relevant": "binary",
        "topic": "classification",
        "tone": "classification",
        "tools": "multilabel",
        "depth": "score",
        "share": "score",
        "summary": "text",
        "places": "extraction",
    }


def test_a_rationale_field_belongs_to_the_one_before_it():
    relevant = features_of("Paragraph")[0]
    assert relevant.rationale == "Quote the words."


def test_none_in_an_annotation_allows_abstention():
    assert [feature.name for feature in features_of("Paragraph") if feature.abstain] == ["topic"]


def test_limits_of_fields_become_those_of_features():
    features = {feature.name: feature for feature in features_of("Paragraph")}
    assert (features["depth"].min, features["depth"].max, features["depth"].integer) == (0, 3, True)
    assert (features["share"].min, features["share"].max, features["share"].integer) == (0, 1, False)
    assert features["tools"].max_labels == 1
    assert features["summary"].max_chars == 40


def test_a_valid_answer_becomes_predictions():
    predictions = predictions_of()
    assert predictions["relevant"] == {
        "type": "BinaryPrediction",
        "detected": True,
        "rationale": "It says so.",
    }
    assert predictions["topic"] == {"type": "ClassificationPrediction", "label": None, "abstained": True}
    assert predictions["places"]["items"] == ANSWER["places"]


def test_what_a_validator_changes_is_taken_over():
    assert predictions_of()["summary"]["text"] == "Trees."


def test_what_a_validator_refuses_is_an_invalid_answer():
    with pytest.raises(AnswerError, match="a relevant paragraph has a depth of at least 1"):
        predictions_of(depth=0)


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("Undescribed", r"Undescribed\.topic: needs a description"),
        ("Unbounded", r"Unbounded\.depth: a number needs both bounds"),
        ("Unfit", r"Unfit\.scores: the type dict\[str, int\] stands for no feature"),
    ],
)
def test_a_model_that_cannot_be_asked_for_is_refused(class_name, message):
    with pytest.raises(TaskError, match=message):
        features_of(class_name)


def test_an_unknown_class_is_refused_with_the_nearest_one():
    with pytest.raises(TaskError, match="did you mean `Paragraph`"):
        load_pydantic_model(TASKS / "answer_models.py", "Paragraf")


def test_a_file_that_fails_is_named(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(TaskError, match=r"broken\.py: fails when it is run: ZeroDivisionError"):
        load_pydantic_model(tmp_path / "broken.py", "X")


def test_a_model_that_holds_itself_is_refused(tmp_path):
    (tmp_path / "tree.py").write_text(
        "from __future__ import annotations\n"
        "from pydantic import BaseModel, Field\n"
        "class Node(BaseModel):\n    children: list[Node]\n"
        "class Tree(BaseModel):\n    nodes: list[Node] = Field(description='Nodes.')\n"
    )
    with pytest.raises(TaskError, match="holds itself"):
        features_of_model(load_pydantic_model(tmp_path / "tree.py", "Tree"), "tree.py")


def test_a_broken_validator_stops_rather_than_spoil_the_answer(tmp_path):
    (tmp_path / "broken.py").write_text(
        "from pydantic import BaseModel, Field, field_validator\n"
        "class Answer(BaseModel):\n"
        "    text: str = Field(description='Text.')\n"
        "    @field_validator('text')\n"
        "    @classmethod\n"
        "    def broken(cls, value): return {}[value]\n"
    )
    (tmp_path / "t.yaml").write_text(
        "task: t\ndescription: d\nprompt: {user: u.j2}\nmodel: broken.py:Answer\n"
    )
    (tmp_path / "u.j2").write_text("Text")
    with pytest.raises(TaskError, match="a validator of Answer fails: KeyError"):
        AnswerReader(load_task("t", tmp_path)).predictions_from_tool_call("t", {"text": "x"})
