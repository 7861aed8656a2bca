"""Runs at Braintrust: put there once and whole, whatever the service does, and brought back."""

import csv
import io
import json
import re

import orjson
import pytest
import yaml

from goldpan.cli import main
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import ProviderError, StudyError, TrackerError
from goldpan.experiments.history import History
from goldpan.experiments.receipts import read_receipt
from goldpan.providers.patience import Patience
from goldpan.providers.scrubber import Scrubber
from goldpan.study import load_project
from goldpan.tracking.base import CONTENT, RUN
from goldpan.tracking.download import download
from goldpan.tracking.rest import RestService
from goldpan.tracking.upload import Uploader, sync
from tests.braintrust_service import KEY, Fault, braintrust_service
from tests.recorded_runs import a_run
from tests.tracked_projects import NAME, ROWS, some_rows, tracked_project, with_whole_features


@pytest.fixture
def service():
    with braintrust_service() as service:
        yield service
        assert service.wrong == []


@pytest.fixture
def project(service, tmp_path, monkeypatch):
    """A project with three runs, and this service as its tracker; it is given up after a second."""
    monkeypatch.setenv("BRAINTRUST_API_KEY", KEY)
    tracker = {"kind": "braintrust", "project": "root", "base_url": service.base_url, "patience_seconds": 1.2}
    return tracked_project(tmp_path, tracker)


def first_run(project):
    return next(run for run in History(project.runs).read().runs if run.prompt_hash == "p1")


def uploaded(project, run=None):
    return Uploader(project, "team", History(project.runs)).upload(run or first_run(project))


def receipt(project):
    return read_receipt(project.runs, "team", first_run(project).id)


def everything_below(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_run_is_an_experiment_with_its_rows_scores_and_data_set(project, service):
    run, made = first_run(project), uploaded(project)
    (experiment,) = service.experiments
    assert made.status == "uploaded" and made.remote_id == experiment["id"]
    assert made.url == f"https://app.example/{experiment['name']}"
    assert experiment["name"] == f"root_m1_{NAME}_20260101_000000"
    assert experiment["metadata"][RUN] == run.id
    assert experiment["metadata"]["metrics"]["f"] == run.metrics[0].figures
    rows = {row["metadata"]["row"]: row for row in service.rows_of(experiment["name"])}
    assert len(rows) == ROWS
    assert rows["r0"]["input"] == {"text": "text 0", "tags": ["a", "b"]}
    assert rows["r0"]["output"] == {"f": True} and rows["r0"]["expected"] == {"f": True}
    assert rows["r0"]["scores"] == {"f": 1.0} and rows["r1"]["scores"] == {"f": 0.0}
    assert rows["r0"]["metadata"]["metadata"] == {"difficulty": "plain"}
    failed = rows[f"r{ROWS - 1}"]
    assert failed["output"] is None and failed["scores"] == {"f": 0.0}
    assert failed["error"] == "failed: http_500"
    (data_set,) = service.things["dataset"]
    assert experiment["dataset_id"] == data_set["id"]
    golden = service.rows_of(data_set["name"])
    assert {"input": {"text": "text 0", "tags": ["a", "b"]}, "expected": {"f": True}}.items() <= {
        key: value for row in golden if row["metadata"]["row"] == "r0" for key, value in row.items()
    }.items()


def test_a_second_sync_asks_nobody(project, service):
    assert len(sync(project, [], say=str).receipts) == 3
    before = dict(service.calls)
    assert sync(project, [], say=str).receipts == []
    assert service.calls == before and set(service.put.values()) == {1}


def test_runs_on_the_same_rows_share_a_data_set(project, service):
    sync(project, [], say=str)
    assert len(service.experiments) == 3 and len(service.things["dataset"]) == 2


def test_a_run_that_another_machine_has_uploaded_is_found_by_its_metadata(project, service):
    uploaded(project)
    rows = dict(service.put)
    (project.runs / "uploads" / "team" / f"{first_run(project).id}.json").unlink()
    service.experiments[0]["name"] = "renamed there"
    assert uploaded(project).status == "synced" and receipt(project).experiment == "renamed there"
    assert service.put == rows and len(service.experiments) == 1


def test_a_run_that_was_uploaded_by_hand_is_found_by_its_name_and_left_as_it_is(project, service):
    other = {"project_id": service._made("project", {"name": "root"})["id"], "metadata": {"by": "hand"}}
    service._made("experiment", {**other, "name": f"root_m1_{NAME}_20260101_000000"})
    assert uploaded(project).status == "synced"
    assert service.put == {} and service.experiments[0]["metadata"] == {"by": "hand"}


def test_two_runs_of_the_same_second_are_two_experiments(project, service):
    first, second = (run for run in History(project.runs).read().runs if run.module == "m1")
    uploaded(project, first), uploaded(project, second)
    names = [experiment["name"] for experiment in service.experiments]
    assert names == [f"root_m1_{NAME}_20260101_000000", f"root_m1_{NAME}_20260101_000000_{second.id}"]
    assert [len(service.rows_of(name)) for name in names] == [ROWS, ROWS]


def test_a_run_that_was_retried_replaces_its_rows_in_the_same_experiment(project, service):
    uploaded(project)
    before = receipt(project).content
    rows = some_rows().replace(b"failed,http_500,", b"ok,,")
    retried = with_whole_features(a_run(name=NAME, answered_at=5), {"ok": ROWS})
    History(project.runs).record(retried, rows)
    assert uploaded(project).content != before
    (experiment,) = service.experiments
    assert len(service.rows_of(experiment["name"])) == ROWS
    assert not any("error" in row for row in service.rows_of(experiment["name"]))
    assert experiment["metadata"][CONTENT] == receipt(project).content
    path, rows = download(project, experiment["name"])
    assert rows == ROWS and b"failed" not in path.read_bytes()


@pytest.mark.parametrize("place", ["tracker_created", "tracker_rows_put"])
def test_after_a_kill_the_upload_goes_on_and_nothing_is_there_twice(project, service, place):
    def kill(name):
        if name == place:
            raise Killed

    with pytest.raises(Killed), on_reaching(kill):
        uploaded(project)
    assert receipt(project) is None
    assert uploaded(project).status == "uploaded"
    (experiment,) = service.experiments
    assert len(service.rows_of(experiment["name"])) == ROWS
    assert len(service.things["dataset"]) == 1


FAULTS = {
    "rate limit": Fault(429, headers={"Retry-After": "0"}),
    "server error": Fault(500),
    "reset": Fault(cut=0),
    "lost answer": Fault(cut=0, acts=True),
    "half an answer": Fault(cut=9, acts=True),
    "no JSON": Fault(200, body="<html>", acts=True),
}
KINDS = ["GET project", "POST project", "GET experiment", "POST experiment", "POST dataset"]
KINDS += ["POST dataset/insert", "POST experiment/insert", "PATCH experiment", "GET experiment/summarize"]


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(kind, fault) for kind in KINDS for fault in ("server error", "lost answer")]
    + [("POST experiment/insert", fault) for fault in ("rate limit", "reset", "half an answer", "no JSON")],
)
def test_a_fault_that_passes_is_waited_out_and_nothing_is_there_twice(project, service, kind, fault):
    service.script = lambda call: FAULTS[fault] if call.kind == kind and call.number == 1 else None
    assert uploaded(project).status == "uploaded"
    assert service.calls[kind] > 1
    (experiment,) = service.experiments
    assert len(service.rows_of(experiment["name"])) == ROWS
    assert [len(things) for things in service.things.values()] == [1, 1, 1]


