"""docs/waves.md: its examples are valid, and it names all formats and causes."""

import re

import yaml

from goldpan.study.model import Study
from goldpan.study.wave import Format, Wave
from goldpan.waves.sheets.disagreement_causes import CAUSES


def test_the_examples_are_valid(project):
    text = (project / "docs" / "waves.md").read_text(encoding="utf-8")
    pilot, table, chain = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    Wave.model_validate(pilot["waves"]["pilot"])
    assert Wave.model_validate(chain["waves"]["pages"]).left_out.filtered == {"has_dataset": False}
    Study.model_validate({"study": "notes", **table})


def test_every_format_has_a_row(project):
    text = (project / "docs" / "waves.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in Format.__args__)


def test_every_cause_is_named(project):
    text = (project / "docs" / "waves.md").read_text(encoding="utf-8")
    assert all(f"*{cause}*" in text for cause in CAUSES)
