"""What is told of artifacts that are files of rows: counts and days, in the form of an artifact's JSON."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.cells import restore
from goldpan.errors import GoldpanError
from goldpan.records.splits import SPLITS
from goldpan.report.artifacts import Artifact
from goldpan.report_provenance import days
from goldpan.statistics.sampling_design import Drawn, design_of, unused_strata
from goldpan.study import Project
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.gold.gold_set import GoldItem, read_gold
from goldpan.waves.merging.merged import UNRESOLVED, Resolution

_LABELS = ("nominal", "ordered", "sets")
"""Kinds of answers that are labels, or sets of them; texts and rankings are not."""
_MOST_LABELS = 50


def answer_days(project: Project, stage: str) -> Artifact:
    """When a stage was answered: `first` and `last` in Unix seconds, and `days` (UTC), of its features.

    All are None where no row has a time, as those of an earlier goldpan.
    """
    from goldpan.stages.rows import read_features

    path = project.paths.features(stage)
    if not (project.root / path).exists():
        return Artifact(path, None)
    first: int | None = None
    last: int | None = None
    try:
        for _, row in read_features(project.root / path):
            answered = row.get("answered_at")
            if answered:
                first = answered if first is None else min(first, answered)
                last = answered if last is None else max(last, answered)
    except GoldpanError as error:
        return Artifact(path, None, damage=str(error))
    times = None if first is None or last is None else (first, last)
    return Artifact(path, {"first": first, "last": last, "days": days(times)})


def gold_counts(project: Project, wave: str, kinds: Mapping[str, str], sample: Artifact) -> Artifact:
    """What a gold set holds.

    Args:
        kinds: feature -> how its values compare, as the agreement of the wave says it; only answers that are
            labels are counted.
        sample: of the wave: how many items it has of each stratum, with a label or without.

    Returns:
        `items`; by split `items` and `groups`; by feature its `labels` with `items`, the `share` of those
        that have an answer, the same `weighted` as an evaluation weights them (`design_of`), and items by
        split, where it has no more than 50 (`weighted` is null in a targeted sample, and where a stratum has
        no item with an answer, as nothing speaks for it); and the least and largest inclusion probability.
    """
    folder = project.paths.gold(wave, "")
    files = [project.root / path for path in project.paths.gold_splits(wave)]
    if not all(file.exists() for file in files):
        return Artifact(folder, None)
    try:
        items = read_gold(files)
    except GoldpanError as error:
        return Artifact(folder, None, damage=str(error))
    features = list(dict.fromkeys(name for item in items for name in item.resolutions))
    drawn = _drawn(sample, items)
    probabilities = [item.inclusion_probability for item in items]
    made = {
        "items": len(items),
        "splits": {split: _split_counts(items, split) for split in SPLITS},
        "labels": {
            feature: _label_counts(items, feature, drawn)
            for feature in features
            if kinds.get(feature) in _LABELS
        },
        "least_inclusion_probability": min(probabilities, default=None),
        "largest_inclusion_probability": max(probabilities, default=None),
    }
    return Artifact(folder, made)


def merged_counts(project: Project, wave: str) -> Artifact:
    """How the answers of a wave became labels, all its items counted: also those of which nothing is decided.

    Returns:
        feature -> resolution -> items, in the order of `Resolution`, so that those of a feature add up to the
        items of the wave.
    """
    path = project.paths.merged(wave)
    if not (project.root / path).exists():
        return Artifact(path, None)
    counts: dict[str, Counter[str]] = {}
    try:
        with (project.root / path).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                counts.setdefault(restore(row["feature"]), Counter())[Resolution(row["resolution"])] += 1
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, AttributeError) as error:
        return Artifact(path, None, damage=f"it is no table of merged answers ({error})")
    made = {
        feature: {str(name): of_feature[name] for name in Resolution if of_feature[name]}
        for feature, of_feature in counts.items()
    }
    return Artifact(path, made)


def open_counts(project: Project, wave: str) -> Artifact:
    """How many answers of a wave a person has yet to decide (`to_decide`): the rows of its disagreements."""
    merged, path = merged_counts(project, wave), project.paths.disagreements(wave)
    if merged.made is None:
        return Artifact(path, None, damage=merged.damage)
    open_names = [str(name) for name in UNRESOLVED - {Resolution.UNANSWERED}]
    return Artifact(
        path,
        {"to_decide": sum(of.get(name, 0) for of in merged.made.values() for name in open_names)},
    )


def _split_counts(items: Sequence[GoldItem], split: str) -> dict[str, int]:
    own = [item for item in items if item.split == split]
    return {"items": len(own), "groups": len({item.group for item in own})}


@dataclass(frozen=True)
class _Drawn:
    """An item of a sample, of which the design has to know no more."""

    stratum: str
    inclusion_probability: float


def _drawn(sample: Artifact, items: Sequence[GoldItem]) -> list[Drawn]:
    """All items of a sample; where it is not known, those with a label."""
    strata = (sample.made or {}).get("strata") or []
    drawn = [
        _Drawn(stratum["stratum"], stratum["inclusion_probability"])
        for stratum in strata
        for _ in range(stratum["sampled"])
    ]
    known = {item.stratum for item in drawn}
    return [*drawn, *(item for item in items if item.stratum not in known)]


def _label_counts(
    items: Sequence[GoldItem], feature: str, drawn: Sequence[Drawn]
) -> dict[str, dict[str, Any]]:
    """Of each label; those of a set are counted one by one, so that shares may add up to more than 1."""
    answered = [(item, _labels(item.labels[feature])) for item in items if feature in item.labels]
    counts = Counter(label for _, labels in answered for label in labels)
    is_extraction = any(
        isinstance(part, dict) for item, _ in answered for part in _parts(item.labels[feature])
    )
    if len(counts) > _MOST_LABELS or is_extraction:
        return {}
    used = [item for item, _ in answered]
    # A targeted sample stands for nothing but itself.
    is_weighted = not any(item.targeted for item in used) and not unused_strata(drawn, used)
    weights = design_of(drawn, used).weights / len(used) if is_weighted else None
    return {
        label: _label_count(used, np.array([label in labels for _, labels in answered]), weights)
        for label, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    }


def _label_count(answered: Sequence[GoldItem], has: np.ndarray, weights: np.ndarray | None) -> dict[str, Any]:
    by_split = Counter(item.split for item, has_it in zip(answered, has, strict=True) if has_it)
    return {
        "items": int(has.sum()),
        "share": float(has.mean()),
        "weighted": None if weights is None else float(weights[has].sum()),
        **{split: by_split[split] for split in SPLITS},
    }


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _labels(value: Any) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(label, str) for label in value):
        return list(dict.fromkeys(value))
    return [counted_value(value)]


def counted_value(value: Any) -> str:
    """A label as people read it, and as evaluations write it."""
    match value:
        case None:
            return CANNOT_TELL
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case []:
            return "(none)"
    return str(value)
