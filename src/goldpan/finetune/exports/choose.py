"""The second pass of an export: which candidates are exported, and in which split.

The hash of its group puts a row into a split, so that rows which are added move none. Gold keeps its split,
and takes along what is of its group.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from goldpan.errors import StudyError
from goldpan.finetune.exports.candidates import ExportCandidate, GatheredRows
from goldpan.finetune.exports.labels import Reason
from goldpan.records.draw import RANK_RANGE, rank
from goldpan.records.near_duplicates import NearDuplicate, Shingled, named_near_duplicates, near_duplicates
from goldpan.study.export import Export, ExportSplit, Negatives

SPLITS = ("train", "valid", "test")
HELD_OUT = {"train": 0, "valid": 1, "test": 2}
"""How far a split is held out: nothing of one with a larger number may stand in one with a smaller."""
OF_GOLD = {"train": "train", "dev": "valid", "test": "test"}
"""Split of a gold set -> that of the export."""
_ROUNDING = 1e-9
_NAMED = 5


@dataclass
class ExportChoice:
    """What is exported.

    Attributes:
        splits: id -> split, of all candidates that have one.
        left_out: id -> why it is not exported after all.
        near: the near-duplicates that were left out, with those that they are like.
        negatives: split -> how many negatives there were before the draw.
        conflicts: groups with gold in several splits.
    """

    splits: dict[str, str]
    left_out: dict[str, Reason] = field(default_factory=dict)
    near: list[NearDuplicate] = field(default_factory=list)
    negatives: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)

    def chosen(self, candidates: Iterable[ExportCandidate]) -> list[ExportCandidate]:
        """Those of some candidates that are exported, in their order."""
        return [one for one in candidates if one.id not in self.left_out]

    def leave_out(self, id: str, code: str, why: str) -> None:
        """Leave out a candidate."""
        self.left_out[id] = Reason(code, why)


def choose(gathered: GatheredRows, settings: Export, where: str, *, is_trial: bool) -> ExportChoice:
    """Put the candidates into splits, and leave out what must not or need not be there.

    Args:
        where: the place of the export in the study, for errors.
        is_trial: only some of the rows were read.

    Raises:
        StudyError: all rows are of one group, so that they cannot be split; a group has gold in several
            splits; or rows of different splits say nearly the same; and these are refused.
    """
    candidates = gathered.candidates
    placed, conflicts = _splits_of_groups(gathered, settings, where)
    choice = ExportChoice({one.id: placed[one.group] for one in candidates}, conflicts=conflicts)
    groups = {one.group for one in candidates}
    shares = (settings.split.train, settings.split.valid, settings.split.test)
    if len(groups) == 1 < len(candidates) and sum(share > 0 for share in shares) > 1 and not is_trial:
        raise StudyError(
            f"all {len(candidates):,} rows are of one group, {groups.pop()!r}, which is in one split",
            where=f"{where}.group",
            remedy="say what makes a group: `group: data.FIELD`, or `group: id` where no two rows have"
            " anything to do with each other; or give one split the share 1",
        )
    for one in candidates:
        if one.gold_split is not None and OF_GOLD[one.gold_split] != choice.splits[one.id]:
            choice.leave_out(
                one.id,
                "gold_conflict",
                f"its gold is in {one.gold_split}, and other gold of its group is held out more",
            )
    if settings.near_duplicates == "leave_out":
        _leave_near_duplicates_out(choice, candidates)
    if settings.negatives is not None:
        _draw_negatives(choice, choice.chosen(candidates), settings.negatives, settings.seed)
    if settings.near_duplicates == "refuse":
        _refuse_near_duplicates(choice, choice.chosen(candidates), where)
    return choice


def split_of_group(group: str, shares: ExportSplit, seed: int) -> str:
    """The split of a group without gold, by the hash of its name and the seed."""
    place = rank(seed, "export split", group) / RANK_RANGE
    if place < shares.train:
        return "train"
    return "valid" if place < shares.train + shares.valid else "test"


def _splits_of_groups(
    gathered: GatheredRows, settings: Export, where: str
) -> tuple[dict[str, str], list[str]]:
    conflicts = {group: gold for group, gold in gathered.gold_splits.items() if len(gold) > 1}
    if conflicts and settings.gold_conflicts == "refuse":
        raise StudyError(
            f"{len(conflicts):,} groups have gold in several splits: {_named_conflicts(conflicts)}",
            where=f"{where}.gold_conflicts",
            remedy="group the gold of the wave as the export is (`gold.group` of the wave), or the export as"
            " the gold is (`group`); or write `gold_conflicts: leave_out`: each such group then goes where it"
            " is held out most, and its other gold is left out",
        )
    placed = {}
    for group in {*(one.group for one in gathered.candidates), *gathered.gold_splits}:
        gold = [OF_GOLD[split] for split in gathered.gold_splits.get(group, ())]
        placed[group] = (
            max(gold, key=HELD_OUT.__getitem__)
            if gold
            else split_of_group(group, settings.split, settings.seed)
        )
    return placed, sorted(conflicts)


def _named_conflicts(conflicts: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    named = [
        f"{group!r} ({', '.join(f'`{ids[0]}` in {split}' for split, ids in sorted(gold.items()))})"
        for group, gold in sorted(conflicts.items())[:_NAMED]
    ]
    more = f" and {len(conflicts) - _NAMED:,} more" if len(conflicts) > _NAMED else ""
    return ", ".join(named) + more


def _pairs(choice: ExportChoice, candidates: Iterable[ExportCandidate]) -> list[NearDuplicate]:
    rows = (Shingled(one.id, choice.splits[one.id], one.shingles) for one in candidates)
    return near_duplicates(rows, HELD_OUT)


def _refuse_near_duplicates(choice: ExportChoice, candidates: Sequence[ExportCandidate], where: str) -> None:
    if near := _pairs(choice, candidates):
        raise StudyError(
            f"{len(near):,} rows say nearly what rows of a split say that is held out more:"
            f" {named_near_duplicates(near)}",
            where=f"{where}.near_duplicates",
            remedy="keep alike rows in one split (`group`), take them out, or leave them out of what is"
            " learned from: `near_duplicates: leave_out`",
        )


def _leave_near_duplicates_out(choice: ExportChoice, candidates: Sequence[ExportCandidate]) -> None:
    """Leave out rows until none says what a row of a split says that is held out more: of two that of the
    stage beside gold, else that which is held out less."""
    gold = {one.id for one in candidates if one.gold_split is not None}
    # A row may be like several others, of which one is told at a time.
    while near := _pairs(choice, choice.chosen(candidates)):
        for pair in near:
            is_kept = pair.id in gold and pair.other_id not in gold
            gone, stays = (pair.other_id, pair.id) if is_kept else (pair.id, pair.other_id)
            if gone not in choice.left_out and stays not in choice.left_out:
                why = f"says what `{stays}` of {choice.splits[stays]} says ({pair.similarity:.0%})"
                choice.leave_out(gone, "near_duplicate", why)
                choice.near.append(pair)


def _draw_negatives(
    choice: ExportChoice, candidates: Sequence[ExportCandidate], settings: Negatives, seed: int
) -> None:
    """Leave out negatives beyond the ratio, in each split: gold is kept before others, then the hash of the
    id decides."""
    by_split: dict[str, list[ExportCandidate]] = defaultdict(list)
    positives: Counter[str] = Counter()
    for one in candidates:
        split = choice.splits[one.id]
        if one.is_negative:
            by_split[split].append(one)
        else:
            positives[split] += 1
    for split, negatives in by_split.items():
        choice.negatives[split] = len(negatives)
        most = math.floor(settings.ratio * positives[split] + _ROUNDING)
        negatives.sort(
            key=lambda one: (one.gold_split is None, rank(seed, "export negative", one.id), one.id)
        )
        for one in negatives[most:]:
            choice.leave_out(
                one.id, "negative_not_drawn", f"{most:,} of {len(negatives):,} negatives are taken"
            )
