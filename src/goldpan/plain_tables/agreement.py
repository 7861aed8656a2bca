"""Agreement between the annotators of plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from goldpan.plain_tables.columns import Layout
from goldpan.plain_tables.table import TableAnswers, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.report_provenance import report_input
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.report import AgreementReport


def agreement_of_files(paths: Sequence[str | Path], layout: Layout, values: Values) -> AgreementReport:
    """Agreement between the annotators of plain tables; several files are parts of one table.

    Raises:
        SourceError: a file is no such table.
        SheetError: a label has no place in `values.order`.
    """
    report = agreement_of(read_table_answers(paths, layout, values.order or ()), values, _names(paths))
    return replace(report, inputs=tuple(report_input(Path(path)) for path in paths))


def agreement_of(table: TableAnswers, values: Values, name: str) -> AgreementReport:
    """Agreement between the annotators of a table that is called `name`.

    Raises:
        SheetError: a label has no place in `values.order`.
    """
    features = []
    for feature, ratings in table.ratings.items():
        scale = values.scale_in(table, feature)
        measured = measure(FeatureRatings(feature, scale, ratings, table.annotators_of(feature)))
        features.append(replace(measured, notes=(*table.notes_of(feature), *measured.notes)))
    return AgreementReport(f"Agreement in {name}", tuple(features), notes=tuple(table.notes))


def _names(paths: Sequence[str | Path]) -> str:
    names = [Path(path).name for path in paths]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
