"""The rows that an error analysis lists: made from evaluated rows, and written as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from goldpan.cells import csv_text
from goldpan.error_analysis.items import ErrorItem, ErrorItems, Listed
from goldpan.files import write_bytes
from goldpan.records.look_up import look_up
from goldpan.study.wave import ErrorList
from goldpan.visible_text import with_controls_named
from goldpan.waves.answer_text import field_text

_FIXED = ("list", "name", "feature", "model", "item_id", "id", "gold", "predicted", "score", "why")


def listed_row(
    items: ErrorItems,
    item: ErrorItem,
    list_name: ErrorList,
    score: float,
    why: str,
    *,
    name: str = "",
    show: Sequence[str] | None = None,
) -> Listed:
    """An evaluated row as a line of a list.

    Args:
        items: of which it is one.
        item: the row.
        list_name: which list.
        score: by which the list is ordered, 0 to 1.
        why: it is listed, in words.
        name: of the slice, pair or cluster.
        show: fields of the record that stand beside it; None for all.
    """
    return Listed(
        list=list_name,
        name=name,
        feature=items.feature,
        model="" if list_name == "suspects" else items.model,
        item_id=item.item_id,
        id=item.id,
        gold=item.gold,
        predicted=item.predicted,
        score=score,
        why=why,
        fields=shown_text(item.data, show),
    )


def shown_text(data: Mapping[str, Any], show: Sequence[str] | None) -> dict[str, str]:
    """Fields of a record as text to read: those of `show`, or all."""
    names = list(data) if show is None else show
    return {name: with_controls_named(field_text(look_up(data, name)[1])) for name in names}


def write_listed_rows(path: str | Path, rows: Iterable[Listed]) -> None:
    """Write the table of listed rows.

    Columns: `list, name, feature, model, item_id, id, gold, predicted, score, why`, then `field_NAME`. Cells
    that a spreadsheet would run are neutralised; the file begins with a byte order mark, so that spreadsheets
    do not guess the encoding.
    """
    rows = list(rows)
    fields = list(dict.fromkeys(name for row in rows for name in row.fields))
    write_bytes(path, csv_text(_table(rows, fields)).encode("utf-8-sig"))


def _table(rows: Sequence[Listed], fields: Sequence[str]) -> Iterator[list[str]]:
    yield [*_FIXED, *(f"field_{name}" for name in fields)]
    for row in rows:
        own = [row.list, row.name, row.feature, row.model, row.item_id, row.id, row.gold, row.predicted]
        shown = [row.fields.get(name, "") for name in fields]
        yield [*own, f"{row.score:.6g}", row.why, *shown]
