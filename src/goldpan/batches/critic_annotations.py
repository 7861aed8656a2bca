"""What the trace critic's batches have brought, as it is handed to Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from goldpan.tasks.critic_predictions import Prediction, typed_predictions


@dataclass(frozen=True)
class Annotation:
    """What came of one segment.

    Attributes:
        row: its row as in `features.jsonl`.
    """

    row: Mapping[str, Any]

    @property
    def id(self) -> str:
        """`conv_<conversation_id>__seg_<segment_id>`."""
        return str(self.row["id"])

    @property
    def state(self) -> str:
        """`ok`, `pending`, `skipped`, or why there is no answer."""
        return str(self.row["state"])

    @property
    def reason(self) -> str | None:
        """Why the state is not `ok`; None when it is."""
        reason: str | None = self.row["reason"]
        return reason

    @property
    def predictions(self) -> dict[str, Prediction]:
        """The typed predictions by feature; empty unless the state is `ok`.

        Raises:
            TaskError: as for `typed_predictions`.
        """
        return typed_predictions(self.row["features"])

    def to_dict(self) -> dict[str, Any]:
        """The row, which can be written as JSON."""
        return dict(self.row)


@dataclass(frozen=True)
class BatchStatus:
    """How far the annotation of a folder's segments is.

    Attributes:
        status: `completed`; `in_progress` while batches are open; `incomplete` when `batch_annotate` has to
            be called again: it was stopped, or requests without a good answer may be asked again.
        batch_ids: of the batches that the latest `batch_annotate` has sent or found under way.
        request_counts: `total` segments, and how many are in each state.
    """

    status: str
    batch_ids: list[str]
    request_counts: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)
