"""The labels that a stage gave, as its summary.json counts them, with what their shares are shares of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from goldpan.batches.summary import ABSTAINED


@dataclass(frozen=True)
class StageLabels:
    """The labels of one feature.

    Attributes:
        feature: its name.
        counts: label -> records that have it, without abstentions; of a set each label counts, and the empty
            one as `(none)`. Those of a yes-or-no feature are `yes` and `no`, as in evaluations.
        abstained: records of which the feature was abstained from.
        records: of which the feature was answered, abstentions among them.
    """

    feature: str
    counts: dict[str, int]
    abstained: int
    records: int
    is_binary: bool


def stage_labels(made: Mapping[str, Any]) -> Iterator[StageLabels]:
    """The features of a summary.json that have labels."""
    for feature, counted in made["labels"].items():
        counts = {str(label): int(count) for label, count in counted.items() if label != ABSTAINED}
        is_binary = counts.keys() <= {"true", "false"}
        if is_binary:
            counts = {{"true": "yes", "false": "no"}[label]: count for label, count in counts.items()}
        abstained = int(counted.get(ABSTAINED, 0))
        records = _records(made, feature, sum(counts.values()) + abstained)
        if records:
            yield StageLabels(feature, counts, abstained, records, is_binary)


def _records(made: Mapping[str, Any], feature: str, counted: int) -> int:
    if "feature_records" in made:
        return int(made["feature_records"][feature])
    # A summary of an earlier goldpan says it only where all records have the same task.
    answered = int(made["states"].get("ok", 0))
    return answered if len(made.get("tasks") or {}) <= 1 else min(counted, answered)
