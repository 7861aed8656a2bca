"""A row of a golden set: its right answers, and the waves that they are from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldpan.experiments.data_set import METADATA

DECIDED = "people"
"""The key of a row's metadata that says which waves its right answers are from."""


def decisions(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The waves from which a row has right answers, as its metadata says."""
    metadata = row.get(METADATA)
    entries = metadata.get(DECIDED) if isinstance(metadata, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def changed_after(row: Mapping[str, Any], gold: str) -> set[str]:
    """The features of a row that later waves have changed than the gold set of this hash."""
    entries = decisions(row)
    last = max((place for place, entry in enumerate(entries) if entry.get("gold") == gold), default=-1)
    return {
        name
        for entry in entries[last + 1 :]
        for name in (entry["was"] if isinstance(entry.get("was"), dict) else ())
    }


def decided_by(row: dict[str, Any], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose metadata says from which wave it has its right answers."""
    metadata = row.get(METADATA)
    if not isinstance(metadata, dict):
        metadata = {} if metadata is None else {"before": metadata}
    return {**row, METADATA: {**metadata, DECIDED: [*decisions(row), dict(provenance)]}}


def row_line(row: Mapping[str, Any]) -> bytes:
    """The row as a line of its file, without a newline."""
    return json.dumps(row, ensure_ascii=False).encode()
