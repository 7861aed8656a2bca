"""`gold.csv`: the gold set as one table."""

from __future__ import annotations

from pathlib import Path

import orjson

from goldpan.cells import csv_text
from goldpan.files import write_bytes
from goldpan.waves.answer_text import field_text
from goldpan.waves.gold.gold_set import GoldItem, GoldSet
from goldpan.waves.merging.files import Show

_FIXED = (
    "item_id",
    "id",
    "source",
    "file",
    "split",
    "group",
    "stratum",
    "inclusion_probability",
    "annotators",
)


def write_gold_table(path: str | Path, gold: GoldSet, show: Show) -> None:
    """Write `gold.csv`, a row for each item.

    Columns: `item_id, id, source, file, split, group, stratum, inclusion_probability, annotators` (of a
    targeted sample also `targeted`, the error analysis that had listed the record); for each
    feature `label.NAME` (empty where unresolved), `soft_label.NAME` (JSON) and `resolution.NAME`; for each
    field of the records `data.NAME`. Cells that a spreadsheet would run are neutralised.

    Args:
        path: where to.
        gold: the gold set.
        show: how labels stand in cells.
    """
    fields = list(dict.fromkeys(name for item in gold.items for name in item.data))
    header = [
        *_FIXED,
        *(["targeted"] if gold.is_targeted else ()),
        *(f"{kind}.{name}" for name in gold.features for kind in ("label", "soft_label", "resolution")),
        *(f"data.{name}" for name in fields),
    ]
    table = [header]
    for item in gold.items:
        cells = [*_fixed(item), *([item.targeted] if gold.is_targeted else ())]
        for name in gold.features:
            cells.append(show(name, item.labels[name]) if name in item.labels else "")
            cells.append(orjson.dumps(item.soft_labels.get(name, {})).decode())
            cells.append(item.resolutions.get(name, ""))
        cells += [field_text(item.data.get(name)) for name in fields]
        table.append(cells)
    write_bytes(path, csv_text(table).encode())


def _fixed(item: GoldItem) -> list[str]:
    probability = f"{item.inclusion_probability:.12g}"
    names = "; ".join(item.annotators)
    return [
        item.item_id,
        item.id,
        item.source,
        item.file,
        item.split,
        item.group,
        item.stratum,
        probability,
        names,
    ]
