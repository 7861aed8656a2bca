"""The rooms of the library as docs/architecture.md lists them: all of them, and no import that runs up."""

import ast
import functools
import re
from pathlib import Path
from typing import get_args

import pytest

import goldpan
from goldpan.chains.local_kinds import LOCAL_KINDS
from goldpan.stages.features import FEATURES_OF_KIND
from goldpan.study.local_stage import AnyLocalStage

LIBRARY = Path(goldpan.__file__).parent
ROOT = Path(__file__).parents[2]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
ENTRY = {"__init__", "__main__"}
"""Files that are no room: the version, which all may read, and the entry point, which reads all."""

BY_NAME = {"cli/__init__.py", "cli/imports.py"}
"""Files that import modules of their own room by name, so that `goldpan --help` need not load them."""


def rooms_of(text, heading="## Rooms"):
    """Names of the rooms and ground files in the first column of the table under a heading, low to high."""
    table = re.split(r"\n##+ ", text.split(f"{heading}\n")[1])[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [name.strip("/") for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def rooms_with_a_table():
    """The rooms whose inner rooms docs/architecture.md lists."""
    return re.findall(r"^### Inside `(\w+)/`$", ARCHITECTURE.read_text(), re.MULTILINE)


@functools.cache
def imported_modules(source):
    """(line, module or name in it, without `goldpan.`) of each import of the library, wherever it stands.

    A public name that `goldpan` itself hands out stands for the module it comes from. Imports that hide where
    they lead (relative ones, `import_module`, `import goldpan`) are `?`: no room has them.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        hides = (
            (isinstance(node, ast.ImportFrom) and node.level > 0)
            or (isinstance(node, ast.Import) and any(alias.name == "goldpan" for alias in node.names))
            or (isinstance(node, ast.Name) and node.id in ("import_module", "__import__"))
            or (isinstance(node, ast.Attribute) and node.attr == "import_module")
        )
        if hides:
            found.append((node.lineno, "?"))
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            if module.startswith("goldpan."):
                name = module.removeprefix("goldpan.")
                found.append((node.lineno, goldpan._MODULES.get(name, name)))
    return found


def arrows_up(rooms, files, inside=""):
    """What is wrong: imports of a room that is not named before the importing one.

    Args:
        rooms: from low to high.
        files: (room, name of the file, its text).
        inside: the room whose inner rooms these are, with a dot behind it; empty for those of the library.
    """
    rank = {room: number for number, room in enumerate(rooms)}
    return [
        f"{name}:{line} imports {module}, whose room is not named before {room}"
        for room, name, source in files
        for line, module in imported_modules(source)
        if (module == "?" and name not in BY_NAME)
        or (
            module.startswith(inside) and rank.get(module.removeprefix(inside).split(".")[0], -1) > rank[room]
        )
    ]


def library_files(inside=""):
    """(room, name, text) of each file of the library, or of one room, but for the entry points.

    The room of a file is the first folder that it lies in, or itself.
    """
    files = [(path.relative_to(LIBRARY / inside), path) for path in sorted((LIBRARY / inside).rglob("*.py"))]
    return [
        (short.parts[0].removesuffix(".py"), str(path.relative_to(LIBRARY)), path.read_text())
        for short, path in files
        if short.parts[0].removesuffix(".py") not in ENTRY
    ]


def test_the_table_names_every_room_and_ground_file_and_no_other():
    rooms = rooms_of(ARCHITECTURE.read_text())
    assert len(rooms) == len(set(rooms))
    assert set(rooms) == {room for room, _, _ in library_files()}


def test_no_import_runs_up():
    assert arrows_up(rooms_of(ARCHITECTURE.read_text()), library_files()) == []


@pytest.mark.parametrize("room", rooms_with_a_table())
def test_a_room_names_all_its_inner_rooms_and_no_import_between_them_runs_up(room):
    inner, files = rooms_of(ARCHITECTURE.read_text(), f"### Inside `{room}/`"), library_files(room)
    assert len(inner) == len(set(inner))
    assert set(inner) == {name for name, _, _ in files}
    assert arrows_up(inner, files, f"{room}.") == []


def test_the_inner_rooms_of_waves_are_listed():
    assert "waves" in rooms_with_a_table()


def drawn_arrows(text):
    """room -> the rooms that its arrows in the picture lead to."""
    picture = text.split("```mermaid\n")[1].split("```")[0]
    arrows = re.findall(r"^  (\w+) --> (.+)$", picture, re.MULTILINE)
    return {room: set(used.split(" & ")) for room, used in arrows}


def test_the_picture_shows_what_each_room_uses_and_no_more():
    text = ARCHITECTURE.read_text()
    files = library_files()
    # Ground files are no folders; rooms are.
    rooms = [room for room in rooms_of(text) if (LIBRARY / room).is_dir()]
    uses = {room: set() for room in rooms}
    for room, _, source in files:
        for _, module in imported_modules(source):
            used = module.split(".")[0]
            if room in uses and used in uses and used != room:
                uses[room].add(used)
    reached = {}
    for room in rooms:  # from low to high
        reached[room] = uses[room].union(*(reached[used] for used in uses[room]))
    shortest = {
        room: {used for used in uses[room] if not any(used in reached[other] for other in uses[room])}
        for room in rooms
    }
    assert drawn_arrows(text) == {room: used for room, used in shortest.items() if used}


def test_embeddings_and_heads_know_of_waves_only_their_gold_sets():
    modules = {
        ".".join(module.split(".")[:2])
        for room, _, source in library_files()
        if room in ("embeddings", "heads")
        for _, module in imported_modules(source)
    }
    # `waves.steps` tells which features a gold set will have, when a study is checked.
    assert {module for module in modules if module.startswith("waves")} <= {"waves.gold", "waves.steps"}


def test_an_import_that_runs_up_is_seen_at_the_top_in_a_function_and_for_types_only():
    source = (
        "from goldpan.waves.gold.gold_set import read_gold\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from goldpan import waves\n"
        "def late():\n    import goldpan.waves.items\n    from goldpan.study import paths\n"
    )
    wrong = arrows_up(["study", "records", "waves"], [("records", "records/read.py", source)])
    assert [line.split(" ")[0] for line in wrong] == [
        "records/read.py:1",
        "records/read.py:4",
        "records/read.py:6",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "from goldpan import read_gold",
        "from goldpan import evaluate_files as measure",
        "from ..waves.gold import gold_set",
        "from .. import heads",
        "import goldpan\ngoldpan.evaluate_files",
        "from importlib import import_module\nimport_module('goldpan.heads.run')",
        "import importlib\nimportlib.import_module('goldpan.heads.run')",
    ],
)
def test_ways_round_the_arrows_are_seen(source):
    rooms = rooms_of(ARCHITECTURE.read_text())
    assert arrows_up(rooms, [("records", "records/read.py", source)])


def test_an_import_between_inner_rooms_that_runs_up_is_seen():
    source = (
        "from goldpan.waves.gold import card\nfrom goldpan.study import wave\nimport goldpan.waves.items\n"
    )
    wrong = arrows_up(["items", "sheets", "gold"], [("sheets", "waves/sheets/x.py", source)], "waves.")
    assert [line.split(" ")[0] for line in wrong] == ["waves/sheets/x.py:1"]


def test_the_rooms_are_read_from_the_table_in_its_order():
    table = "| room | what |\n|---|---|\n| `errors`, `files` | `x` |\n| `study/` | y |"
    text = f"## Rooms\n\n{table}\n\n### Inside `x/`\n\n| `i` |\n\n## Next\n\n| `z` |"
    assert rooms_of(text) == ["errors", "files", "study"]
    assert rooms_of(text, "### Inside `x/`") == ["i"]


@pytest.mark.parametrize("room", sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py")))
def test_a_room_says_what_it_is(room):
    assert ast.get_docstring(ast.parse((LIBRARY / room / "__init__.py").read_text()))


def test_each_kind_of_local_stage_has_features_and_what_works_on_it():
    kinds = set(get_args(AnyLocalStage))
    assert kinds == LOCAL_KINDS.keys() == FEATURES_OF_KIND.keys()
