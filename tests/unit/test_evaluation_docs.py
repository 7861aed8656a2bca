"""The page on evaluation is in step with the code."""

import re

import yaml

from goldpan.evaluation.formatting import TITLES
from goldpan.study.evaluation import Evaluation


def test_every_figure_is_on_the_page(project):
    page = (project / "docs" / "evaluation.md").read_text()
    missing = [name for name in TITLES if name != "brier" and f"`{name}`" not in page]
    assert not missing


def test_the_examples_fit_the_model(project):
    page = (project / "docs" / "evaluation.md").read_text()
    examples = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    evaluations = {name: told for example in examples for name, told in example["evaluations"].items()}
    assert {"critic", "quality", "known"} <= evaluations.keys()
    for told in evaluations.values():
        Evaluation.model_validate(told)
