"""One label from several answers in plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.cells import restore
from goldpan.errors import SourceError
from goldpan.plain_tables.table import Layout, TableAnswers, existing, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.statistics.scales import value_text
from goldpan.study.wave import Strategy
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.collect.csv_file import read_csv_table
from goldpan.waves.merging.files import write_disagreements, write_merged
from goldpan.waves.merging.merged import FeatureAnswers, Merged
from goldpan.waves.merging.strategies import merge_feature


@dataclass(frozen=True)
class MergedFiles:
    """What merging plain tables gave.

    Attributes:
        rows: one for each item and feature.
        answers: what was merged.
    """

    rows: list[Merged]
    answers: TableAnswers

    def write(self, merged: str | Path, disagreements: str | Path | None = None) -> None:
        """Write the table of merged labels and, if named, that of what a person has to decide."""
        write_merged(merged, self.rows, _shown, self.answers.fields)
        if disagreements is not None:
            write_disagreements(disagreements, self.rows, _shown, self.answers.fields)


def merge_of_files(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    strategy: Strategy,
    decisions: str | Path | None = None,
) -> MergedFiles:
    """Merge the answers of plain tables.

    Args:
        paths, layout, values: as for `agreement_of_files`.
        strategy: how differences are resolved.
        decisions: a filled `disagreements.csv`.

    Raises:
        SourceError: a file is no such table, or decides about an item that is not there.
        StudyError: the strategy does not fit the number of annotators.
    """
    table = read_table_answers(paths, layout)
    decided = _decisions(existing(decisions), table) if decisions is not None else {}
    rows = []
    for feature, ratings in table.ratings.items():
        answers = FeatureAnswers(
            feature=feature,
            scale=values.scale_in(table, feature),
            ratings=ratings,
            annotators=tuple(table.annotators),
            items=tuple(ratings),
            llm=table.llm.get(feature, {}),
            decisions=decided.get(feature, {}),
        )
        rows += merge_feature(answers, strategy)
    return MergedFiles(rows, table)


def _shown(feature: str, value: Any) -> str:
    return CANNOT_TELL if value is None else value_text(value)


def _decisions(path: Path, answers: TableAnswers) -> dict[str, dict[str, Any]]:
    """The labels filled in on a list of disagreements: feature -> item id -> label."""
    table = read_csv_table(path)
    decided: dict[str, dict[str, Any]] = {}
    for number, cells in table.rows:
        row = dict(zip(table.header, map(restore, map(str, cells)), strict=False))
        label = row.get("final_label", "")
        if not label.strip():
            continue
        feature, item = row.get("feature", ""), row.get("item_id", "")
        if item not in answers.ratings.get(feature, {}):
            raise SourceError(
                f"there is no item `{item}` with a feature `{feature}`", where=f"{path}, row {number}"
            )
        decided.setdefault(feature, {})[item] = None if label == CANNOT_TELL else label
    return decided
