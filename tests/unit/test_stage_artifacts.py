"""Files of a stage that are cut, foreign, older or newer are read, or named with a remedy that goes on."""

import shutil

import orjson
import pytest

from goldpan.batches.rounds import rounds_to_settle
from goldpan.batches.stage import StageRun
from goldpan.errors import GoldpanError
from goldpan.files import read_whole_unpacked
from goldpan.ledger import Ledger
from goldpan.stages.documents import FORMAT
from goldpan.stages.earlier import EarlierStage
from goldpan.stages.records import follow_stage
from goldpan.study import load_project
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer, at, make_stage

ROWS = 4


ARTIFACTS = {
    # name: (where it lies, the steps that read it)
    "plan.json": (lambda run: run.paths.plan(STAGE, 1), ["submit", "wait", "fetch", "settle"]),
    "asked.jsonl": (lambda run: run.paths.asked(STAGE, 1), ["settle", "consolidate"]),
    "the batch-id file": (lambda run: run.paths.batch(STAGE, 1, "0000"), ["wait"]),
    "completion.json": (lambda run: run.paths.completion(STAGE, 1), ["fetch", "settle"]),
    "settled.json": (lambda run: run.paths.settled(STAGE, 1), ["next round"]),
    "features.jsonl": (lambda run: run.paths.features(STAGE), ["tables", "next stage"]),
    "records.jsonl": (lambda run: run.paths.stage_records(STAGE), ["plan", "consolidate"]),
}
STEPS = {
    "plan": lambda run: run.plan(1),
    "submit": lambda run: run.submit(1, "0000"),
    "wait": lambda run: run.wait(1, lambda progress: None),
    "fetch": lambda run: run.fetch(1, "0000"),
    "settle": lambda run: run.settle(1),
    "next round": lambda run: rounds_to_settle(run.paths, STAGE, run.project.root),
    "consolidate": lambda run: run.consolidate(),
    "tables": lambda run: run.tables(),
    "next stage": lambda run: follow_stage(
        EarlierStage(STAGE, at(run, run.paths.stage_records(STAGE)), at(run, run.paths.features(STAGE))),
        run.project.root / "next.jsonl",
    ),
}


def _each_row(change):
    """The document, or every row of a file of rows, after `change`."""

    def damage(content, is_document):
        if is_document:
            return orjson.dumps(change(orjson.loads(content)))
        return b"".join(orjson.dumps(change(orjson.loads(line))) + b"\n" for line in content.splitlines())

    return damage


def _without_most(row):
    return {key: row[key] for key in list(row)[:1]}


def _older(row):
    return {key: value for key, value in row.items() if key != "format"}


