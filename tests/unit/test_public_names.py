"""Public names: those of `goldpan` are there, documented and loaded when used; none means two things."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import goldpan
from tests.projects import note_rows
from tests.stage_builders import make_stage

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "library.md").read_text()
LIBRARY = Path(goldpan.__file__).parent
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# Each part of the command line adds its commands, each action of a group its own; each program has its main;
# `Target` is a head's target as the study says it, and as its labels make it.
OF_SEVERAL_MODULES = {"add_command", "add_commands", "main", "Target"}


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


def test_the_commands_are_known_before_studies_can_be_read():
    code = (
        "import sys; from goldpan.cli import build_parser; build_parser(); print('pydantic' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


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


def names_of_several_modules(folder):
    """The public functions and classes that several modules define: name -> the modules."""
    modules = defaultdict(set)
    for path in folder.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
                modules[node.name].add(path.relative_to(folder).as_posix())
    return {name: sorted(places) for name, places in modules.items() if len(places) > 1}


def test_no_public_function_or_class_has_the_name_of_one_in_another_module():
    shared = names_of_several_modules(LIBRARY)
    assert {name: places for name, places in shared.items() if name not in OF_SEVERAL_MODULES} == {}


def test_definitions_of_one_name_are_seen_and_private_ones_and_methods_are_not(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "a.py").write_text(
        "def page(): ...\ndef _row(): ...\nclass A:\n    def cell(self): ...\nclass Sheet: ...\n"
    )
    (tmp_path / "room" / "b.py").write_text(
        "async def page(): ...\ndef _row(): ...\ndef cell(): ...\nclass Sheet: ...\n"
    )
    shared = ["a.py", "room/b.py"]
    assert names_of_several_modules(tmp_path) == {"page": shared, "Sheet": shared}
