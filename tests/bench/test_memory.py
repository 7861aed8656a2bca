"""No step of a stage needs more memory for more rows."""

import shutil

import pytest

from goldpan.serve.running import running_server
from tests.bench import steps
from tests.bench.answers import annotator
from tests.bench.measuring import measure
from tests.projects import WorkflowProject, note_rows, notes_study

pytestmark = pytest.mark.timeout(3600)

FEW, MANY = 10_000, 200_000
MOST_MIB = 150
# A settlement knows the rows of one shard, which the smaller number does not fill.
MOST_GROWTH_MIB = 25
STEPS = (steps.records, steps.plan, steps.submit, steps.fetch, steps.settle, steps.consolidate)


def peaks(folder, rows):
    """Peak memory in MiB of each step, by name, over so many small rows."""
    texts = [row["text"] for row in note_rows(50)]
    with running_server(folder / "server", answerer=annotator(texts)) as server:
        project = WorkflowProject.create(folder / "project")
        provider = {"kind": "openai", "base_url": server.base_url}
        project.write_study(notes_study(provider, model="gpt-4.1-mini"))
        project.write_rows("notes/a.jsonl", note_rows(rows))
        found = {}
        for step in STEPS:
            if step is steps.fetch:
                steps.stage_at(project.root).wait(1, lambda progress: None)
            measured = measure(step, project.root)
            found[step.__name__] = measured.peak_mib
    assert measured.result == {"ok": rows}
    shutil.rmtree(folder)
    return found


def test_peak_memory_is_bounded_and_does_not_grow_with_the_rows(folder, finding):
    few, many = peaks(folder / "few", FEW), peaks(folder / "many", MANY)
    for step in few:
        finding(f"peak memory of {step}: {few[step]:.0f} MiB for {FEW:,} rows, {many[step]:.0f} for {MANY:,}")
    assert max(many.values()) < MOST_MIB
    assert all(many[step] - few[step] < MOST_GROWTH_MIB for step in few)
