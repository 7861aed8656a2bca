"""Whether the columns and conditions of tables name what there will be, before anything is paid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from goldpan.chains.tables.columns import ColumnNames, TableColumn
from goldpan.chains.tables.joined import ChainRow
from goldpan.errors import StudyError, WhereError
from goldpan.stages.features import features_of_stage
from goldpan.stages.mention_features import is_place
from goldpan.stages.record_kinds import kinds_of_records
from goldpan.study.load import Project
from goldpan.study.table import Table
from goldpan.tasks.features import Feature, Ranking, Text
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.where import Where
from goldpan.tasks.where_types import TEXT, ValueKind, kinds_of, missing_part, object_kind

_ANSWERS = "answers."


@dataclass(frozen=True)
class TablePlan:
    """A table whose names have been looked up.

    Attributes:
        settings: as the study has them.
        features: stage -> its features, for the stages of the chain, the first first.
        names: the columns that rows may have.
        columns: those that the table chooses, of groups those that have no figures; None for all but those
            left out.
        measured: stage -> its features that a table of groups has figures of.
        left_out: columns that it has not.
        by: those that rows are grouped by; None for a table of rows.
        where: which rows it takes; None for all.
    """

    settings: Table
    features: Mapping[str, Sequence[Feature]]
    names: ColumnNames
    columns: list[TableColumn] | None
    measured: Mapping[str, Sequence[Feature]]
    left_out: list[TableColumn]
    by: list[TableColumn] | None
    where: Where | None

    def takes(self, row: ChainRow) -> bool:
        """Whether the table has a row."""
        if self.where is None:
            return True
        values = dict(row.record)
        values["answers"] = {stage: result.answers for stage, result in row.results.items()}
        own = row.results.get(self.settings.stage)
        return self.where.matches({**(own.answers if own else {}), **values})


def plan_table(project: Project, name: str) -> TablePlan:
    """Look up what a table of the study names.

    Raises:
        StudyError: a column names a stage or an answer that there is not; with the nearest name.
        WhereError: the condition does not fit the features.
    """
    settings = project.named("table", project.study.tables, name)
    where = f"{project.study_file}, tables.{name}"
    features = {stage: features_of_stage(project, stage) for stage in project.study.chain_to(settings.stage)}
    names = ColumnNames(features, where)
    chosen = settings.columns
    columns = None if chosen is None else [names.column(path, shown) for shown, path in chosen.items()]
    measured = _measured(features, chosen)
    if settings.by is not None and columns is not None:
        figures = {f"{stage}.{feature.name}" for stage, some in measured.items() for feature in some}
        columns = [column for column in columns if column.path.removeprefix(_ANSWERS) not in figures]
    left_out = [names.column(path) for path in settings.leave_out]
    _check_items(project, settings, where)
    by = None if settings.by is None else [names.column(path) for path in settings.by]
    condition = None
    if settings.where is not None:
        try:
            kinds = kinds_of_records(project, settings.stage)
            kinds["answers"] = object_kind({stage: _kinds(of_stage) for stage, of_stage in features.items()})
            condition = Where.parse(settings.where, features[settings.stage], record=kinds)
        except WhereError as error:
            raise WhereError(error.what, where=f"{where}.where, {error.where}", remedy=error.remedy) from None
    return TablePlan(settings, features, names, columns, measured, left_out, by, condition)


def _check_items(project: Project, settings: Table, where: str) -> None:
    """Check that fields of items which columns name are there."""
    kinds = kinds_of_records(project, settings.stage)
    for path in (*(settings.columns or {}).values(), *settings.leave_out, *(settings.by or ())):
        names = path.split(".")
        if "item" in kinds and names[0] == "item" and missing_part(kinds, names) is not None:
            known = [f"item.{name}" for name in kinds["item"].fields or ()]
            raise StudyError(f"the items have no `{path}`; {suggestion(path, known)}", where=where)


def _measured(
    features: Mapping[str, Sequence[Feature]], chosen: Iterable[str] | None
) -> dict[str, list[Feature]]:
    """The features that a table of groups has figures of: of those it names, all that can be counted; by
    itself all but places in a text, whose mean says nothing."""
    wanted = None if chosen is None else {path.removeprefix(_ANSWERS) for path in chosen}
    return {
        stage: [
            feature
            for feature in of_stage
            if not isinstance(feature, Text | Ranking)
            and (not is_place(feature) if wanted is None else f"{stage}.{feature.name}" in wanted)
        ]
        for stage, of_stage in features.items()
    }


def _kinds(features: Sequence[Feature]) -> ValueKind:
    reasons = {feature.rationale_key: TEXT for feature in features if feature.rationale_key}
    return object_kind({**kinds_of(features), **reasons})


def check_tables(project: Project) -> Iterator[str]:
    """Look up what all tables name; a line on each. Raises as `plan_table`."""
    for name, settings in project.study.tables.items():
        plan = plan_table(project, name)
        what = (
            "a row for each record" if plan.by is None else f"a row for each {' or '.join(settings.by or [])}"
        )
        yield f"table {name}: {what} of {' -> '.join(plan.features)}"
