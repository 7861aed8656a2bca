"""docs/serve.md names every fault and every key there is, and its examples work."""

import re
from typing import get_args

import pytest
import yaml

from goldpan.serve.fault_plan import BatchFault, CallFault, FaultPlan, Route, RowFault
from goldpan.serve.routes import ROUTES

KINDS = [*get_args(CallFault), *get_args(BatchFault), *get_args(RowFault)]


@pytest.fixture(scope="module")
def page(project):
    return (project / "docs" / "serve.md").read_text(encoding="utf-8")


def test_every_fault_has_a_row_in_the_tables(page):
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    faults = {name for kind in KINDS for name in get_args(kind.model_fields["fault"].annotation)}
    assert faults == rows - {"fault"}


def test_every_key_of_a_fault_is_explained(page):
    keys = {key for kind in KINDS for key in kind.model_fields} - {"fault"}
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_every_call_that_can_be_struck_is_named_and_has_a_route(page):
    assert {name for name in get_args(Route) if f"`{name}`" not in page} == set()
    assert {route.kwargs["name"] for route in ROUTES} == {*get_args(Route), "healthz"}


def test_every_route_is_in_the_table_of_calls(page):
    paths = {re.sub(r"\{\w+\}", "{id}", route.path) for route in ROUTES}
    assert {path for path in paths if path not in page} == set()


def test_the_example_of_a_plan_is_one(page):
    examples = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "faults:" in block]
    assert len(FaultPlan.model_validate(yaml.safe_load(examples[0])).faults) == 6
