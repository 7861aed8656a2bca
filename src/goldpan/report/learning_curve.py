"""Learning curves of heads, as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def different_heads(curve: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """The points of a learning curve that are of different heads, from few labels to all.

    Groups are not divided: where there are few, or one only, several shares of them hold the same records,
    and what learned from them is the same head several times.

    Args:
        curve: of a target, from the metrics.json of its head; None where none was asked for.

    Returns:
        Of points of the same records, that of the largest share.
    """
    by_records = {point["records"]: point for point in (curve or {}).get("points", [])}
    return list(by_records.values())