def test_a_500_midway_in_the_rows_fails_with_a_receipt_and_the_next_sync_goes_on(project, service):
    service.script = lambda call: (
        Fault(500) if (call.kind, call.number > 1) == ("POST experiment/insert", True) else None
    )
    with pytest.raises(TrackerError, match="answered 500") as failed:
        uploaded(project)
    assert "goes on where it stopped" in failed.value.remedy
    assert receipt(project).status == "failed" and "500" in receipt(project).fault
    service.script = lambda call: None
    assert len(sync(project, [], say=str).receipts) == 3
    assert receipt(project).status == "uploaded"
    assert len(service.experiments) == 3 and all(
        len(service.rows_of(experiment["name"])) == ROWS for experiment in service.experiments
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_sync_at_once_and_is_not_in_what_is_said(project, service, status, capsys):
    service.script = lambda call: Fault(status, body=f"no: Bearer {KEY}")
    root = project.root
    assert main(["experiments", "sync", "--study", "golden", "--root", str(root)]) == 1
    said = "".join(capsys.readouterr())
    assert f"answered {status}" in said and "key" in said and "3 are still to be uploaded" in said
    assert sum(service.calls.values()) == 1
    assert KEY not in said and KEY.encode() not in everything_below(root)
    assert receipt(project).status == "failed"


def test_a_key_that_the_service_echoes_in_rows_is_not_brought_back(project, service):
    uploaded(project)
    (experiment,) = service.experiments
    service.versions[experiment["id"]][0]["input"] = {"text": f"Authorization: Bearer {KEY}"}
    path, _ = download(project, experiment["name"])
    assert b"[key]" in path.read_bytes() and KEY.encode() not in path.read_bytes()


def test_a_retry_after_beyond_the_patience_fails_at_once_and_says_so(project, service):
    service.script = lambda call: Fault(429, headers={"Retry-After": "3600"})
    with pytest.raises(TrackerError, match="asks to come again in 1:00:00"):
        uploaded(project)
    assert sum(service.calls.values()) == 1


def test_a_run_that_is_refused_does_not_keep_others_back(project, service):
    service.script = lambda call: Fault(413) if call.kind == "POST experiment" and call.number == 1 else None
    synced = sync(project, [], say=str)
    assert (len(synced.receipts), len(synced.errors), synced.left) == (2, 1, 1)


def test_no_key_is_an_error_that_names_the_variable(project, monkeypatch):
    monkeypatch.delenv("BRAINTRUST_API_KEY")
    with pytest.raises(TrackerError, match="BRAINTRUST_API_KEY") as missing:
        uploaded(project)
    assert "never write it into a study" in missing.value.remedy


def test_validate_says_that_a_key_is_not_set(project, monkeypatch, capsys):
    monkeypatch.delenv("BRAINTRUST_API_KEY")
    main(["validate", "golden", "--root", str(project.root)])
    assert "tracker team: note: BRAINTRUST_API_KEY is not set" in capsys.readouterr().out


def test_a_limit_uploads_the_oldest_and_the_next_sync_the_rest(project, service):
    synced = sync(project, [], limit=1, say=str)
    assert (len(synced.receipts), synced.left) == (1, 2) and len(service.experiments) == 1
    assert len(sync(project, [], modules=["m2"], say=str).receipts) == 1
    assert len(sync(project, [], say=str).receipts) == 1


def test_the_commands_upload_so_many_then_one_by_id_and_bring_one_back(project, service, tmp_path, capsys):
    options = ["--study", "golden", "--root", str(project.root)]
    assert main(["experiments", "sync", "--limit", "1", *options]) == 0
    assert "1 runs uploaded or found there, 2 are still to be uploaded" in capsys.readouterr().out
    last = History(project.runs).read().runs[-1]
    assert main(["experiments", "upload", last.id[:8], *options]) == 0
    name = service.experiments[-1]["name"]
    assert f"team: {last.id} uploaded as {name}" in capsys.readouterr().out
    out = tmp_path / "rows.csv"
    assert main(["experiments", "download", name, "--out", str(out), *options]) == 0
    assert f"{out}: {ROWS} rows" in capsys.readouterr().out
    assert main(["experiments", "sync", "--limit", "0", *options]) == 1
    assert "--limit must be" in capsys.readouterr().err


@pytest.mark.parametrize("times", [1, 2])
def test_a_tracker_without_an_address_does_not_keep_others_back(service, tmp_path, monkeypatch, times):
    monkeypatch.setenv("BRAINTRUST_API_KEY", KEY)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    project = tracked_project(tmp_path, {"kind": "mlflow", "project": "p"})
    for _ in range(times - 1):
        assert sync(project, [], say=str).errors
    other = {"kind": "braintrust", "project": "root", "base_url": service.base_url, "patience_seconds": 0}
    study = yaml.safe_load(project.study_file.read_text())
    study["trackers"]["web"] = other
    project.study_file.write_text(yaml.safe_dump(study))
    synced = sync(load_project("golden", root=tmp_path), [], say=str)
    assert [receipt.tracker for receipt in synced.receipts] == ["web"] * 3
    assert len(synced.errors) == 1 and synced.left == 3


def test_an_experiment_comes_back_as_the_table_of_its_run(project):
    made = uploaded(project)
    path, rows = download(project, made.remote_id)
    history = History(project.runs)
    table, own = (
        {row["id"]: row for row in csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))}
        for file in (path, history.rows_of(first_run(project)))
    )
    assert rows == ROWS and table == own


