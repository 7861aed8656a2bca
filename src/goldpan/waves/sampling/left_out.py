"""Records that were left out before anybody was asked about them, with the values a wave takes them for.

A filter, a `where` or an explosion without items ends the way of a record: what follows says nothing about
it, and so the chain says of it what the wave's `left_out` says. Records that failed, were refused or answered
badly are none of these: nobody knows what the chain would have said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from goldpan.records.skips import skip_code
from goldpan.stages.rows import FeatureRow
from goldpan.waves.sampling.answered import Answered

_SKIPPED = "skipped"


@dataclass(frozen=True)
class LeftOutValues:
    """What records stand for that were left out.

    Attributes:
        predictions: code of the skip -> feature -> prediction, as it would stand in features.jsonl.
    """

    predictions: Mapping[str, Mapping[str, dict[str, Any]]]

    def completed(self, row: FeatureRow) -> FeatureRow:
        """The row with the values it stands for, if it was left out for one of the reasons; else as it is.

        Its state stays `skipped`: nobody has answered.
        """
        if row["state"] != _SKIPPED:
            return row
        predictions = self.predictions.get(skip_code(row.get("reason")))
        return row if predictions is None else cast(FeatureRow, {**row, "features": dict(predictions)})


@dataclass(frozen=True)
class AnsweredOrLeftOut:
    """What a sample is drawn from that also holds records that were left out."""

    answered: Answered
    values: LeftOutValues

    def rows(self, *, with_data: bool) -> Iterator[tuple[FeatureRow, dict[str, Any]]]:
        """Each record's answers, or what it stands for, with its data, which is empty unless `with_data`."""
        for row, data in self.answered.rows(with_data=with_data):
            yield self.values.completed(row), data


def left_out_code(row: FeatureRow) -> str | None:
    """The code of the skip of a row that has the values it stands for; None for all others."""
    return skip_code(row.get("reason")) if row["state"] == _SKIPPED and row["features"] else None
