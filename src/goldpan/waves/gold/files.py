"""The folder of a gold set: three splits, one table, a data card and Croissant metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from goldpan.files import sha256_file, write_bytes, write_json
from goldpan.records.splits import SPLITS
from goldpan.tasks.features import Feature
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.gold.card import GoldDescription, Measured, gold_card
from goldpan.waves.gold.croissant import croissant
from goldpan.waves.gold.gold_set import GoldSet, write_gold_lines
from goldpan.waves.gold.table import write_gold_table
from goldpan.waves.merging.files import Show, shown_by

TABLE, CARD, CROISSANT = "gold.csv", "card.md", "croissant.json"


def write_gold(
    folder: str | Path,
    gold: GoldSet,
    features: Sequence[Feature],
    about: GoldDescription,
    agreement: AgreementReport,
    notes: Sequence[str] = (),
) -> None:
    """Write `{train,dev,test}.jsonl`, `gold.csv`, `card.md` and `croissant.json`.

    The same arguments give the same bytes; a split without items is an empty file.

    Args:
        folder: where to.
        gold: the gold set.
        features: those of the codebook.
        about: what people know about it.
        agreement: measured on the wave.
        notes: further sentences for the card's limits.
    """
    kinds = {feature.name: feature.type for feature in features}
    write_gold_folder(folder, gold, shown_by(features), kinds, about, agreement, notes)


def write_gold_folder(
    folder: str | Path,
    gold: GoldSet,
    show: Show,
    kinds: Mapping[str, str],
    about: GoldDescription,
    agreement: AgreementReport,
    notes: Sequence[str] = (),
) -> None:
    """The same for labels that no codebook describes.

    Args:
        folder, gold, about, agreement, notes: as for `write_gold`.
        show: how labels stand in cells.
        kinds: feature -> its type.
    """
    folder = Path(folder)
    for split in SPLITS:
        write_gold_lines(folder / f"{split}.jsonl", gold.split(split))
    write_gold_table(folder / TABLE, gold, show)
    data_files = {name: folder / name for name in (*(f"{split}.jsonl" for split in SPLITS), TABLE)}
    measured = Measured(
        agreement=agreement,
        files={name: sha256_file(path) for name, path in data_files.items()},
        kinds=kinds,
        notes=notes,
    )
    write_bytes(folder / CARD, gold_card(gold, about, measured, show).encode())
    write_json(folder / CROISSANT, croissant(gold, about, {**data_files, CARD: folder / CARD}, notes))