@pytest.mark.parametrize("kind", ["experiment", "dataset"])
def test_a_golden_set_comes_back_as_its_rows(project, service, kind):
    uploaded(project)
    (thing,) = service.things[kind]
    path, rows = download(project, thing["name"], form="golden")
    golden = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert rows == ROWS
    assert golden[0] == {
        "id": "r0",
        "input": {"text": "text 0", "tags": ["a", "b"]},
        "expected": {"f": True},
        "metadata": {"difficulty": "plain"},
    }


def test_a_download_writes_over_nothing(project):
    made = uploaded(project)
    path, _ = download(project, made.experiment)
    path.write_text("mine")
    with pytest.raises(StudyError, match="there already"):
        download(project, made.experiment)
    assert path.read_text() == "mine"


def status(project, capsys):
    """(run, tracker) -> what `status` says, and what stands behind it."""
    capsys.readouterr()
    assert main(["experiments", "status", "--root", str(project.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = [re.split(r"  +", line.strip()) for line in lines if "m1" in line or "m2" in line]
    return {(cell[0], cell[2]): cell[3:] for cell in cells}


def test_status_says_of_each_run_and_tracker_whether_it_is_there(project, capsys):
    study = yaml.safe_load(project.study_file.read_text())
    study["trackers"]["other"] = {**study["trackers"]["team"], "project": "other"}
    project.study_file.write_text(yaml.safe_dump(study))
    uploaded(project)
    said, run = status(project, capsys), first_run(project)
    assert len(said) == 6 and said[run.id, "team"][0] == "uploaded"
    assert [place for place, (first, *_) in said.items() if first != "local_only"] == [(run.id, "team")]


def test_status_says_what_the_next_sync_uploads_anew(project, service, capsys):
    uploaded(project)
    project.study_file.write_text(project.study_file.read_text().replace("project: root", "project: other"))
    said = status(project, capsys)[first_run(project).id, "team"]
    assert said[0] == "uploaded elsewhere" and "root" in said[-1]
    changed = load_project("golden", root=project.root)
    assert len(sync(changed, [], say=str).receipts) == 3
    assert {first for first, *_ in status(changed, capsys).values()} == {"uploaded"}


def test_another_project_of_the_tracker_gets_the_runs_anew(project, service):
    uploaded(project)
    file = project.root / "config" / "studies" / "golden.yaml"
    file.write_text(file.read_text().replace("project: root", "project: other"))
    other = load_project("golden", root=project.root)
    assert uploaded(other).status == "uploaded" and len(service.experiments) == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "https://me:secret-of-mine@x.example/v1"}, "name or password"),
        ({"api_key": "secret-of-mine"}, "no such key"),
        ({"tracking_uri": "http://x.example"}, "goes with kind: mlflow"),
    ],
)
def test_a_secret_in_the_study_is_refused_and_not_repeated(tmp_path, settings, said):
    with pytest.raises(StudyError, match=said) as refused:
        tracked_project(tmp_path, {"kind": "braintrust", "project": "root", **settings})
    assert "secret-of-mine" not in str(refused.value)


