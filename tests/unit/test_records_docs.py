"""docs/sources.md says everything a source can be told and everything that can be wrong with a row."""

import typing

import pytest
import yaml

from goldpan.records.rows import RowErrorCode
from goldpan.study.model import FieldType, Source


@pytest.fixture(scope="module")
def page(project):
    return (project / "docs" / "sources.md").read_text()


@pytest.mark.parametrize("key", Source.model_fields)
def test_every_key_has_a_section(page, key):
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert any(f"`{key}`" in heading for heading in headings)


@pytest.mark.parametrize("code", typing.get_args(RowErrorCode))
def test_every_reason_to_skip_a_row_is_listed(page, code):
    assert f"\n| `{code}` |" in page


@pytest.mark.parametrize("kind", typing.get_args(FieldType))
def test_every_type_is_named(page, kind):
    assert f"`{kind}`" in page.partition("## `fields`")[2]


def test_the_example_is_a_source(page):
    example = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    assert Source.model_validate(example["sources"]["reports"]).on_error == "skip"
