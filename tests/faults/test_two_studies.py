"""Two studies of one project that share rows, run at the same time."""

from goldpan.serve import running_server
from tests.faults.conftest import make_project, scripted_answer
from tests.projects import WorkflowProject, note_rows, notes_study, until

SHARED, OWN = 10, 6


def test_two_studies_at_once_pay_once_for_the_rows_they_share(tmp_path):
    with running_server(tmp_path / "server", answerer=scripted_answer, seconds_per_batch=4.0) as server:
        project = make_project(tmp_path / "project", server.base_url, limits={"requests": 5})
        project.write_rows("notes/a.jsonl", note_rows(SHARED + OWN))
        project.write_rows("more/a.jsonl", note_rows(SHARED + OWN, start=OWN))
        provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0.5}
        stage = {"model": "scripted-1", "limits": {"requests": 7}, "poll": {"first": 0.1, "longest": 0.5}}
        other_study = {**notes_study(provider, **stage), "study": "other"}
        other_study["sources"]["notes"]["files"] = ["more/*.jsonl"]
        project.write_study(other_study)
        other = WorkflowProject(project.root, study="other")

        runs = [project.start("--config", f"study={name}") for name in ("notes", "other")]
        until(lambda: len(server.engine.list_batches()) >= 2, runs[0])
        # Both work, and neither is run twice.
        again = project.run("--config", "study=other", check=False)
        assert again.returncode != 0
        assert "another run works on" in again.stdout
        for run in runs:
            output = run.communicate(timeout=120)[0]
            assert run.returncode == 0, output
        assert sum(batch.total for batch in server.engine.list_batches()) == SHARED + 2 * OWN
        for each in (project, other):
            states = [row["state"] for row in each.rows("stages/topics/features.jsonl")]
            assert states == ["ok"] * (SHARED + OWN)
        assert "Nothing to be done" in project.run("--config", "study=other").stdout