DAMAGE = {
    "cut": (lambda content, _: content[:-12], True),
    "empty": (lambda content, _: b"", True),
    "no object": (lambda content, _: b"[1]\n" * ROWS, True),
    "binary": (lambda content, _: b"\x00\xff" + content, True),
    "lacking keys": (_each_row(_without_most), True),
    "of a newer format": (_each_row(lambda row: {**row, "format": FORMAT + 1}), True),
    "with keys of a later version": (_each_row(lambda row: {**row, "later": [1]}), False),
    "without a format": (_each_row(_older), False),
}
ROW_DAMAGE = {
    "short": (lambda content, _: b"".join(content.splitlines(keepends=True)[:-1]), True),
    "long": (lambda content, _: content + content.splitlines(keepends=True)[-1], True),
    "in another order": (lambda content, _: b"".join(sorted(content.splitlines(keepends=True))[::-1]), True),
}
CASES = [
    *((artifact, damage) for artifact in ARTIFACTS for damage in DAMAGE),
    *((artifact, damage) for artifact in ("asked.jsonl", "features.jsonl") for damage in ROW_DAMAGE),
]
# An empty one is what a source without rows leaves; records say no format.
PASSED_OVER = {("records.jsonl", "of a newer format"), ("records.jsonl", "empty")}


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The folder of a project whose stage is answered."""
    run = make_stage(tmp_path_factory.mktemp("answered") / "project", note_rows(ROWS), tables="csv")
    answer(run)
    run.consolidate()
    return run.project.root


@pytest.mark.parametrize(("artifact", "damage"), CASES)
def test_an_artifact_is_read_or_named_and_its_remedy_goes_on(artifact, damage, answered, tmp_path):
    root = shutil.copytree(answered, tmp_path / "project")
    run = StageRun(load_project("notes", root=root), STAGE)
    place, readers = ARTIFACTS[artifact]
    path, features = at(run, place(run)), at(run, run.paths.features(STAGE))
    before = features.read_bytes()
    spoil, is_named = (DAMAGE | ROW_DAMAGE)[damage]
    path.write_bytes(spoil(read_whole_unpacked(path), path.suffix == ".json"))
    named = [_error_of(run, STEPS[reader]) for reader in readers]
    if is_named and (artifact, damage) not in PASSED_OVER:
        assert any(named), "nobody noticed"
        for error in filter(None, named):
            assert path.name in str(error.where) or artifact == "records.jsonl"
            assert "run again" in error.remedy or "next run" in error.remedy
        path.unlink()
    else:
        assert named == [None] * len(readers)
    run.make_records()
    answer(run)
    run.consolidate()
    assert features.read_bytes() == before
    with Ledger(run.project.ledger) as ledger:
        assert len(ledger.submissions()) == 1


ODD_VALUES = (None, 7, "7", [1], {"odd": 1})


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_no_key_that_is_lacking_or_of_another_type_ends_in_anything_but_a_named_error(
    artifact, answered, tmp_path
):
    root = shutil.copytree(answered, tmp_path / "project")
    run = StageRun(load_project("notes", root=root), STAGE)
    place, readers = ARTIFACTS[artifact]
    path = at(run, place(run))
    whole = read_whole_unpacked(path)
    is_document = path.suffix == ".json"
    first = orjson.loads(whole if is_document else whole.splitlines()[0])
    named = 0
    for key in first:
        for odd in ODD_VALUES:
            path.write_bytes(_each_row(lambda row, odd=odd, key=key: {**row, key: odd})(whole, is_document))
            named += sum(_error_of(run, STEPS[reader]) is not None for reader in readers)
            path.write_bytes(whole)
        path.write_bytes(
            _each_row(lambda row, key=key: {k: row[k] for k in row if k != key})(whole, is_document)
        )
        for reader in readers:
            _error_of(run, STEPS[reader])
        path.write_bytes(whole)
    assert named >= 4 * len(readers)


@pytest.mark.parametrize("prediction", [{"type": "YearPrediction", "year": 4}, {"type": []}, {"label": 1}, 3])
def test_a_prediction_of_a_type_that_is_not_known_is_named(prediction, answered, tmp_path):
    root = shutil.copytree(answered, tmp_path / "project")
    run = StageRun(load_project("notes", root=root), STAGE)
    path = at(run, run.paths.features(STAGE))
    change = _each_row(lambda row: {**row, "features": {**row["features"], "topic": prediction}})
    path.write_bytes(change(path.read_bytes(), False))
    for reader in ("tables", "next stage"):
        error = _error_of(run, STEPS[reader])
        assert error is not None and "`features.topic` is no prediction" in error.what
        assert error.where.startswith(f"{path}, line 1")


@pytest.mark.parametrize("artifact", ["plan.json", "completion.json"])
@pytest.mark.parametrize("key", ["stage", "round"])
def test_a_file_of_another_stage_or_round_is_not_used(artifact, key, answered, tmp_path):
    root = shutil.copytree(answered, tmp_path / "project")
    run = StageRun(load_project("notes", root=root), STAGE)
    place, readers = ARTIFACTS[artifact]
    path = at(run, place(run))
    document = orjson.loads(path.read_bytes())
    document[key] = "others" if key == "stage" else 2
    if key == "stage":
        # The other is not said at all: neither is it needed for the error.
        document = {k: v for k, v in document.items() if k != "round" or artifact == "plan.json"}
    path.write_bytes(orjson.dumps(document))
    for reader in readers:
        error = _error_of(run, STEPS[reader])
        assert error is not None and "it is of round" in error.what, reader


def _error_of(run, step):
    """The error that a step names; whatever else it raises is a fault."""
    try:
        step(run)
    except GoldpanError as error:
        return error
    return None
