"""The page on evaluation is in step with the code."""

import yaml

from goldpan.evaluation.formatting import TITLES
from goldpan.study.evaluation import Evaluation


def test_every_figure_is_on_the_page(project):
    page = (project / "docs" / "evaluation.md").read_text()
    missing = [name for name in TITLES if name != "brier" and f"`{name}`" not in page]
    assert not missing


def test_the_example_fits_the_model(project):
    page = (project / "docs" / "evaluation.md").read_text()
    example = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    for given in example["evaluations"].values():
        Evaluation.model_validate(given)
