"""Tables of a chain: every row of its last stage once, with what each stage said of that very record."""

import csv
import shutil
from typing import Any

import orjson
import pytest

from goldpan.batches.stage import StageRun
from goldpan.cells import restore
from goldpan.chains.tables.check import check_tables
from goldpan.chains.tables.run import make_table
from goldpan.errors import GoldpanError, ReconciliationError, StudyError, WhereError
from tests.chain_builders import answered, chain_project, failed, loaded, record, skipped, write_stage

PAGE = {
    "task": "page",
    "features": [
        {"name": "used", "type": "binary", "description": "d", "rationale": True},
        {
            "name": "mentions",
            "type": "extraction",
            "description": "d",
            "fields": [{"name": "name"}, {"name": "kind"}],
        },
    ],
}
VERDICT = {
    "task": "verdict",
    "features": [
        {"name": "valid", "type": "binary", "description": "d"},
        {"name": "state", "type": "classification", "description": "d", "labels": ["new", "old"]},
    ],
}
STAGES = {
    "pages": {"input": {"source": "notes"}, "task": "page"},
    "judge": {"input": {"stage": "pages", "explode": "mentions"}, "task": "verdict"},
}


def mention(parent: str, name: str, **more: Any) -> dict[str, Any]:
    """The record of an item."""
    return record(f"{parent}__{name}", parent=parent, count=1, item={"name": name, "kind": "survey"}, **more)


def rows_of(project, table: str) -> list[dict[str, Any]]:
    make_table(loaded(project), table)
    return project.rows(f"tables/{table}.jsonl")


def csv_rows(project, table: str) -> list[dict[str, str]]:
    with project.artifact(f"tables/{table}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def project(tmp_path):
    """Three pages, of which one has two mentions, one none, and one failed."""
    tables = {
        "mentions": {"stage": "judge", "format": ["csv", "jsonl"]},
        "chosen": {
            "stage": "judge",
            "format": "jsonl",
            "columns": {"page": "data.page", "mention": "item.name", "verdict": "judge.valid"},
        },
        "valid": {"stage": "judge", "format": "jsonl", "where": "valid == true and item.name == 'a'"},
    }
    built = chain_project(tmp_path / "project", STAGES, tables, [PAGE, VERDICT])
    data = [{"page": number, "text": f"=page {number}", "map": [[0, 0, 1]]} for number in (1, 2, 3)]
    items = [{"name": "a", "kind": "survey"}, {"name": "b", "kind": "survey"}]
    write_stage(
        built,
        "pages",
        [
            (
                record("p1", data=data[0]),
                answered(used=("binary", True, "why"), mentions=("extraction", items)),
            ),
            (
                record("p2", data=data[1], line=2),
                answered(used=("binary", False, "no"), mentions=("extraction", [])),
            ),
            (record("p3", data=data[2], line=3), failed()),
        ],
    )
    none = {"parent": "p2", "skip": "no_items: the answer holds none"}
    lost = {"parent": "p3", "skip": "upstream: stage pages is failed for this record"}
    write_stage(
        built,
        "judge",
        [
            # Not in the order of the answer, to which no row may hold.
            (
                mention("p1", "b", data=data[0]),
                answered(valid=("binary", False), state=("classification", "old")),
            ),
            (
                mention("p1", "a", data=data[0]),
                answered(valid=("binary", True), state=("classification", "new")),
            ),
            (record("p2__none", data=data[1], line=2, **none), skipped(none["skip"])),
            (record("p3__none", data=data[2], line=3, **lost), skipped(lost["skip"])),
        ],
    )
    return built


def test_each_row_has_what_every_stage_said_of_its_own_record(project):
    rows = {row["id"]: row for row in rows_of(project, "mentions")}
    assert list(rows) == ["p1__b", "p1__a", "p2__none", "p3__none"]
    shown = ("page", "item.name", "pages.used", "pages.used_rationale", "pages.state", "judge.valid")
    assert [tuple(row[name] for name in shown) for row in rows.values()] == [
        (1, "b", True, "why", "ok", False),
        (1, "a", True, "why", "ok", True),
        (2, None, False, "no", "ok", None),
        (3, None, None, None, "failed", None),
    ]


def test_a_row_says_why_a_stage_said_nothing(project):
    rows = {row["id"]: row for row in rows_of(project, "mentions")}
    assert (rows["p2__none"]["judge.state"], rows["p2__none"]["judge.reason"]) == (
        "skipped",
        "no_items: the answer holds none",
    )
    assert rows["p3__none"]["pages.reason"] == "invalid: no"


def test_the_columns_are_those_of_the_record_the_item_and_each_stage(project):
    assert list(rows_of(project, "mentions")[0]) == [
        *("id", "parent", "count", "source", "file", "line", "page", "text", "item.name", "item.kind"),
        *(
            "pages.used",
            "pages.used_rationale",
            "pages.state",
            "pages.reason",
            "pages.model",
            "pages.cost_usd",
        ),
        # A feature that is called as a column of every stage.
        *(
            "judge.valid",
            "judge.state_answer",
            "judge.state",
            "judge.reason",
            "judge.model",
            "judge.cost_usd",
        ),
        "cost_usd",
    ]


def test_a_feature_called_as_a_column_of_every_stage_is_not_taken_for_it(project):
    rows = {row["id"]: row for row in rows_of(project, "mentions")}
    assert (rows["p1__a"]["judge.state"], rows["p1__a"]["judge.state_answer"]) == ("ok", "new")


def test_csv_and_json_lines_say_the_same(project):
    rows = rows_of(project, "mentions")
    table = csv_rows(project, "mentions")
    assert [list(row) for row in table] == [list(row) for row in rows]
    shown = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows]
    assert [{name: restore(cell) for name, cell in row.items()} for row in table] == shown


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(project):
    make_table(loaded(project), "mentions")
    assert csv_rows(project, "mentions")[0]["text"] == "'=page 1"


