"""A run with nothing to do ends soon, however many files there are to look at."""

import time

import pytest

from tests.projects import WorkflowProject, note_rows, notes_study

pytestmark = pytest.mark.timeout(3600)

SHARDS = 100
MOST_SECONDS = 5.0


def test_a_run_of_a_100_shard_stage_with_nothing_to_do(folder, finding):
    project = WorkflowProject.create(folder / "project")
    project.write_study(notes_study(limits={"requests": 10}))
    project.write_rows("notes/a.jsonl", note_rows(10 * SHARDS))
    project.run()
    assert len(project.json("stages/topics/round1/requests/plan.json")["shards"]) == SHARDS
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        said = project.run().stdout
        taken.append(time.perf_counter() - start)
        assert "Nothing to be done" in said
    finding(f"no-op run of a {SHARDS}-shard stage: {min(taken):.2f} s wall")
    assert min(taken) < MOST_SECONDS
