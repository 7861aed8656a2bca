"""A stage whose answers another one follows: its rows, and what they hand on to the records made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import ReconciliationError
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.skips import FILTERED, UPSTREAM
from goldpan.stages.duplicates import alone
from goldpan.stages.features import KEPT
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.tasks.features import Feature, value_of
from goldpan.tasks.where import Where


@dataclass(frozen=True)
class EarlierStage:
    """A stage that another follows.

    Attributes:
        name: its name.
        records, features: its records and features files, in the same order.
        schema: its features.
        rationales: those of its answers that travel along, `FEATURE_rationale`. They stand apart from the
            answers, so that a prompt which writes all of these stays as it was.
        not_kept: of one that decides which records go on, why it leaves one out.
    """

    name: str
    records: Path
    features: Path
    schema: Sequence[Feature] = ()
    rationales: Collection[str] = field(default_factory=tuple)
    not_kept: str | None = None

    def rows(self) -> Iterator[tuple[Record, FeatureRow]]:
        """Its records, without what they share there, each with its row of features.

        Raises:
            ReconciliationError: the two files do not hold the same ids in the same order.
        """
        return with_features(map(alone, iter_records(self.records)), self.features)

    def skip_of(self, row: FeatureRow) -> str | None:
        """Why a record does not go on after this stage; None where it does."""
        if row["state"] != "ok":
            return f"{UPSTREAM}: stage {self.name} is {row['state']} for this record"
        if self.not_kept is not None and not value_of(row["features"][KEPT]):
            return f"{FILTERED}: by stage {self.name}: {self.not_kept}"
        return None

    def hand_on(self, record: Record, row: FeatureRow, without: str | None = None) -> None:
        """Put what the stage answered under `answers` of a record, and its rationales that travel along.

        Args:
            without: a feature that is left out.
        """
        predictions = row["features"]
        answers = {name: value_of(said) for name, said in predictions.items() if name != without}
        record["answers"] = {**record.get("answers", {}), self.name: answers}
        reasons = {f"{name}_rationale": said for name, said in predictions.items()}
        named = {key: said.get("rationale") for key, said in reasons.items() if key in self.rationales}
        if named:
            record["rationales"] = {**record.get("rationales", {}), self.name: named}


def skip_by_condition(where: Where) -> str:
    """Why a record does not go on that a condition does not hold for."""
    return f"{FILTERED}: not ({where.text})"


def side_by_side(stages: Sequence[EarlierStage]) -> Iterator[tuple[Record, list[FeatureRow]]]:
    """The records that several stages of one input share, with the row of each.

    Raises:
        ReconciliationError: they do not have the same records.
    """
    rows: list[Iterator[tuple[Record, FeatureRow]]] = [stage.rows() for stage in stages]
    for record, row in rows[0]:
        others = [next(other, None) for other in rows[1:]]
        for stage, other in zip(stages[1:], others, strict=True):
            if other is None or other[0]["id"] != record["id"]:
                raise _other_records(stage, record["id"], None if other is None else other[0]["id"])
        yield record, [row, *(other[1] for other in others if other)]
    for stage, iterator in zip(stages[1:], rows[1:], strict=True):
        if (more := next(iterator, None)) is not None:
            raise _other_records(stage, None, more[0]["id"])


def _other_records(stage: EarlierStage, expected: Any, there: Any) -> ReconciliationError:
    return ReconciliationError(
        f"does not have the records of the stages that it is united with: expected {expected!r}, found"
        f" {there!r}",
        where=str(stage.records),
        remedy="delete the file and run again: it is made from the earlier files, and nothing is paid again",
    )