def test_columns_are_chosen_and_renamed(project):
    assert rows_of(project, "chosen")[0] == {"page": 1, "mention": "b", "verdict": False}


@pytest.mark.parametrize("name", ["text", "data.text", "item.name", "judge.valid", "answers.judge.valid"])
def test_a_column_is_left_out_by_any_of_its_names_and_no_other(project, name):
    left_out = {"t": {"stage": "judge", "format": "jsonl", "leave_out": name}}
    built = chain_project(project.root.parent / "other", STAGES, left_out, [PAGE, VERDICT])
    shutil.copytree(project.artifact("stages"), built.artifact("stages"))
    before, after = rows_of(project, "mentions")[0], rows_of(built, "t")[0]
    assert list(before.keys() - after.keys()) == [name.removeprefix("answers.").removeprefix("data.")]
    assert after.items() <= before.items()


def test_a_condition_takes_rows_by_answers_and_items(project):
    assert [row["id"] for row in rows_of(project, "valid")] == ["p1__a"]


def test_a_record_of_data_called_as_another_column_goes_by_its_whole_name(tmp_path):
    built = chain_project(
        tmp_path / "p", {"pages": STAGES["pages"]}, {"t": {"stage": "pages", "format": "jsonl"}}, [PAGE]
    )
    write_stage(built, "pages", [(record("x", data={"id": "own", "line": 9}), failed())])
    (row,) = rows_of(built, "t")
    assert (row["id"], row["data.id"], row["line"], row["data.line"]) == ("x", "own", 1, 9)


def test_children_are_gathered_and_their_stage_has_no_answer_of_its_own(tmp_path):
    stages = {**STAGES, "papers": {"input": {"stage": "judge", "group": {"by": "parent"}}, "task": "verdict"}}
    built = chain_project(
        tmp_path / "p", stages, {"t": {"stage": "papers", "format": "jsonl"}}, [PAGE, VERDICT]
    )
    items = answered(used=("binary", True, "w"), mentions=("extraction", []))
    write_stage(built, "pages", [(record("p1"), items), (record("p2"), items)])
    none = record("p2__none", parent="p2", skip="no_items: none")
    verdict = answered(valid=("binary", True), state=("classification", "new"))
    judged = [(mention("p1", "a"), verdict), (mention("p1", "b"), verdict), (none, skipped("no_items: none"))]
    write_stage(built, "judge", judged)
    children = [{"id": "p1__a"}, {"id": "p1__b"}]
    write_stage(
        built, "papers", [(record("p1", children=children), verdict), (record("p2", children=[]), verdict)]
    )
    first, second = rows_of(built, "t")
    assert (first["pages.used"], first["judge.valid"], first["papers.valid"]) == (True, None, True)
    assert first["children"] == children
    assert (second["pages.used"], second["judge.state"]) == (True, "skipped")


