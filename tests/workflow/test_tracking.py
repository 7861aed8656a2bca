"""Uploading runs by the workflow: last, once, and without harm to the rest where the tracker is down."""

import shutil

import pytest
import yaml

from tests.braintrust_service import KEY, Fault, braintrust_service
from tests.projects import WorkflowProject, ran
from tests.workflow.test_experiments import ASKS, STUDY, TABLE, TOPIC, golden_rows


@pytest.fixture
def service():
    with braintrust_service() as service:
        yield service
        assert service.wrong == []


@pytest.fixture
def project(service, tmp_path):
    """Two modules, a stage that can only be asked after one of them, and this service as tracker."""
    project = WorkflowProject.create(tmp_path / "project", study="golden")
    project.environment["BRAINTRUST_API_KEY"] = KEY
    tracker = {"kind": "braintrust", "project": "root", "base_url": service.base_url, "patience_seconds": 0}
    project.write("config/modules.yaml", TABLE)
    later = {"input": {"stage": "asks"}, "task": "topic", "provider": "here", "model": "goldpan-baseline-1"}
    project.write_study(yaml.safe_load(STUDY) | {"stages": {"later": later}, "trackers": {"team": tracker}})
    for task, rows in ((TOPIC, 6), (ASKS, 12)):
        project.write_task(task)
        project.write(f"config/tasks/{task['task']}.user.j2", "{{ data.input.text }}")
        project.write_rows(f"golden/{task['task']}.jsonl", golden_rows(rows))
    return project


@pytest.mark.timeout(900)
def test_runs_are_uploaded_last_and_once_and_a_tracker_that_is_down_fails_only_its_rule(project, service):
    service.script = lambda call: Fault(500, body=f"down, {KEY}")
    first = project.run(check=False)
    assert first.returncode == 1 and "was not uploaded to tracker `team`" in first.stdout
    assert project.artifact("runs/topic.json").exists() and project.artifact("runs/asks.json").exists()
    assert project.artifact("stages/later/features.parquet").exists()
    assert KEY not in first.stdout
    assert not any(KEY.encode() in path.read_bytes() for path in project.root.rglob("*") if path.is_file())

    service.script = lambda call: None
    assert ran(project.run()) == {"upload_run"}
    receipts = [project.json(f"uploads/team/{stage}.json") for stage in ("topic", "asks")]
    assert [receipt["status"] for receipt in receipts] == ["uploaded", "uploaded"]
    assert sorted(len(service.rows_of(thing["name"])) for thing in service.experiments) == [6, 12]

    calls = dict(service.calls)
    shutil.rmtree(project.artifact("uploads"))
    assert ran(project.run()) == {"upload_run"}
    assert service.calls == calls and set(service.put.values()) == {1}
    said = project.goldpan("experiments", "run", "topic", "--upload", "--dry-run").stdout
    assert "results/golden/uploads/team/topic.json" in said and "asks.json" not in said
