"""Runs in the form of the classic scripts: tables under their names, and their registry."""

import csv
import io
from dataclasses import replace

import orjson
import pytest

from goldpan.cli import main
from goldpan.experiments.export import classic_names
from goldpan.experiments.history import History
from goldpan.experiments.receipts import Receipt, write_receipt
from goldpan.experiments.run import FeatureMetrics
from tests.recorded_runs import ROWS, a_run

FIRST, SECOND = a_run(at="2026-01-02T03:04:05.600000Z"), a_run(prompt="p2", at="2026-02-02T00:00:00.000000Z")
OTHER = a_run("shop.notes", at="2026-03-03T00:00:00.000000Z")
COLUMNS = [
    *("local_id", "module_id", "csv_path", "created_at", "status"),
    *("accuracy", "samples", "braintrust_id", "braintrust_url"),
]


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "runs")
    for run in (FIRST, SECOND, OTHER):
        history.record(run, ROWS + run.module.encode() + run.prompt_hash.encode() + b",ok,,,,,\n")
    return history


def export(history, *arguments):
    return main(["experiments", "export", *arguments, "--root", str(history.folder.parent)])


def classic(history, capsys):
    assert export(history, "--registry") == 0
    entries = orjson.loads(capsys.readouterr().out)
    assert all(list(entry) == COLUMNS for entry in entries)
    return {entry["local_id"]: entry for entry in entries}


def receipt(run, **changed):
    values = {
        "tracker": "team",
        "kind": "braintrust",
        "service": "https://example.org",
        "run": run.id,
        "status": "uploaded",
        "content": "c",
        "experiment": "root_m1",
        "at": "2026-04-04T00:00:00Z",
        "remote_id": "b-1",
        "url": "https://example.org/b-1",
    }
    return Receipt(**values | changed)


def test_tables_are_exported_under_their_classic_names_byte_by_byte(history, tmp_path):
    folder = tmp_path / "out"
    assert export(history, "--all", "--csv", str(folder)) == 0
    names = {
        "m1_v1_20260102_030405.csv": FIRST,
        "m1_v2_20260202_000000.csv": SECOND,
        "shop.notes_v1_20260303_000000.csv": OTHER,
    }
    assert {path.name for path in folder.iterdir()} == names.keys()
    for name, run in names.items():
        assert (folder / name).read_bytes() == history.rows_file(run.id).read_bytes()


@pytest.mark.parametrize(("name", "count"), [("m1", 2), ("shop.notes", 1), (FIRST.id, 1), (SECOND.id[:8], 1)])
def test_a_run_or_all_of_a_module_are_exported(history, tmp_path, name, count):
    folder = tmp_path / "out"
    assert export(history, name, "--csv", str(folder)) == 0
    assert len(list(folder.iterdir())) == count


@pytest.mark.parametrize("tenth", [5, 7], ids=["before", "after"])
def test_runs_of_one_second_get_names_of_their_own(history, tenth):
    # Where a file system makes no difference between m1 and M1, one table would take the place of the other.
    twin = a_run("M1", at=f"2026-01-02T03:04:05.{tenth}00000Z")
    history.record(twin, ROWS)
    names = classic_names(history.read())
    plain = {FIRST.id: "m1_v1_20260102_030405", twin.id: "M1_v1_20260102_030405"}
    first, second = (twin, FIRST) if tenth < 6 else (FIRST, twin)
    assert names[first.id] == f"{plain[first.id]}.csv"
    assert names[second.id] == f"{plain[second.id]}_{second.id[:8]}.csv"


def test_a_table_that_a_person_has_changed_is_not_written_over(history, tmp_path, capsys):
    folder = tmp_path / "out"
    export(history, "m1", "--csv", str(folder))
    changed = folder / "m1_v1_20260102_030405.csv"
    changed.write_text("my notes")
    (folder / "m1_v2_20260202_000000.csv").unlink()
    assert export(history, "m1", "--csv", str(folder)) == 1
    assert changed.read_text() == "my notes" and str(changed) in capsys.readouterr().err
    assert (folder / "m1_v2_20260202_000000.csv").exists()


