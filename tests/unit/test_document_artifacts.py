"""JSON artifacts outside of stages that are cut, foreign, older or newer: read, or named with a remedy."""

from dataclasses import asdict

import orjson
import pytest

from goldpan.errors import SourceError
from goldpan.heads.annotate import AnnotatedCounts, read_counts
from goldpan.waves.collect.collected import AnnotatorStatus, WaveStatus, read_collected
from goldpan.waves.steps.changes import ItemChange, WaveChanges, changes_left
from tests.projects import note_rows
from tests.stage_builders import make_stage

STATUS = WaveStatus("s", "w", "partial", True, "one_per_annotator", "c", {"ann": AnnotatorStatus(3, 1)})
CHANGES = WaveChanges("notes", "w", items=[ItemChange("i1", "a", "gone")])
COUNTS = AnnotatedCounts(3, 2)
ARTIFACTS = {
    # name: (what it says, a key that an earlier goldpan did not write)
    "status.json": (STATUS, "sheets"),
    "changes.json": (CHANGES, "trial"),
    "counts.json": (COUNTS, None),
}
DAMAGE = {
    "cut": lambda content: content[:-9],
    "empty": lambda content: b"",
    "binary": lambda content: b"\x00\xff" + content,
    "no object": lambda content: b"[1]",
    "null": lambda content: b"null",
    "lacking keys": lambda content: b"{}",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_stage(tmp_path_factory.mktemp("artifacts") / "project", note_rows(1)).project


@pytest.fixture
def place(project):
    """Writes an artifact's content; returns its path and what reads it."""
    folder = project.root / "artifacts"
    folder.mkdir(exist_ok=True)
    (folder / "answers.jsonl").write_bytes(b"")
    readers = {
        "status.json": lambda: read_collected(folder / "answers.jsonl", folder / "status.json").status,
        "changes.json": lambda: changes_left(project, "w"),
        "counts.json": lambda: read_counts(folder / "counts.json"),
    }

    def write(name, content):
        path = project.root / project.paths.wave_changes("w") if name == "changes.json" else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path, readers[name]

    return write


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ARTIFACTS)
def test_a_damaged_artifact_is_named_with_what_to_do(name, damage, place):
    path, read = place(name, DAMAGE[damage](orjson.dumps(asdict(ARTIFACTS[name][0]))))
    with pytest.raises(SourceError) as caught:
        read()
    assert caught.value.where == str(path)
    assert caught.value.remedy.startswith("delete the file")


@pytest.mark.parametrize("name", ARTIFACTS)
def test_keys_of_a_later_version_are_passed_over_and_those_an_earlier_one_lacks_have_defaults(name, place):
    written, later_key = ARTIFACTS[name]
    document = {key: value for key, value in asdict(written).items() if key != later_key}
    _, read = place(name, orjson.dumps({**document, "later": [1]}))
    assert read() == written
