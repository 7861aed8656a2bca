"""The JSON schema of an answer, checked by an independent validator and against what strict mode allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from goldpan.tasks import schema
from goldpan.tasks.features import parse_feature
from goldpan.tasks.task import Task, load_task

TASKS = Path(__file__).parent / "tasks"

STRICT_KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "description", "enum", "items"),
    *("minimum", "maximum", "minItems", "maxItems"),
}


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task("every_type", TASKS)


@pytest.fixture(scope="module")
def parameters(task: Task) -> dict[str, Any]:
    return schema.parameters_schema(task)


def of_one(**feature: Any) -> dict[str, Any]:
    """The schema of one feature."""
    return schema.feature_schema(parse_feature({"name": "x", "description": "What", **feature}, "test"))


def schemas_within(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("properties", {}).values():
        yield from schemas_within(child)
    if "items" in node:
        yield from schemas_within(node["items"])


def test_flat_names_stand_in_order_with_each_reason_before_its_value(parameters):
    assert list(parameters["properties"]) == [
        "relevant_rationale",
        "relevant_detected",
        "topic",
        "tools",
        "depth_rationale",
        "depth",
        "share",
        "summary_text",
        "places",
        "urgency",
        "praise_detected",
        "blame_detected",
    ]


def test_it_is_a_valid_json_schema(parameters):
    Draft202012Validator.check_schema(parameters)


@pytest.mark.parametrize("name", ["every_type", "from_model"])
def test_only_keywords_of_strict_mode_are_used(name):
    used = {key for node in schemas_within(schema.parameters_schema(load_task(name, TASKS))) for key in node}
    assert used <= STRICT_KEYWORDS


def test_every_object_is_closed_and_requires_all_its_keys(parameters):
    objects = [node for node in schemas_within(parameters) if "properties" in node]
    assert len(objects) == 3
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])


def test_abstention_allows_null_in_type_and_labels():
    topic = of_one(type="classification", labels=["a", "b"], abstain=True)
    assert topic["type"] == ["string", "null"] and topic["enum"] == ["a", "b", None]


def test_bounds_of_a_whole_score_are_whole_numbers():
    score = of_one(type="score", min=0, max=1_000_000)
    assert (score["type"], score["minimum"], score["maximum"]) == ("integer", 0, 1_000_000)
    assert isinstance(score["maximum"], int) and "from 0 to 1000000" in score["description"]


def test_descriptions_of_labels_are_told():
    about = of_one(type="classification", labels={"a": "First.", "b": ""})["description"]
    assert about.splitlines() == ["What.", "Labels:", "- a: First.", "- b"]


def test_a_rationale_of_ones_own_is_told(parameters):
    assert parameters["properties"]["relevant_rationale"]["description"] == "Quote the words."


def test_tool_and_choice_name_the_same_function(task):
    tool = schema.tool(task)
    assert tool["type"] == "function" and tool["function"]["strict"] is True
    assert schema.tool_choice(task) == {"type": "function", "function": {"name": "record_paragraph"}}
    assert tool["function"]["name"] == "record_paragraph"


def test_tool_and_response_format_ask_for_the_same(task):
    asked = schema.response_format(task)["json_schema"]
    tool = schema.tool(task)["function"]
    assert asked["strict"] is True
    assert (asked["name"], asked["schema"]) == (tool["name"], tool["parameters"])


def test_exclusive_features_are_announced(task):
    about = schema.tool(task)["function"]["description"]
    assert "At most one of these may be true: blame_detected, praise_detected" in about


def test_without_bounds_keeps_all_but_the_bounds():
    fields = [{"name": "minimum", "type": "integer"}]
    whole = of_one(type="extraction", fields=fields, max_items=2)
    bare = schema.without_bounds(whole)
    assert "maxItems" in whole and "maxItems" not in bare
    assert bare["items"] == whole["items"]
    assert "at most 2" in bare["description"]


def test_a_task_within_the_limits_of_strict_mode_has_no_complaints(task):
    assert schema.beyond_strict_limits(task) == []


def test_too_many_labels_for_strict_mode_are_counted():
    labels = [f"label {number}" for number in range(1_200)]
    topic = parse_feature(
        {"name": "x", "description": "What", "type": "classification", "labels": labels}, ""
    )
    complaints = schema.beyond_strict_limits(Task("t", "d", (topic,), "prompt"))
    assert complaints == ["1,200 labels in all; a strict schema may have 1,000"]


def test_too_deep_a_nesting_for_strict_mode_is_counted():
    field: dict[str, Any] = {"name": "leaf"}
    for level in range(10):
        field = {"name": f"level_{level}", "type": "object", "fields": [field]}
    deep = parse_feature({"name": "x", "description": "What", "type": "extraction", "fields": [field]}, "")
    complaints = schema.beyond_strict_limits(Task("t", "d", (deep,), "prompt"))
    assert complaints == ["12 levels of nesting; a strict schema may have 10"]


def test_the_rubrics_of_the_trace_critic_have_37_and_55_properties(project):
    folder = project / "config" / "tasks"
    sizes = [
        len(schema.parameters_schema(load_task(name, folder))["properties"])
        for name in ("trace_critic", "trace_critic_follow_up")
    ]
    assert sizes == [37, 55]
