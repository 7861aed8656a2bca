"""Records that hold a keyword."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.stages.features import KEPT
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage


def filtered(
    project: Project, stage: str, settings: FilterStage, records: Iterator[Record]
) -> Iterator[dict[str, dict[str, Any]]]:
    """What the filter says of each record."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, settings.keywords))})\b", re.IGNORECASE)
    for record in records:
        text = look_up(record["data"], settings.text)[1] or ""
        hits = [
            {"keyword": match[0], "start": match.start(), "end": match.end()}
            for match in pattern.finditer(text)
        ]
        yield {
            KEPT: {"type": "BinaryPrediction", "detected": bool(hits)},
            "keywords": {"type": "ExtractionPrediction", "items": hits},
        }
