"""Runs at a real MLflow server: put there once and whole, and brought back."""

import csv
import io
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from goldpan.cli import main
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import TrackerError
from goldpan.experiments.history import History
from goldpan.experiments.receipts import read_receipt
from goldpan.tracking.base import CONTENT, RUN
from goldpan.tracking.download import download
from goldpan.tracking.upload import Uploader, sync
from tests.mlflow_server import mlflow_server
from tests.recorded_runs import a_run
from tests.tracked_projects import NAME, ROWS, some_rows, tracked_project, with_whole_features

pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
# The server takes seconds to start.
pytestmark = pytest.mark.slow
KEY = "token-0123456789abcdef"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture
def project(server, request, tmp_path):
    """A project with three runs, and an experiment of its own at the server."""
    tracker = {
        "kind": "mlflow",
        "project": request.node.name,
        "tracking_uri": server,
        "patience_seconds": 1.0,
    }
    return tracked_project(tmp_path, tracker)


def first_run(project):
    return next(run for run in History(project.runs).read().runs if run.prompt_hash == "p1")


def uploaded(project, run=None):
    return Uploader(project, "team", History(project.runs)).upload(run or first_run(project))


def runs_there(project):
    from mlflow import MlflowClient

    settings = project.study.trackers["team"]
    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(settings.project)
    return client, client.search_runs([experiment.experiment_id])


def test_a_run_has_its_parameters_figures_rows_and_data_set(project):
    run, made = first_run(project), uploaded(project)
    client, (there,) = runs_there(project)
    assert made.status == "uploaded" and made.remote_id == there.info.run_id
    assert made.url.endswith(f"/#/experiments/{there.info.experiment_id}/runs/{there.info.run_id}")
    assert there.info.run_name == f"root_m1_{NAME}_20260101_000000" and there.info.status == "FINISHED"
    assert there.data.tags[RUN] == run.id and there.data.tags[CONTENT] == made.content
    assert there.data.params["model"] == "model-1" and there.data.params["params.temperature"] == "0.1"
    assert there.data.metrics["f.accuracy"] == 1.0 and there.data.metrics["rows.ok"] == ROWS - 1
    interval = run.metrics[0].figures[0]["raw"]["interval"]
    assert there.data.metrics["f.accuracy.low"] == interval["low"] < 1.0
    assert there.data.metrics["f.accuracy.high"] == interval["high"] == 1.0
    (data_set,) = there.inputs.dataset_inputs
    assert data_set.dataset.name.startswith(f"root_m1_{NAME}_data_")
    files = {file.path for file in client.list_artifacts(there.info.run_id)}
    assert files == {"run.json", "rows.csv", "rows.jsonl", "golden.jsonl", "goldpan.json"}


def test_a_second_sync_and_another_machine_upload_nothing_again(project):
    assert [receipt.status for receipt in sync(project, [], say=str).receipts] == ["uploaded"] * 3
    assert sync(project, [], say=str).receipts == []
    for path in (project.runs / "uploads" / "team").iterdir():
        path.unlink()
    assert [receipt.status for receipt in sync(project, [], say=str).receipts] == ["synced"] * 3
    assert len(runs_there(project)[1]) == 3


