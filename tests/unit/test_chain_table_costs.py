"""What rows of a chain have cost: the parts add up to what each stage has cost, however rows share."""

import math

import orjson
import pytest

from goldpan.chains.tables.run import make_table
from goldpan.errors import ReconciliationError
from goldpan.study import load_project
from tests.chain_builders import answered, record, skipped, write_stage
from tests.projects import WorkflowProject, notes_study
from tests.stage_builders import answer_all, with_records

TEXTS = ["the cat sleeps", "the engine is loud", "the cat sleeps", ""]
"""The third is asked with the first; the last is asked of nobody."""


@pytest.fixture
def project(tmp_path):
    """Four notes that were asked about at a price, and two items that the answer to the first two holds."""
    built = WorkflowProject.create(tmp_path / "project")
    study = notes_study(price_usd_per_million=[400.0, 800.0], samples=2)
    study["sources"]["notes"]["not_blank"] = ["text"]
    study["stages"]["details"] = {
        "input": {"stage": "topics"},
        "task": "detail",
        "provider": "main",
        "model": "goldpan-baseline-1",
    }
    study["tables"] = {
        "notes": {"stage": "topics", "format": "jsonl"},
        "items": {"stage": "details", "format": "jsonl"},
        "topics": {"stage": "topics", "by": "topics.topic", "format": "jsonl"},
    }
    built.write_study(study)
    built.write_rows("notes/a.jsonl", [{"id": f"n{at}", "text": text} for at, text in enumerate(TEXTS)])
    answer_all(with_records(built.root))
    rows = []
    for note in built.rows("stages/topics/records.jsonl"):
        where = {"parent": note["id"], "data": note["data"]}
        if note["id"].endswith(("0", "1")) and "skip" not in note:
            for name in "abc":
                item = {"item": {"name": name}, "count": 1}
                rows.append((record(f"{note['id']}__{name}", **where, **item), answered(depth=("score", 1))))
        else:
            rows.append(
                (record(f"{note['id']}__none", **where, skip="no_items: none"), skipped("no_items: none"))
            )
    write_stage(built, "details", rows)
    return built


def rows_of(project, table):
    make_table(load_project("notes", root=project.root), table)
    return project.rows(f"tables/{table}.jsonl")


def test_the_costs_of_rows_add_up_to_that_of_the_stage(project):
    cost = project.json("stages/topics/summary.json")["cost_usd"]
    assert cost > 0
    assert math.fsum(row["cost_usd"] for row in rows_of(project, "notes")) == pytest.approx(cost, abs=1e-6)


def test_a_request_that_two_records_share_is_paid_by_both(project):
    first, other, third, blank = (row["topics.cost_usd"] for row in rows_of(project, "notes"))
    assert first == third == pytest.approx(other / 2, rel=0.2)
    assert blank == 0


def test_the_items_of_a_record_share_its_cost_evenly_and_one_without_items_bears_its_own(project):
    notes = {row["id"]: row["cost_usd"] for row in rows_of(project, "notes")}
    items = rows_of(project, "items")
    for row in items:
        of_parent = [other for other in items if other["parent"] == row["parent"]]
        assert row["topics.cost_usd"] == pytest.approx(notes[row["parent"]] / len(of_parent), abs=1e-11)
    assert {len([r for r in items if r["parent"] == parent]) for parent in notes} == {1, 3}


def test_groups_have_the_cost_of_their_rows(project):
    of_groups = math.fsum(row["cost_usd"] for row in rows_of(project, "topics"))
    assert of_groups == pytest.approx(project.json("stages/topics/summary.json")["cost_usd"], abs=1e-6)


def test_costs_that_do_not_add_up_end_the_table(project):
    path = project.artifact("stages/topics/summary.json")
    summary = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(summary | {"cost_usd": summary["cost_usd"] + 0.001}))
    with pytest.raises(ReconciliationError, match="stage topics"):
        rows_of(project, "items")


def test_what_records_have_cost_that_no_row_stands_for_is_spread_over_all(project):
    rows = [row for row in project.rows("stages/details/records.jsonl") if row["parent"] != "n1"]
    write_stage(
        project,
        "details",
        [(row, skipped("no_items: none") if "skip" in row else answered(depth=("score", 1))) for row in rows],
    )
    items = rows_of(project, "items")
    notes = {row["id"]: row["cost_usd"] for row in rows_of(project, "notes")}
    assert math.fsum(row["topics.cost_usd"] for row in items) == pytest.approx(math.fsum(notes.values()))
    (blank,) = (row["topics.cost_usd"] for row in items if row["line"] == 1 and row["parent"][0] == "!")
    assert blank == pytest.approx(notes["n1"] / len(items), abs=1e-11)