def test_a_record_without_a_row_in_the_stage_before_ends_the_table(project):
    write_stage(project, "pages", [(record("p1"), failed())])
    with pytest.raises(ReconciliationError, match="p2__none"):
        rows_of(project, "mentions")
    assert not project.artifact("tables/mentions.jsonl").exists()


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        ({"columns": ["judge.valdi"]}, StudyError, "did you mean `valid`"),
        ({"columns": ["jugde.valid"]}, StudyError, "did you mean `judge`"),
        ({"leave_out": "judge.valdi"}, StudyError, "did you mean `valid`"),
        ({"by": "answers.judge.vald"}, StudyError, "did you mean `valid`"),
        ({"columns": ["item.nam"]}, StudyError, "did you mean `item.name`"),
        ({"where": "vald == true"}, WhereError, "did you mean `valid`"),
        ({"where": "answers.pages.usd == true"}, WhereError, "did you mean `used`"),
        ({"where": "item.nam == 'a'"}, WhereError, "did you mean `name`"),
    ],
    ids=[
        "answer",
        "stage",
        "left out",
        "group",
        "item",
        "condition",
        "condition on a stage",
        "condition on an item",
    ],
)
def test_a_misspelt_name_is_told_before_anything_runs(tmp_path, table, error, said):
    built = chain_project(tmp_path / "p", STAGES, {"t": {"stage": "judge", **table}}, [PAGE, VERDICT])
    with pytest.raises(error, match=said) as raised:
        list(check_tables(loaded(built)))
    assert "tables.t" in str(raised.value)


def test_a_field_that_no_record_has_is_told_with_the_nearest_name(project):
    study = orjson.loads(orjson.dumps({"columns": ["data.pgae"], "stage": "judge"}))
    built = chain_project(project.root.parent / "other", STAGES, {"t": study}, [PAGE, VERDICT])
    for stage in STAGES:
        for name in ("records.jsonl", "features.jsonl", "summary.json", "round1/requests/asked.jsonl"):
            target = built.artifact(f"stages/{stage}/{name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(project.artifact(f"stages/{stage}/{name}").read_bytes())
    with pytest.raises(StudyError, match="did you mean `page`"):
        make_table(loaded(built), "t")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"stage": "judg"}, "no stage `judg`"),
        ({"stage": "judge", "plot": True}, "say which with `by`"),
        ({"stage": "judge", "by": "file", "columns": {"no": "id"}}, "as a list"),
        ({"stage": "judge", "columns": ["id", "id"]}, "named twice"),
        ({"stage": "judge", "columns": ["id"], "leave_out": "line"}, "goes without"),
        ({"stage": "judge", "format": "xlsx"}, "csv"),
    ],
    ids=["stage", "plot without groups", "columns of groups", "twice", "leave out", "format"],
)
def test_a_table_that_cannot_be_is_an_error_of_the_study(tmp_path, table, said):
    built = chain_project(tmp_path / "p", STAGES, {"t": table}, [PAGE, VERDICT])
    with pytest.raises(GoldpanError, match=said):
        loaded(built)


def test_records_that_were_really_exploded_and_gathered_are_joined_in_whatever_order_items_come(tmp_path):
    stages = {
        **STAGES,
        "papers": {"input": {"stage": "judge", "group": {"by": "data.paper"}}, "task": "verdict"},
    }
    tables = {name: {"stage": name, "format": "jsonl"} for name in ("judge", "papers")}
    seen = []
    for turn, order in enumerate((["a", "b", "a"], ["b", "a", "a"])):
        built = chain_project(tmp_path / str(turn), stages, tables, [PAGE, VERDICT])
        items = [{"name": name, "kind": "survey"} for name in order]
        used = {"p1": items, "p2": [], "p3": items[:1]}
        pages = [
            (
                record(page, data={"paper": "P" if page != "p3" else "Q"}),
                answered(used=("binary", page != "p2", page), mentions=("extraction", found)),
            )
            for page, found in used.items()
        ]
        write_stage(built, "pages", pages)
        for stage in ("judge", "papers"):
            StageRun(loaded(built), stage).make_records()
            made = built.rows(f"stages/{stage}/records.jsonl")
            verdicts = [
                skipped(row["skip"]) if "skip" in row else answered(valid=("binary", _is_a(row)))
                for row in made
            ]
            write_stage(built, stage, list(zip(made, verdicts, strict=True)))
        rows = {row["id"]: row for row in rows_of(built, "judge")}
        assert {row["item.name"]: row["count"] for row in rows.values() if row["parent"] == "p1"} == {
            "a": 2,
            "b": 1,
        }
        assert all(row["pages.used_rationale"] == row["parent"] for row in rows.values())
        assert all(
            row["judge.valid"] is (row["item.name"] == "a") for row in rows.values() if row["item.name"]
        )
        papers = {row["paper"]: len(row["children"]) for row in rows_of(built, "papers")}
        assert papers == {"P": 2, "Q": 1}
        seen.append({id_ for id_, row in rows.items() if row["parent"] != "p3"})
    assert seen[0] == seen[1]


def _is_a(row: dict[str, Any]) -> bool:
    return row.get("item", {}).get("name") == "a"
