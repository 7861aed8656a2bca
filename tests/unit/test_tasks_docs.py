"""The examples of docs/tasks.md are what they say they are."""

import re
from pathlib import Path

import pytest
import yaml

from goldpan.tasks.features import FEATURE_MODELS, parse_feature
from goldpan.tasks.pydantic_tasks import features_of_model, load_pydantic_model
from goldpan.tasks.task import load_task
from goldpan.tasks.where import Where


@pytest.fixture(scope="module")
def text(project: Path) -> str:
    return (project / "docs" / "tasks.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def documented_features(text: str) -> list:
    given = [yaml.safe_load(block) for block in blocks(text, "yaml")]
    return [parse_feature(feature, "docs") for block in given if isinstance(block, list) for feature in block]


def test_every_feature_type_has_an_example(text):
    assert {feature.type for feature in documented_features(text)} == set(FEATURE_MODELS)


def test_every_example_of_a_condition_fits_the_example_features(text):
    section = text.split("## Conditions")[1].split("\n- ")[0]
    cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    conditions = [condition for cell in cells for condition in re.findall("`([^`]+)`", cell)]
    score = {"name": "score", "type": "score", "description": "Score.", "min": 0, "max": 3}
    features = [*documented_features(text), parse_feature(score, "docs")]
    conditions = [condition for condition in conditions if condition not in ("and", "or", "not", "( )")]
    assert len(conditions) > 15
    for condition in conditions:
        Where.parse(condition, features)


def test_the_example_task_loads(text, tmp_path):
    (tmp_path / "tells_of_park.yaml").write_text(blocks(text, "yaml")[0])
    for role in ("user", "system"):
        (tmp_path / f"tells_of_park.{role}.j2").write_text("{{ data.paragraph_text }}")
    assert [feature.name for feature in load_task("tells_of_park", tmp_path).features] == [
        "explanation",
        "new_park",
    ]


def test_the_example_model_is_a_task(text, tmp_path):
    (tmp_path / "park_models.py").write_text(blocks(text, "python")[0])
    features = features_of_model(load_pydantic_model(tmp_path / "park_models.py", "ParkFacts"), "docs")
    assert [feature.type for feature in features] == ["binary", "classification", "score", "extraction"]
