"""Agreement between the annotators of plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from goldpan.plain_tables.table import Layout, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.report import AgreementReport


def agreement_of_files(paths: Sequence[str | Path], layout: Layout, values: Values) -> AgreementReport:
    """Agreement between the annotators of plain tables; several files are parts of one table.

    Raises:
        SourceError: a file is no such table.
        SheetError: a label has no place in `values.order`.
    """
    table = read_table_answers(paths, layout)
    features = [
        measure(FeatureRatings(feature, values.scale_in(table, feature), ratings, tuple(table.annotators)))
        for feature, ratings in table.ratings.items()
    ]
    return AgreementReport(f"Agreement in {_names(paths)}", tuple(features))


def _names(paths: Sequence[str | Path]) -> str:
    names = [Path(path).name for path in paths]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
