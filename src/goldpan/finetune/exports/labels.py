"""What a row's answer is made of: gold labels where there are some, else the stage's answers, and never a
failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from goldpan.stages.rows import FeatureRow
from goldpan.tasks.features import Feature, value_of
from goldpan.waves.gold.gold_set import GoldItem

Origin = Literal["gold", "stage"]

NOT_RESOLVED = "gold_not_resolved"
CANNOT_TELL = "gold_cannot_tell"
NOT_IN_GOLD = "not_in_gold"
NO_RATIONALE = "no_rationale"


class Reason(NamedTuple):
    """Why a row is left out: a code that is counted, and what it is of this row."""

    code: str
    text: str


@dataclass(frozen=True)
class RowLabels:
    """The values of a row's answer.

    Attributes:
        values: feature -> value.
        rationales: feature -> reason, where the answer has one.
        origins: feature -> where its value comes from.
        by_llm: features whose gold label an LLM's answer decided.
    """

    values: dict[str, Any] = field(default_factory=dict)
    rationales: dict[str, str] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    by_llm: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """`gold`, `stage`, or `gold+stage`."""
        return "+".join(sorted(set(self.origins.values())))


def row_labels(
    features: Sequence[Feature], row: FeatureRow | None, item: GoldItem | None
) -> RowLabels | Reason:
    """The labels of a row, or why it has none that may be learned from.

    Gold wins. Where people could not decide, nothing else decides for them. A rationale is the stage's, and
    only that of a value which is the stage's, too.

    Args:
        features: of the answer.
        row: what the stage answered; None where it is not exported.
        item: the gold of the record, if there is some.
    """
    labels = RowLabels(
        by_llm=tuple(f.name for f in features if item is not None and item.llm_decided(f.name))
    )
    for feature in features:
        name = feature.name
        prediction = None if row is None or row["state"] != "ok" else row["features"].get(name)
        if item is not None and name in item.labels:
            value = item.labels[name]
            if value is None and not feature.abstain:
                return Reason(
                    CANNOT_TELL, f"`{name}`: people could not tell, and the task has no word for it"
                )
            labels.origins[name] = "gold"
        elif item is not None and name in item.resolutions:
            return Reason(NOT_RESOLVED, f"`{name}`: {item.resolutions[name]}")
        elif prediction is not None:
            value = value_of(prediction)
            labels.origins[name] = "stage"
        else:
            return _why_none(name, row)
        labels.values[name] = value
        if feature.rationale:
            if (reason := _rationale(prediction, value)) is None:
                return Reason(NO_RATIONALE, f"`{name}`: nobody gave a reason for this value")
            labels.rationales[name] = reason
    return labels


def _rationale(prediction: Mapping[str, Any] | None, value: Any) -> str | None:
    if prediction is None or value_of(dict(prediction)) != value:
        return None
    return prediction.get("rationale")


def _why_none(feature: str, row: FeatureRow | None) -> Reason:
    if row is None:
        return Reason(NOT_IN_GOLD, f"the gold set has no `{feature}` of this record")
    if row["state"] != "ok":
        return Reason(row["state"], row.get("reason") or "")
    return Reason("not_answered", f"the stage was not asked for `{feature}` of this record")
