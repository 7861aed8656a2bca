"""What the answers about its items come to, said of the record that they are items of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldpan.chains.predictions import Predictions, Unknown
from goldpan.errors import WhereError
from goldpan.records.model import Record
from goldpan.records.skips import DECIDED, UPSTREAM, skip_code
from goldpan.stages.features import all_features_of_stage, features_of_stage
from goldpan.stages.record_kinds import kinds_of_children
from goldpan.study.load import Project
from goldpan.study.local_stage import GatherStage
from goldpan.tasks.features import prediction_of
from goldpan.tasks.where import Where


def gathered(
    project: Project, stage: str, settings: GatherStage, records: Iterator[Record]
) -> Iterator[Predictions | Unknown]:
    """What is said of each record.

    A record without items has none that a condition holds for. Where items were not answered, the others
    decide if they can: one that it holds for is enough for `any`. Else nobody knows, and it is said so.
    """
    conditions = conditions_of(project, stage, settings)
    types = {feature.name: feature.type for feature in features_of_stage(project, stage)}
    for record in records:
        children = Children(settings.input.stages[0], record.get("children", []))
        found = {name: children.holding(condition) for name, condition in conditions.items()}
        yield _said(settings, found, children, types)


def check_gathered(project: Project, stage: str, settings: GatherStage) -> None:
    """Check the conditions against what items have. Raises WhereError with the nearest name."""
    conditions_of(project, stage, settings)


def conditions_of(project: Project, stage: str, settings: GatherStage) -> dict[str, Where]:
    """Feature -> the condition over each item.

    Raises:
        WhereError: it names what items do not have, or compares what cannot be compared.
    """
    features = [feature for name in settings.input.stages for feature in all_features_of_stage(project, name)]
    kinds = kinds_of_children(project, stage)
    conditions = {}
    for name, of_feature in settings.features.items():
        try:
            conditions[name] = Where.parse(of_feature.condition, features, record=kinds)
        except WhereError as error:
            error.where = f"stages.{stage}.features.{name}: {error.where}"
            raise
    return conditions


@dataclass(frozen=True)
class Children:
    """The items of a record with their answers.

    Attributes:
        stage: the last stage that they were answered by.
        rows: as they stand under `children`.
    """

    stage: str
    rows: Sequence[Mapping[str, Any]]

    def holding(self, condition: Where) -> int:
        """How many items a condition holds for, of those that the last stage has answered."""
        return sum(
            condition.matches({**row, **row["answers"].get(self.stage, {})})
            for row in self.rows
            if row["state"] == "ok"
        )

    @property
    def unanswered(self) -> Counter[str]:
        """Items of which nobody knows what would have been answered, by their state."""
        return Counter(
            row["state"]
            for row in self.rows
            if row["state"] != "ok" and skip_code(row.get("reason")) not in DECIDED
        )


def _said(
    settings: GatherStage, found: Mapping[str, int], children: Children, types: Mapping[str, str]
) -> Predictions | Unknown:
    unanswered = children.unanswered
    said: Predictions = {}
    for name, count in found.items():
        is_any = settings.features[name].any is not None
        if is_any and (count or not unanswered):
            said[name] = prediction_of(types[name], count > 0)
        elif not is_any and not unanswered:
            said[name] = prediction_of(types[name], count)
        elif not is_any:
            # More may be: a number that is too low would look like one that is right.
            said[name] = {**prediction_of(types[name], None), "abstained": True}
    if len(said) < len(found) or all("abstained" in prediction for prediction in said.values()):
        states = ", ".join(f"{state} {number}" for state, number in sorted(unanswered.items()))
        return Unknown(
            f"{UPSTREAM}: stage {children.stage} has not answered {unanswered.total()} of"
            f" {len(children.rows)} items ({states}), and the others do not decide"
        )
    return said
