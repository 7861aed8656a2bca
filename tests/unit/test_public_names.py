"""What can be imported from `goldpan` itself: all of it is there, documented, and loaded when it is used."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import goldpan
from tests.projects import note_rows
from tests.stage_builders import make_stage

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "library.md").read_text()


@pytest.mark.parametrize("name", goldpan.__all__)
def test_a_name_is_there_and_on_the_page_of_the_library(name):
    assert getattr(goldpan, name).__name__ == name
    assert re.search(rf"\b{name}\b", PAGE)


def test_the_page_imports_nothing_else():
    imported = re.findall(r"^from goldpan import (.+)$", PAGE, re.MULTILINE)
    assert imported
    assert {name for names in imported for name in names.split(", ")} <= set(goldpan.__all__)
    assert "from goldpan." not in PAGE


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_a_public_name_is_imported_from_goldpan_itself_on_every_page(page):
    inner = re.findall(r"^from goldpan\.[\w.]+ import (.+)$", (DOCS / page).read_text(), re.MULTILINE)
    assert not {name for names in inner for name in names.split(", ")} & set(goldpan.__all__)


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'read_everything'"):
        _ = goldpan.read_everything


def test_importing_goldpan_loads_no_more_than_itself():
    code = "import sys, goldpan; print(sorted(m for m in sys.modules if m.startswith('goldpan.')))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_steps_of_a_round_load_no_room_that_they_do_not_use(tmp_path):
    root = tmp_path / "project"
    make_stage(root, note_rows(3))
    code = (
        "import sys; from goldpan.cli import main\n"
        "for step in ('plan', 'requests', 'submit', 'wait', 'fetch', 'settle'):\n"
        f"    assert main(['step', step, 'topics', '--shard', '0000', '--root', {str(root)!r}]) == 0, step\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('goldpan.')}\n"
        "unused = {'waves', 'statistics', 'embeddings', 'heads', 'evaluation', 'workflow', 'serve'}\n"
        "print(sorted(rooms & unused))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_agreement_and_merging_of_a_table_as_on_the_page(tmp_path):
    table = tmp_path / "answers.csv"
    table.write_text("item,anna,ben\n1,yes,yes\n2,no,yes\n3,no,no\n4,yes,yes\n")
    people = goldpan.Layout(columns=("anna", "ben"))
    report = goldpan.agreement_of_files([table], people, goldpan.Values())
    (feature,) = report.features
    assert feature.observed.value == 0.75
    rows = goldpan.merge_of_files([table], people, goldpan.Values(), "adjudicate").rows
    assert [row.final_label for row in rows] == ["yes", None, "no", "yes"]
