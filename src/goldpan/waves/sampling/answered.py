"""What the items of a wave are drawn from: the answers of a stage, or anything that has such rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from goldpan.records.read import iter_records
from goldpan.stages.rows import FeatureRow, read_features, with_features
from goldpan.stages.shown_fields import shown_fields_of


class Answered(Protocol):
    """What a sample is drawn from."""

    def rows(self, *, with_data: bool) -> Iterator[tuple[FeatureRow, dict[str, Any]]]:
        """Each record's answers with its data, which is empty unless `with_data`; the same at each call.

        With their data, rows also have the answers of earlier stages.
        """


@dataclass(frozen=True)
class StageFiles:
    """Where a sample of a stage's answers is drawn from.

    Attributes:
        features: `features.jsonl` of the stage.
        records: `records.jsonl` of the stage, with the same records in the same order.
    """

    features: Path
    records: Path

    def rows(self, *, with_data: bool) -> Iterator[tuple[FeatureRow, dict[str, Any]]]:
        """Each row of `features.jsonl` with its record's fields, which are left out unless `with_data`."""
        if with_data:
            for record, row in with_features(iter_records(self.records), self.features):
                if "answers" in record:
                    row["answers"] = record["answers"]
                yield row, shown_fields_of(record)
        else:
            yield from ((row, {}) for _, row in read_features(self.features))
