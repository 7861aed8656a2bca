"""Harvesting 50,000 answers (fetch, settle, consolidate), against a script that reads and writes them."""

import shutil

import orjson
import pytest

from goldpan.files import read_json
from goldpan.serve.running import running_server
from tests.bench import harvest_script, steps, traces
from tests.bench.answers import annotator
from tests.bench.measuring import compare, measure

pytestmark = pytest.mark.timeout(3600)

ROWS = 50_000
# The goal is 5. What is asserted is what was reached, less a margin for a busy machine.
LEAST_RATIO = 1.0
MOST_MIB = 150


@pytest.fixture(scope="module")
def answered(folder, segments):
    """A project whose batches are answered, the endpoint that holds the answers, and its ledger as it was."""
    root = folder / "harvest"
    with running_server(folder / "server", answerer=annotator(traces.texts(segments))) as server:
        traces.write_project(root, traces.cut(traces.varied(segments, ROWS)), server.base_url)
        assert steps.records(str(root)) == ROWS
        measure(steps.plan, root)
        measure(steps.submit, root)
        steps.stage_at(root).wait(1, lambda progress: None)
        shutil.rmtree(root / ".goldpan" / "spool")
        shutil.copyfile(root / ".goldpan" / "ledger.sqlite", root / "ledger.before")
        yield root, server


def reset(root):
    """Make the project as it was before the harvest."""
    for path in (root / ".goldpan").glob("ledger.sqlite*"):
        path.unlink()
    shutil.copyfile(root / "ledger.before", root / ".goldpan" / "ledger.sqlite")
    stage = steps.stage_at(root)
    shutil.rmtree(root / stage.paths.round(stage.name, 1) / "raw", ignore_errors=True)


def test_harvesting_50_000_answers(answered, finding):
    root, server = answered
    stage = steps.stage_at(root)
    batches = read_json(root / stage.paths.completion(stage.name, 1))["batches"]
    consolidated = root / "script.jsonl"

    def ours():
        reset(root)
        return (
            measure(steps.fetch, root)
            .then(measure(steps.settle, root))
            .then(measure(steps.consolidate, root))
        )

    def baseline():
        files = [batch["output_file_id"] for batch in batches]
        return measure(harvest_script.harvest, server.base_url, consolidated, *files)

    found = compare(ours, baseline)
    finding(f"harvesting {ROWS:,} answers: {found}")
    assert found.ours.result == {"ok": ROWS} and found.baseline.result == ROWS
    assert features_of(consolidated) == features_of(root / stage.paths.features(stage.name))
    assert found.processor_ratio >= LEAST_RATIO
    assert found.ours.peak_mib < MOST_MIB


def features_of(path):
    """custom_id -> hash of the features, of every row."""
    with path.open("rb") as lines:
        rows = map(orjson.loads, lines)
        return {
            row["custom_id"]: hash(orjson.dumps(row["features"], option=orjson.OPT_SORT_KEYS)) for row in rows
        }