def test_a_receipt_stays_where_the_address_is_not_set_for_once(server, tmp_path, monkeypatch, capsys):
    project = tracked_project(tmp_path, {"kind": "mlflow", "project": "by a variable"})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    made = uploaded(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert main(["experiments", "upload", made.run, "--study", "golden", "--root", str(tmp_path)]) == 1
    assert "MLFLOW_TRACKING_URI" in capsys.readouterr().err
    assert read_receipt(project.runs, "team", made.run) == made


@pytest.mark.parametrize("place", ["tracker_created", "tracker_rows_put"])
def test_after_a_kill_the_same_run_is_finished(project, place):
    def kill(name):
        if name == place:
            raise Killed

    with pytest.raises(Killed), on_reaching(kill):
        uploaded(project)
    assert uploaded(project).status == "uploaded"
    _, (there,) = runs_there(project)
    assert there.info.status == "FINISHED" and len(there.inputs.dataset_inputs) == 1


def test_a_run_that_was_retried_has_its_new_figures_and_rows(project):
    uploaded(project)
    rows = some_rows().replace(b"failed,http_500,", b"ok,,")
    retried = with_whole_features(a_run(name=NAME, answered_at=4_000_000_000), {"ok": ROWS})
    History(project.runs).record(retried, rows)
    assert uploaded(project).status == "uploaded"
    client, (there,) = runs_there(project)
    assert there.data.metrics["rows.ok"] == ROWS
    path = client.download_artifacts(there.info.run_id, "rows.csv", str(project.root))
    assert open(path, "rb").read() == rows  # noqa: PTH123, SIM115


def test_it_comes_back_as_table_and_golden_set(project):
    made = uploaded(project)
    path, rows = download(project, made.experiment)
    own = History(project.runs).rows_of(first_run(project))
    table, ours = (
        {row["id"]: row for row in csv.DictReader(io.StringIO(file.read_text("utf-8-sig")))}
        for file in (path, own)
    )
    assert rows == ROWS and table == ours
    path, _ = download(project, made.remote_id, form="golden")
    first = orjson.loads(path.read_bytes().splitlines()[0])
    assert first == {
        "id": "r0",
        "input": {"text": "text 0", "tags": ["a", "b"]},
        "expected": {"f": True},
        "metadata": {"difficulty": "plain"},
    }


@pytest.mark.parametrize("content", ["no JSON", "[1]\n", '"a text"\n'])
def test_rows_that_were_changed_there_are_an_error_that_names_them(project, content):
    made = uploaded(project)
    client, _ = runs_there(project)
    client.log_text(made.remote_id, content, "rows.jsonl")
    with pytest.raises(TrackerError, match=r"rows\.jsonl"):
        download(project, made.experiment)


@pytest.fixture
def refusing(monkeypatch):
    """A server that refuses each call and echoes its token; `calls` counts them."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", KEY)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):
            server.calls += 1
            said = f"no: {self.headers.get('Authorization')}".encode()
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.calls, server.status = 0, 401
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("status", "calls"), [(401, 1), (500, 2)])
def test_a_refusal_is_said_without_the_token_and_a_500_is_tried_again(tmp_path, refusing, status, calls):
    refusing.status = status
    address = f"http://127.0.0.1:{refusing.server_address[1]}"
    tracker = {"kind": "mlflow", "project": "p", "tracking_uri": address, "patience_seconds": 0.8}
    project = tracked_project(tmp_path, tracker)
    with pytest.raises(TrackerError, match=str(status)) as failed:
        uploaded(project)
    assert refusing.calls == calls
    receipt = read_receipt(project.runs, "team", first_run(project).id)
    assert receipt.status == "failed" and KEY not in receipt.fault and KEY not in str(failed.value)
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_without_an_address_the_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    project = tracked_project(tmp_path, {"kind": "mlflow", "project": "p"})
    with pytest.raises(TrackerError, match="MLFLOW_TRACKING_URI"):
        uploaded(project)


ADDRESSES = {
    "a mistyped scheme": "htps://me:secret@mlflow.example",
    "no scheme": "me:secret@mlflow.example",
    "no scheme, and no name for one": "me@corp:secret@mlflow.example",
    "a driver that is not there": "postgresql+nosuch://me:secret@db.example/mlflow",
    "a driver that is not there, and a query": "mysql+nosuch://db.example/mlflow?password=u:secret",
    "a folder": "file:///proc/nowhere",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_that_cannot_be_called_is_an_error_without_its_password(
    tmp_path, monkeypatch, capsys, address
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    project = tracked_project(tmp_path, {"kind": "mlflow", "project": "p", "patience_seconds": 0})
    assert main(["experiments", "sync", "--study", "golden", "--root", str(tmp_path)]) == 1
    said = "".join(capsys.readouterr())
    assert "was not uploaded to tracker `team`" in said and "are still to be uploaded" in said
    assert ":secret" not in said
    assert not any(b":secret" in path.read_bytes() for path in project.root.rglob("*") if path.is_file())


def test_a_store_that_cannot_be_written_to_is_an_error_with_a_receipt(tmp_path):
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "file").write_text("")
    # Not a folder, so no artifact can be put below it.
    MlflowClient(uri, uri).create_experiment("p", artifact_location=f"file://{tmp_path}/file/artifacts")
    tracker = {"kind": "mlflow", "project": "p", "tracking_uri": uri, "patience_seconds": 0}
    project = tracked_project(tmp_path, tracker)
    with pytest.raises(TrackerError, match="file/artifacts"):
        uploaded(project)
    assert read_receipt(project.runs, "team", first_run(project).id).status == "failed"


@pytest.mark.parametrize("status", [409, 501])
def test_what_is_tried_again_at_mlflow_is_what_is_tried_again_elsewhere(tmp_path, refusing, status):
    refusing.status = status
    address = f"http://127.0.0.1:{refusing.server_address[1]}"
    tracker = {"kind": "mlflow", "project": "p", "tracking_uri": address, "patience_seconds": 0.8}
    with pytest.raises(TrackerError, match=str(status)):
        uploaded(tracked_project(tmp_path, tracker))
    assert refusing.calls == (1 if status == 501 else 2)
