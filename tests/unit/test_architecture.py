"""The rooms of the library as docs/architecture.md lists them: all of them, and no import that runs up."""

import ast
import re
from pathlib import Path

import goldpan

LIBRARY = Path(goldpan.__file__).parent
ROOT = Path(__file__).parents[2]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
ENTRY = {"__init__", "__main__"}
"""Files that are no room: the version, which all may read, and the entry point, which reads all."""


def rooms_of(text):
    """Names of the rooms and ground files in the first column of the table of rooms, from low to high."""
    table = text.split("## Rooms")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [name.strip("/") for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def room_of_file(path):
    """The room that a file of the library lies in: its first folder, or itself."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def imported_modules(source):
    """(line, module or name in it, without `goldpan.`) of each import of the library, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            if module.startswith("goldpan."):
                yield node.lineno, module.removeprefix("goldpan.")


def arrows_up(rooms, files):
    """What is wrong: imports of a room that is not named before the importing one.

    Args:
        rooms: from low to high.
        files: (room, name of the file, its text).
    """
    rank = {room: number for number, room in enumerate(rooms)}
    return [
        f"{name}:{line} imports {module}, whose room is not named before {room}"
        for room, name, source in files
        for line, module in imported_modules(source)
        if rank.get(module.split(".")[0], -1) > rank[room]
    ]


def library_files():
    """(room, name, text) of each file of the library but the entry points."""
    return [
        (room_of_file(path), str(path.relative_to(LIBRARY)), path.read_text())
        for path in sorted(LIBRARY.rglob("*.py"))
        if room_of_file(path) not in ENTRY
    ]


def test_the_table_names_every_room_and_ground_file_and_no_other():
    rooms = rooms_of(ARCHITECTURE.read_text())
    assert len(rooms) == len(set(rooms))
    assert set(rooms) == {room for room, _, _ in library_files()}


def test_no_import_runs_up():
    assert arrows_up(rooms_of(ARCHITECTURE.read_text()), library_files()) == []


def test_embeddings_and_heads_know_of_waves_only_their_gold_sets():
    modules = {
        ".".join(module.split(".")[:2])
        for room, _, source in library_files()
        if room in ("embeddings", "heads")
        for _, module in imported_modules(source)
    }
    # `waves.run` tells which features a gold set will have, when a study is checked.
    assert {module for module in modules if module.startswith("waves")} <= {"waves.gold", "waves.run"}


def test_an_import_that_runs_up_is_seen_at_the_top_in_a_function_and_for_types_only():
    source = (
        "from goldpan.waves.gold import read_gold\n"
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


def test_the_rooms_are_read_from_the_table_in_its_order():
    table = "| room | what |\n|---|---|\n| `errors`, `files` | `x` |\n| `study/` | y |"
    text = f"## Rooms\n\n{table}\n\n## Next\n\n| `z` |"
    assert rooms_of(text) == ["errors", "files", "study"]
