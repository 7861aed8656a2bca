"""A sheet with its merged labels beside it: all its rows and columns, and the columns about the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from goldpan.cells import csv_text
from goldpan.errors import SourceError
from goldpan.files import write_bytes
from goldpan.plain_tables.columns import OWN_COLUMNS, own_columns
from goldpan.plain_tables.outputs import is_json_lines
from goldpan.plain_tables.table import TableAnswers
from goldpan.statistics.scales import is_number, value_text
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.merging.files import write_merged
from goldpan.waves.merging.merged import Merged

_ONE_OR_ZERO = {True: "1", False: "0", None: ""}


def write_merged_table(
    path: str | Path, rows: Sequence[Merged], answers: TableAnswers, strategies: Mapping[str, str]
) -> None:
    """Write merged labels as CSV, or as JSON Lines where the name says so.

    A wide table comes back as it was (from JSON Lines to JSON Lines with the types of its values), with its
    rows in their order and, for each feature, the columns `final_label, resolution, annotator_agreement,
    llm_decided, soft_label, strategy`; truth is 1 or 0, and so are labels that are words for yes and no. Of a
    long table there is a row for each item and feature, as `merged.csv` of a wave has them.

    Args:
        path: where to.
        rows: merged rows.
        answers: what was merged.
        strategies: feature -> the strategy that was used.

    Raises:
        SourceError: the sheet has a column of such a name already.
    """
    as_json = is_json_lines(path)
    if answers.header:
        header, added, table = _beside(rows, answers, strategies)
        if as_json:
            lines = []
            for item, row in table.items():
                # The sheet's own values come back with their types.
                typed_row = answers.values.get(item) or {name: row.get(name, "") for name in header}
                lines.append({**typed_row, **{name: _json_cell(name, row.get(name, "")) for name in added}})
            _write_lines(path, lines)
        else:
            _write_csv(path, [*header, *added], table.values())
    elif as_json:
        _write_lines(path, _alone(rows, answers))
    else:
        write_merged(path, rows, shown_label, answers.fields)


def shown_label(feature: str, value: Any) -> str:
    """A label as it stands in a cell."""
    return CANNOT_TELL if value is None else value_text(value)


def json_label(label: str | None) -> Any:
    """A label as JSON has it: a number where it is one; None is an abstention."""
    if label is None or not is_number(label):
        return label
    number = float(label)
    return int(number) if number.is_integer() else number


def _beside(
    rows: Sequence[Merged], answers: TableAnswers, strategies: Mapping[str, str]
) -> tuple[list[str], list[str], dict[str, dict[str, Any]]]:
    """The sheet's header, the columns about its labels, and item id -> row with both."""
    features = list(answers.ratings)
    own = {feature: own_columns(features, feature) for feature in features}
    added = [name for columns in own.values() for name in columns.values()]
    if taken := next((name for name in added if name in answers.header), None):
        raise SourceError(
            f"the sheet has a column `{taken}` already, where the merged labels are to stand",
            remedy="rename that column of the sheet",
        )
    beside = {item: dict(row) for item, row in answers.rows.items()}
    for row in rows:
        labels = answers.labels[row.feature]
        cells: dict[str, Any] = {
            "final_label": _final(row, labels.written),
            "resolution": str(row.resolution),
            "annotator_agreement": _ONE_OR_ZERO[row.annotator_agreement],
            "llm_decided": _ONE_OR_ZERO[row.llm_decided],
            "soft_label": {labels.written(label): share for label, share in row.soft_label.items()},
            "strategy": strategies[row.feature],
        }
        columns = own[row.feature]
        beside[row.item_id].update({columns[kind]: cell for kind, cell in cells.items()})
    return answers.header, added, beside


def _alone(rows: Sequence[Merged], answers: TableAnswers) -> list[dict[str, Any]]:
    """A row for each item and feature, with the item's other columns, as JSON has them."""
    table = [
        {
            **_typed_fields(answers, row.item_id),
            "item_id": row.item_id,
            "feature": row.feature,
            "final_label": _final(row, lambda label: label),
            "resolution": str(row.resolution),
            "annotator_agreement": _ONE_OR_ZERO[row.annotator_agreement],
            "llm_decided": _ONE_OR_ZERO[row.llm_decided],
            "soft_label": row.soft_label,
            **{f"annotator_{name}": shown_label(row.feature, value) for name, value in row.answers.items()},
        }
        for row in rows
    ]
    names = dict.fromkeys(name for row in table for name in row)
    return [
        {
            name: _json_cell(name, row.get(name, "")) if name in OWN_COLUMNS else row.get(name, "")
            for name in names
        }
        for row in table
    ]


def _typed_fields(answers: TableAnswers, item: str) -> dict[str, Any]:
    values = answers.values.get(item, {})
    return {name: values.get(name, cell) for name, cell in answers.fields[item].items()}


def _final(row: Merged, written: Any) -> str:
    if not row.resolved:
        return ""
    return CANNOT_TELL if row.final_label is None else written(row.final_label)


def _write_lines(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_bytes(path, b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def _write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    cells = ([_csv_cell(row.get(name, "")) for name in header] for row in rows)
    write_bytes(path, csv_text([header, *cells]).encode())


def _csv_cell(cell: Any) -> str:
    return cell if isinstance(cell, str) else orjson.dumps(cell).decode()


def _json_cell(name: str, cell: Any) -> Any:
    """A cell of our columns: numbers, objects, or null for nothing."""
    if name.startswith(("final_label", "annotator_agreement", "llm_decided")):
        return json_label(cell) if cell else None
    return cell
