"""A gold set from a plain table that `merge` has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import SourceError
from goldpan.files import sha256_file
from goldpan.plain_tables.agreement import agreement_of
from goldpan.plain_tables.columns import Layout, column_named
from goldpan.plain_tables.merged_sheet import shown_label
from goldpan.plain_tables.merged_table import MergedTable, merged_rows, read_merged_table
from goldpan.plain_tables.sheet import existing
from goldpan.plain_tables.values import Values
from goldpan.study.wave import Gold, Split
from goldpan.waves.gold.card import GoldDescription
from goldpan.waves.gold.files import write_gold_folder
from goldpan.waves.gold.gold_set import GoldSet, freeze_gold
from goldpan.waves.items import Item
from goldpan.waves.merging.wave import awaiting_notes

_NOT_STATED = "not stated"


@dataclass(frozen=True)
class GoldSettings:
    """How a gold set is made of a table.

    Attributes:
        group: column of which items with one value stay in one split; None for each item alone.
        split: shares of the splits.
        seed: of the split.
        description: one paragraph for the card.
    """

    group: str | None = None
    split: Split = field(default_factory=Split)
    seed: int = 0
    description: str = ""


def gold_of_files(
    paths: Sequence[str | Path], layout: Layout, values: Values, settings: GoldSettings, folder: str | Path
) -> tuple[GoldSet, list[str]]:
    """Write the gold set of merged tables: JSON Lines for each split, a CSV, a card and metadata.

    A label that a person has filled in where `merge` left none, or in place of the one that `merge` wrote,
    counts as adjudicated. Labels that are words for yes and no become 1 and 0, and numbers are numbers.

    Args:
        paths: what `merge` has written; several files are parts of one table.
        layout, values: as for `agreement_of_files`.
        settings: how items are split.
        folder: where to.

    Returns:
        The gold set, and what its maker must know: labels that were set by hand, or that there are none.

    Raises:
        SourceError: a file is no merged table, or its labels and resolutions contradict each other.
        StudyError: an item lacks the column that groups items.
    """
    files = [existing(path) for path in paths]
    table = read_merged_table(files, layout, values)
    rows, warnings = merged_rows(table)
    group = None
    if settings.group is not None:
        known = list(dict.fromkeys(name for data in table.data.values() for name in data))
        group = f"data.{column_named(files[0], known, settings.group)}"
    rules = Gold(group=group, split=settings.split)
    items, notes = _items(table)
    answering = {name for feature in table.answers.ratings for name in table.answers.annotators_of(feature)}
    annotators = [name for name in table.answers.annotators if name in answering]
    gold = freeze_gold(items, rows, rules, settings.seed, annotators)
    if not gold.items:
        warnings.append("no item has a label, so the gold set is empty; decide the items, and merge again")
    strategies = {cells["strategy"] for cells in table.cells.values() if cells.get("strategy")}
    about = GoldDescription(
        study="table",
        wave=files[0].stem,
        description=settings.description,
        strategy=", ".join(sorted(strategies)) or "as each resolution says",
        codebook_hash=_NOT_STATED,
        task_hash=_NOT_STATED,
    )
    notes += [f"Made of {file.name}, SHA-256 {sha256_file(file)}." for file in files]
    report = agreement_of(table.answers, values, files[0].name, settings.group)
    kinds = dict.fromkeys(gold.features, "classification")
    write_gold_folder(
        folder, gold, shown_label, kinds, about, report, [*warnings, *notes, *awaiting_notes(rows)]
    )
    return gold, warnings


def _items(table: MergedTable) -> tuple[dict[str, Item], list[str]]:
    """The items as those of a wave, and what the table does not say about them."""
    drawn = all("inclusion_probability" in data for data in table.data.values())
    items = {}
    for place, (item, data) in enumerate(table.data.items(), 1):
        items[item] = Item(
            item_id=item,
            repeat_id="",
            id=item,
            source=Path(table.answers.files[item]).stem,
            file=table.answers.files[item],
            stratum=str(data.get("stratum", "")),
            inclusion_probability=_probability(data, item) if drawn else 1.0,
            draw=place,
            annotators=tuple(table.answers.annotators),
            repeated_by=(),
            data=data,
        )
    note = (
        "The table says nothing of how its rows were drawn, so each counts alike (inclusion probability 1)."
    )
    return items, [] if drawn else [note]


def _probability(data: Mapping[str, Any], item: str) -> float:
    try:
        # A spreadsheet of a country with decimal commas writes 0,25.
        chance = float(str(data["inclusion_probability"]).replace(",", "."))
    except ValueError:
        chance = 0.0
    if not 0 < chance <= 1:
        raise SourceError(
            f"`inclusion_probability` of item `{item}` is not above 0 and up to 1: "
            f"{data['inclusion_probability']!r}",
            remedy="correct it, or rename the column",
        )
    return chance
