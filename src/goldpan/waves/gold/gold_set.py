"""The gold set of a wave: resolved labels with the items' fields, in splits that no group straddles.

A larger wave leaves every item in the split where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import ReconciliationError
from goldpan.files import canonical_json, of_known_keys, replacing, rows_as, sha256_hex
from goldpan.records.splits import SplitName, group_of, split_of
from goldpan.study.wave import Gold
from goldpan.waves.items import Item, without_empty
from goldpan.waves.merging.merged import BY_LLM, Merged, Resolution


@dataclass(frozen=True)
class GoldItem:
    """One row of a gold file.

    Attributes:
        item_id: its id in the wave.
        id: the record's id.
        source, file: where the record came from.
        split: `train`, `dev` or `test`.
        group: items of one group are in one split.
        stratum: the stratum it was drawn from.
        inclusion_probability: chance of the record to be in the wave; 1 / it is its weight.
        annotators: who answered any of its features.
        labels: feature -> final label, for features that were resolved; None is "cannot tell".
        soft_labels: feature -> label -> share of the annotators (posterior after `dawid_skene`).
        resolutions: feature -> how it was decided, for all features of the wave.
        data: the record itself.
        targeted: see `Item.targeted`.
    """

    item_id: str
    id: str
    source: str
    file: str
    split: SplitName
    group: str
    stratum: str
    inclusion_probability: float
    annotators: tuple[str, ...]
    labels: dict[str, Any]
    soft_labels: dict[str, dict[str, float]]
    resolutions: dict[str, str]
    data: dict[str, Any]
    targeted: str = ""

    def llm_decided(self, feature: str) -> bool:
        """Whether the LLM's answer decided this label, so that it must not be used to evaluate the LLM."""
        return self.resolutions.get(feature) in {str(resolution) for resolution in BY_LLM}

    def is_posterior(self, feature: str) -> bool:
        """Whether its soft label is a model's posterior, and not the shares of the annotators."""
        return self.resolutions.get(feature) == Resolution.DAWID_SKENE

    def is_single(self, feature: str) -> bool:
        """Whether only one annotator answered it."""
        return self.resolutions.get(feature) == Resolution.SINGLE

    def as_line(self) -> bytes:
        """The item as a line of a gold file, with its newline."""
        return orjson.dumps(self.as_json(), option=orjson.OPT_APPEND_NEWLINE)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, as earlier versions wrote it where the sample is not targeted."""
        return without_empty(asdict(self), "targeted")


@dataclass(frozen=True)
class GoldSet:
    """The frozen labels of a wave.

    Attributes:
        features: names, in the order of the codebook.
        items: items with at least one resolved label, by item id.
        left_out: ids of the items without any, sorted.
        annotators: all of the wave.
    """

    features: tuple[str, ...]
    items: tuple[GoldItem, ...]
    left_out: tuple[str, ...]
    annotators: tuple[str, ...]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of all rows in the order of their ids, as canonical JSON."""
        return sha256_hex(b"\n".join(canonical_json(item.as_json()) for item in self.items))

    @property
    def is_targeted(self) -> bool:
        """Whether it is of a targeted sample, so that nothing is weighted up to a corpus."""
        return any(item.targeted for item in self.items)

    def split(self, name: SplitName) -> list[GoldItem]:
        """The items of one split."""
        return [item for item in self.items if item.split == name]


def freeze_gold(
    items: Mapping[str, Item],
    rows: Sequence[Merged],
    gold: Gold,
    seed: int,
    annotators: Sequence[str],
) -> GoldSet:
    """The gold set of a wave.

    Args:
        items: the sample by item id.
        rows: merged answers, one row for each item and feature.
        gold: how to group and split.
        seed: of the split.
        annotators: all of the wave.

    Raises:
        StudyError: an item lacks the field of the group key.
        ReconciliationError: a row names an item that is not in the sample, or two rows say the same thing.
    """
    by_item: dict[str, dict[str, Merged]] = {item_id: {} for item_id in sorted(items)}
    for row in rows:
        if row.item_id not in by_item or row.feature in by_item[row.item_id]:
            raise ReconciliationError(
                f"`{row.feature}` of item {row.item_id} is merged twice or not in the sample",
                remedy="merge the wave again",
            )
        by_item[row.item_id][row.feature] = row
    kept = [
        _gold_item(items[item_id], merged, gold, seed)
        for item_id, merged in by_item.items()
        if any(row.resolved for row in merged.values())
    ]
    names = {item.item_id for item in kept}
    return GoldSet(
        features=tuple(dict.fromkeys(row.feature for row in rows)),
        items=tuple(kept),
        left_out=tuple(item_id for item_id in by_item if item_id not in names),
        annotators=tuple(annotators),
    )


def _gold_item(item: Item, merged: Mapping[str, Merged], gold: Gold, seed: int) -> GoldItem:
    group = group_of(vars(item), gold.group, "`gold.group` of the wave")
    answered = {name for row in merged.values() for name in row.answers}
    return GoldItem(
        item_id=item.item_id,
        id=item.id,
        source=item.source,
        file=item.file,
        split=split_of(group, gold.split, seed),
        group=group,
        stratum=item.stratum,
        inclusion_probability=item.inclusion_probability,
        annotators=tuple(sorted(answered)),
        labels={name: row.final_label for name, row in merged.items() if row.resolved},
        soft_labels={name: row.soft_label for name, row in merged.items()},
        resolutions={name: str(row.resolution) for name, row in merged.items()},
        data=item.data,
        targeted=item.targeted,
    )


def write_gold_lines(path: str | Path, items: Iterable[GoldItem]) -> None:
    """Write the items of one split, one JSON object a line."""
    with replacing(path) as handle:
        for item in items:
            handle.write(item.as_line())


def read_gold(paths: Iterable[str | Path]) -> list[GoldItem]:
    """The items of gold files, e.g. of one split or of all three.

    Raises:
        ReconciliationError: a line is not a row of a gold file.
    """
    rows = (rows_as(path, _from_row, "a row of a gold set", "make the gold set again") for path in paths)
    return list(chain.from_iterable(rows))


def lists_drawn_from(items: Iterable[GoldItem]) -> list[str]:
    """The error analyses whose lists gold items were drawn from; none unless they are a targeted sample."""
    return sorted({item.targeted for item in items} - {""})


def _from_row(row: dict[str, Any]) -> GoldItem:
    return of_known_keys(GoldItem, {**row, "annotators": tuple(row["annotators"])})
