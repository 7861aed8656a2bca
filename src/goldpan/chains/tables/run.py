"""A table of a study, from the features of the stages of its chain to its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goldpan.chains.tables.check import TablePlan, plan_table
from goldpan.chains.tables.columns import TableColumn
from goldpan.chains.tables.groups import RowGroup
from goldpan.chains.tables.joined import ChainRow, JoinedRows
from goldpan.chains.tables.output import write_rows
from goldpan.chains.tables.page import table_page
from goldpan.files import read_json, write_bytes
from goldpan.garbage import seldom_collected
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage


def make_table(project: Project, name: str) -> int:
    """Write the files of a table.

    Returns:
        How many rows it has.

    Raises:
        StudyError, WhereError: as `plan_table`; or no record has a field of `data` that the table names.
        ReconciliationError: the files of the stages do not fit together, or the costs do not add up.
    """
    plan = plan_table(project, name)
    paths = {suffix: project.root / project.paths.table(name, suffix) for suffix in plan.settings.suffixes}
    with seldom_collected(), JoinedRows(project, plan.settings.stage) as joined:
        if plan.by is None:
            return _write_rows(plan, joined, paths)
        return _write_groups(project, name, plan, joined, paths)


def _write_rows(plan: TablePlan, joined: JoinedRows, paths: dict[str, Path]) -> int:
    columns = plan.columns
    if columns is None:
        plan.names.check_fields(plan.left_out, joined.shape)
        columns = plan.names.all_columns(joined.shape, plan.left_out)
    else:
        plan.names.check_fields(columns, joined.shape)
    cells = ([column.get(row) for column in columns] for row in joined if plan.takes(row))
    return write_rows(paths, [column.name for column in columns], cells)


def _write_groups(
    project: Project, name: str, plan: TablePlan, joined: JoinedRows, paths: dict[str, Path]
) -> int:
    assert plan.by is not None
    shared = plan.columns or []
    plan.names.check_fields([*plan.by, *shared], joined.shape)
    filtered = frozenset(_filtered(project, joined.chain))
    groups: dict[str | None, RowGroup] = {}
    for row in joined:
        if plan.takes(row):
            value = _group_of(row, plan.by)
            if value not in groups:
                groups[value] = RowGroup(plan.measured, filtered, shared)
            groups[value].add(row)
    by = plan.by[0].path.rpartition(".")[2]
    cells = [{by: value, **group.cells(joined.shape.has_items)} for value, group in groups.items()]
    names = (
        list(cells[0])
        if cells
        else [by, *RowGroup(plan.measured, filtered, shared).cells(joined.shape.has_items)]
    )
    page = paths.pop("html", None)
    count = write_rows(paths, names, (list(of_group.values()) for of_group in cells))
    if page is not None:
        is_baseline = any(
            read_json(project.root / project.paths.summary(stage)).get("baseline") for stage in joined.chain
        )
        text = table_page(project.study.study, name, by, groups, is_baseline)
        write_bytes(page, text.encode())
    return count


def _group_of(row: ChainRow, by: list[TableColumn]) -> str | None:
    """The value that a row is grouped by: the first there is, as text; None where it has none."""
    for column in by:
        if (value := column.get(row)) is not None and value != "":
            return _text(value)
    return None


def _text(value: Any) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _filtered(project: Project, chain: list[str]) -> Iterator[str]:
    """The stages of a chain that do not get all records of the sources, as a filter stands before them."""
    passed: set[str] = set()
    for name in chain:
        settings = project.study.stages[name]
        before = settings.input.stages
        is_filtered = any(isinstance(project.study.stages[stage], FilterStage) for stage in before)
        if settings.input.where is not None or is_filtered or passed & set(before):
            passed.add(name)
            yield name