def test_a_fault_of_ours_is_not_said_to_be_the_trackers(service):
    rest = RestService(service.base_url, KEY, 5.0, Patience(0), Scrubber([KEY]))
    with pytest.raises(AttributeError):
        rest.send(None, "/project", {})


@pytest.mark.parametrize("status", [301, 307])
def test_an_address_that_is_another_now_is_named(project, service, status):
    service.script = lambda call: Fault(
        status, headers={"Location": "https://me:pw@moved.example/v1/project?t=1"}
    )
    with pytest.raises(TrackerError, match=r"a redirect to https://moved\.example/v1/project,") as failed:
        uploaded(project)
    assert "base_url" in failed.value.remedy and sum(service.calls.values()) == 1


def test_of_an_answer_that_is_no_json_is_shown_what_it_is(project, service):
    service.script = lambda call: Fault(200, body="<html><title>Sign in</title>")
    with pytest.raises(TrackerError, match="Sign in") as failed:
        uploaded(project)
    assert "base_url" in failed.value.remedy


def test_an_answer_beyond_all_measure_is_not_read_to_its_end(service):
    service.script = lambda call: Fault(200, body="1" * 5000)
    rest = RestService(service.base_url, KEY, 5.0, Patience(60), Scrubber([KEY]), most_bytes=1000)
    with pytest.raises(ProviderError, match=r"more than 1,000 bytes"):
        rest.get("/project")
    assert service.calls["GET project"] == 1


@pytest.mark.parametrize("status", [401, 403])
def test_the_remedy_names_the_key_of_this_kind_of_tracker(project, service, status):
    service.script = lambda call: Fault(status)
    with pytest.raises(TrackerError) as failed:
        uploaded(project)
    assert "BRAINTRUST_API_KEY" in failed.value.remedy and "MLFLOW" not in failed.value.remedy


def test_a_download_counts_what_becomes_no_row(project, service, capsys):
    made = uploaded(project)
    events = service.versions[made.remote_id]
    events += [{**events[0], "input": "older"}, {"input": "no id"}, {"id": None}, {"id": 7}, None, "text"]
    _, rows = download(project, made.remote_id)
    said = capsys.readouterr().out
    assert rows == ROWS
    assert "1 events of a row that is there in a newer version" in said
    assert "3 events without an id" in said and "2 events that are no objects" in said


def test_json_that_others_let_pass_comes_back_too(project, service, capsys):
    made = uploaded(project)
    body = {"events": [{"id": "e1", "input": {"text": "half \ud800"}, "expected": float("nan")}]}
    fault = Fault(200, body=json.dumps(body))
    service.script = lambda call: fault if call.kind == "POST experiment/fetch" and call.number == 1 else None
    path, _ = download(project, made.remote_id, form="golden")
    (row,) = map(orjson.loads, path.read_bytes().splitlines())
    assert row["input"] == {"text": "half \ufffd"} and row["expected"] == "NaN"
