"""A project that an earlier version left with a batch open in round 2 is taken over and finished.

`open_in_round_2_of_8786769.tar.gz` was made by commit 8786769: six notes, of which two came back with 500 in
round 1; the run stopped (`wait: false`) while round 2 was with the provider. It holds the project with its
ledger, results and Snakemake's records, all with their times, and the folder of the endpoint.
"""

import tarfile
from pathlib import Path

from goldpan.serve import running_server
from tests.faults.conftest import comparable, make_project, scripted_answer
from tests.projects import note_rows, until

LEFT_OPEN = Path(__file__).parent.parent / "data" / "open_in_round_2_of_8786769.tar.gz"
OPEN_BATCH = "batch_18ec3db233fdfb698b572429"


def test_a_project_with_an_open_batch_in_round_2_is_taken_over_and_finished(tmp_path):
    with tarfile.open(LEFT_OPEN) as archive:
        archive.extractall(tmp_path, filter="data")
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
