"""docs/finetune.md: its example is an export, and it names every file, format, key and reason."""

import re

import yaml

from goldpan.finetune.exports import labels
from goldpan.finetune.exports.files import EXPORT_FILES
from goldpan.finetune.exports.formats import ROW_OF
from goldpan.study.export import Export
from tests.projects import CHECKOUT

PAGE = (CHECKOUT / "docs" / "finetune.md").read_text(encoding="utf-8")


def test_the_example_is_an_export():
    (example,) = re.findall(r"```yaml\n(exports:.*?)```", PAGE, re.S)
    for settings in yaml.safe_load(example)["exports"].values():
        assert Export.model_validate(settings).negatives.ratio == 1.0


def test_every_file_format_and_key_is_named():
    for name in (*EXPORT_FILES, *ROW_OF):
        assert f"`{name}`" in PAGE, name
    for key in set(Export.model_fields) - {"seed", "revision"}:
        assert re.search(rf"\b{key}\b", PAGE), key


def test_the_shipped_example_in_comments_is_an_export():
    study = (CHECKOUT / "config" / "studies" / "dataset_mentions.yaml").read_text(encoding="utf-8")
    commented = study.split("\n# exports:\n")[1]
    plain = "".join(line.removeprefix("# ") + "\n" for line in commented.splitlines())
    assert [Export.model_validate(it).stage for it in yaml.safe_load(plain).values()] == ["extraction"]


def test_every_reason_of_its_own_is_named():
    told = {value for name, value in vars(labels).items() if name.isupper() and isinstance(value, str)}
    assert told >= {"gold_not_resolved", "no_rationale"}
    for reason in told - {"not_in_gold"}:
        assert reason in PAGE, reason
