"""docs/waves.md: its example is valid, and it names all formats and causes."""

import re

import yaml

from goldpan.study.wave import Format, Wave
from goldpan.waves.sheets.disagreement_causes import CAUSES


def test_the_example_is_a_valid_wave(project):
    text = (project / "docs" / "waves.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    Wave.model_validate(yaml.safe_load(example)["waves"]["pilot"])


def test_every_format_has_a_row(project):
    text = (project / "docs" / "waves.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in Format.__args__)


def test_every_cause_is_named(project):
    text = (project / "docs" / "waves.md").read_text(encoding="utf-8")
    assert all(f"*{cause}*" in text for cause in CAUSES)