def test_a_damaged_table_is_named_and_the_others_are_exported(history, tmp_path, capsys):
    history.rows_file(FIRST.id).write_text("cut")
    history.rows_file(SECOND.id).unlink()
    assert export(history, "--all", "--csv", str(tmp_path / "out")) == 1
    told = capsys.readouterr().err
    assert FIRST.id in told and SECOND.id in told
    assert len(list((tmp_path / "out").iterdir())) == 1
    entries = classic(history, capsys)
    assert [entries[run.id]["csv_path"] for run in (FIRST, SECOND)] == [None, None]
    assert (tmp_path / entries[OTHER.id]["csv_path"]).exists()


def test_the_registry_has_each_run_with_a_table_that_is_there(history, tmp_path, capsys):
    entry = classic(history, capsys)[FIRST.id]
    path = entry.pop("csv_path")
    assert (tmp_path / path).read_bytes() == history.rows_file(FIRST.id).read_bytes()
    assert entry == {
        "local_id": FIRST.id,
        "module_id": "m1",
        "created_at": "2026-01-02T03:04:05.600000Z",
        "status": "local_only",
        "accuracy": 1.0,
        "samples": 1,
        "braintrust_id": None,
        "braintrust_url": None,
    }


@pytest.mark.parametrize("status", ["uploaded", "synced"])
def test_what_was_uploaded_has_its_id_and_address(history, capsys, status):
    write_receipt(history.folder, receipt(FIRST, status=status))
    entries = classic(history, capsys)
    assert [entries[FIRST.id][key] for key in COLUMNS if "braintrust" in key or key == "status"] == [
        *(status, "b-1", "https://example.org/b-1")
    ]
    assert entries[SECOND.id]["status"] == "local_only"


def test_a_failed_upload_is_told_unless_another_went_well(history, capsys):
    write_receipt(history.folder, receipt(FIRST, status="failed", remote_id=None, url=None, fault="401"))
    assert classic(history, capsys)[FIRST.id]["status"] == "failed"
    write_receipt(history.folder, receipt(FIRST, tracker="second", at="2026-01-01T00:00:00Z"))
    assert classic(history, capsys)[FIRST.id]["status"] == "uploaded"


def test_other_trackers_do_not_count_as_braintrust(history, capsys):
    write_receipt(history.folder, receipt(FIRST, kind="mlflow"))
    entry = classic(history, capsys)[FIRST.id]
    assert (entry["status"], entry["braintrust_id"]) == ("local_only", None)


def test_a_damaged_receipt_is_named_beside_what_is_printed(history, capsys):
    path = history.folder / "uploads" / "team" / f"{FIRST.id}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    assert export(history, "--registry") == 0
    printed = capsys.readouterr()
    assert orjson.loads(printed.out) and f"{FIRST.id}.json" in printed.err


def test_figures_that_are_no_accuracy_are_not_called_one(history, capsys):
    figures = [{"name": "f1_micro", "raw": {"value": 0.7, "interval": None, "reason": None}}]
    metrics = FeatureMetrics("terms", "extraction", "sets", "m3", {"evaluated": 1}, figures, [], {})
    run = a_run("m3", metrics=[metrics])
    history.record(run, ROWS)
    assert classic(history, capsys)[run.id]["accuracy"] is None


def test_the_registry_as_a_file_is_json_or_a_table_by_its_name(history, tmp_path, capsys):
    entries = list(classic(history, capsys).values())
    for name in ("registry.json", "registry.CSV"):
        assert export(history, "--registry", str(tmp_path / name)) == 0
    assert orjson.loads((tmp_path / "registry.json").read_bytes()) == entries
    rows = list(csv.DictReader(io.StringIO((tmp_path / "registry.CSV").read_text())))
    assert rows == [{key: "" if cell is None else str(cell) for key, cell in of.items()} for of in entries]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["m1"],
        ["--csv", "out"],
        ["m1", "--all", "--csv", "out"],
        ["m1", "--registry"],
        ["nobody", "--csv", "out"],
    ],
)
def test_a_command_that_does_not_say_what_to_export_is_refused(history, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(history, *arguments) == 1
    assert not (tmp_path / "out").exists()


def test_where_a_tolerance_is_declared_the_accuracy_is_that_within_it(history, capsys):
    figures = [
        {"name": name, "raw": {"value": value, "interval": None, "reason": None}}
        for name, value in (("accuracy", 0.08), ("accuracy_within_tolerance", 0.83))
    ]
    run = a_run("m3", metrics=[replace(a_run().metrics[0], figures=figures)])
    history.record(run, ROWS)
    assert classic(history, capsys)[run.id]["accuracy"] == 0.83
