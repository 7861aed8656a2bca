"""What a local stage says of a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Predictions = dict[str, dict[str, Any]]
"""feature -> prediction, as in features.jsonl."""


@dataclass(frozen=True)
class Unknown:
    """What is said of a record about which nothing can be told, for what it rests on was not answered.

    Attributes:
        reason: why, `<code>: <explanation>`, as of a skip.
    """

    reason: str
