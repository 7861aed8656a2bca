"""The workflow with answers now: `--config mode=online`, and what a run of the other mode makes of it."""

from tests.online_service import online_service
from tests.projects import WorkflowProject, note_rows, notes_study


def test_a_run_in_mode_online_answers_now_and_leaves_nothing_stale_for_one_in_mode_batch(tmp_path):
    with online_service() as service:
        project = WorkflowProject.create(tmp_path / "project")
        provider = {"kind": "openai", "base_url": service.base_url}
        project.write_study(notes_study(provider, model="m"))
        project.write_rows("notes/a.jsonl", note_rows(9))
        refused = project.run("--config", "mode=fast", check=False)
        assert refused.returncode and "one of batch, online, not 'fast'" in refused.stdout
        project.run("--config", "mode=online")
        assert len(service.calls) == 9
        rows = project.rows("stages/topics/features.jsonl")
        assert [row["state"] for row in rows] == ["ok"] * 9
        assert {row["batch_id"].partition("_")[0] for row in rows} == {"online"}
        done = project.run()
        assert "Nothing to be done" in done.stdout and len(service.calls) == 9
