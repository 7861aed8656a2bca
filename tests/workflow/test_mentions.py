"""Snakemake locates names and puts them together, and makes the table of clusters anew where it is gone."""

import orjson

from tests.projects import WorkflowProject

ROWS = [
    {"id": "a", "name": "World Values Survey", "text": "The World Values Survey (WVS)."},
    {"id": "b", "name": "WVS", "text": "The WVS is used."},
    {"id": "c", "name": "Penn World Table", "text": "Nothing of it."},
]
STUDY = {
    "study": "notes",
    "sources": {"rows": {"files": "rows/*.jsonl", "id": ["id"]}},
    "stages": {
        "located": {"kind": "locate", "input": {"source": "rows"}, "name": "data.name"},
        "clusters": {
            "kind": "clusters",
            "input": {"stage": "located"},
            "name": "data.name",
            "known": "config/known.csv",
        },
    },
}


def test_a_run_leaves_the_clusters_and_goes_on_from_there(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    project.write_study(STUDY)
    project.write_rows("rows/a.jsonl", ROWS)
    project.write("config/known.csv", "id,names\nwvs,World Values Survey\n")
    project.run()
    stages = project.root / "results/notes/stages"
    for stage in ("located", "clusters"):
        summary = orjson.loads((stages / stage / "summary.json").read_bytes())
        assert (summary["records"], summary["states"]["ok"]) == (3, 3)
    table = stages / "clusters" / "clusters.jsonl"
    first = table.read_bytes()
    rows = [orjson.loads(line) for line in first.splitlines()]
    assert [(row["name"], row["mentions"], row["known_id"]) for row in rows] == [
        ("World Values Survey", 2, "wvs"),
        ("Penn World Table", 1, "unlinked"),
    ]
    assert "Nothing to be done" in project.run().stdout
    table.unlink()
    project.write("config/known.csv", "id,names\nwvs,World Values Survey\npwt,Penn World Tables\n")
    done = project.run("results/notes/stages/clusters/clusters.jsonl").log
    assert "cluster_features" in done and "local_features" not in done
    assert orjson.loads(table.read_bytes().splitlines()[1])["known_id"] == "pwt"
