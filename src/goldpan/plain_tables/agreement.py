"""Agreement between the annotators of plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from goldpan.errors import SheetError
from goldpan.plain_tables.columns import Layout, column_named
from goldpan.plain_tables.notes import few
from goldpan.plain_tables.table import TableAnswers, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.report_provenance import report_input
from goldpan.statistics.scales import Scale, is_number
from goldpan.tasks.nearest import suggestion
from goldpan.visible_text import printable, with_code_points
from goldpan.waves.agreement.item_groups import ItemGroups
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.report import AgreementReport


def agreement_of_files(
    paths: Sequence[str | Path], layout: Layout, values: Values, group: str | None = None
) -> AgreementReport:
    """Agreement between the annotators of plain tables; several files are parts of one table.

    Args:
        paths: the tables.
        layout: which columns hold what.
        values: what kind they are.
        group: a column, by name or number; items with one value there are drawn together.

    Raises:
        SourceError: a file is no such table, or has no such column.
        SheetError: a label has no place in the order.
    """
    table = read_table_answers(paths, layout, values.order or ())
    report = agreement_of(table, values, _names(paths), group)
    return replace(report, inputs=tuple(report_input(Path(path)) for path in paths))


def agreement_of(table: TableAnswers, values: Values, name: str, group: str | None = None) -> AgreementReport:
    """Agreement between the annotators of a table that is called `name`; `group` as above.

    Raises:
        SourceError: there is no such column.
        SheetError: a label has no place in the order.
    """
    features, groups = [], None if group is None else _groups(table, name, group)
    for feature, ratings in table.ratings.items():
        scale = values.scale_in(table, feature)
        _check_order(table, feature, scale)
        annotators = table.annotators_of(feature)
        measured = measure(FeatureRatings(feature, scale, ratings, annotators, groups=groups))
        features.append(replace(measured, notes=(*table.notes_of(feature), *measured.notes)))
    return AgreementReport(f"Agreement in {name}", tuple(features), notes=tuple(table.notes))


def _groups(table: TableAnswers, name: str, column: str) -> ItemGroups:
    """The items by what stands in a column; one with an empty cell stands for itself."""
    columns = list(dict.fromkeys(known for fields in table.fields.values() for known in fields))
    column = column_named(Path(name), columns, column)
    cells = {item: fields.get(column, "").strip() for item, fields in table.fields.items()}
    return ItemGroups(
        column, {item: f"group {cell}" if cell else f"item {item}" for item, cell in cells.items()}
    )


def _check_order(table: TableAnswers, feature: str, scale: Scale) -> None:
    """Raise SheetError where an annotator's label has no place in the order, with its row."""
    if scale.kind != "ordered":
        return
    order = scale.labels or ()
    first: dict[str, tuple[str, str]] = {}
    for (of, cell), place in table.places.items():
        label = table.labels[feature].of_cell.get(cell) if of == feature else None
        if label is not None and label not in order:
            first.setdefault(label, place)
    if all(map(is_number, {*order, *first})):
        return
    strange = [label for label in first if order or not is_number(label)]
    if not strange:
        return
    places = [
        f"`{with_code_points(label)}` ({first[label][0]}, annotator `{first[label][1]}`)" for label in strange
    ]
    meant = f"; {suggestion(strange[0], order)}" if order else ""
    raise SheetError(
        f"these have no place in the order of the labels of `{feature}`: {few(places)}",
        remedy=f"give all labels to `--order`, the lowest first, or correct the cell{meant}",
    )


def _names(paths: Sequence[str | Path]) -> str:
    names = [printable(Path(path).name) for path in paths]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
