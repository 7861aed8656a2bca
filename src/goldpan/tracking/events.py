"""Rows as events of a tracker, and events as rows of a table or a golden set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from goldpan.experiments.rows import (
    ANSWER,
    EXPECTED,
    ID,
    REASON,
    REASONING,
    RIGHT,
    STATE,
    cell_of,
    csv_of,
    flat,
)
from goldpan.files import sha256_hex
from goldpan.tasks.features import Feature
from goldpan.tracking.base import FEATURES, GOLD, TrackedRow, TrackedRun
from goldpan.tracking.tracked import in_fields, said_features
from goldpan.waves.answer_text import answer_text

_ROW = "row"
_OK, _FAILED = "ok", "failed"
_KINDS = (EXPECTED, ANSWER, REASONING, RIGHT)
"""Begin the names of the columns of a feature, in their order."""
_INPUT, _SCORE, _METADATA = "input", "score", "metadata"
_OF_ROW = {ID, STATE, REASON, _INPUT, _SCORE, *_KINDS}
"""How a column of metadata must not begin: it would be taken for something of the row itself."""


def event_of_row(tracked: TrackedRun, row: TrackedRow) -> dict[str, Any]:
    """A row of a run. Its id is made of the run and the record: put there again, it replaces itself."""
    event = {
        "id": _event_id(tracked.run.id, row.id),
        "input": row.input,
        "output": row.output or None,
        "expected": row.expected or None,
        "scores": row.scores,
        "metadata": {
            **row.metadata,
            _ROW: row.id,
            STATE: row.state,
            REASON: row.reason,
            REASONING: row.reasoning,
            "model": tracked.run.model,
        },
        "tags": [tracked.run.module],
    }
    if row.state != _OK:
        event["error"] = f"{row.state}: {row.reason}" if row.reason else row.state
    return event


def event_of_golden(tracked: TrackedRun, golden: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a data set."""
    return {
        "id": _event_id(tracked.data_name, golden[ID]),
        "input": golden["input"],
        "expected": golden["expected"],
        "metadata": {**golden["metadata"], _ROW: golden[ID]},
    }


def _event_id(whole: str, row: str) -> str:
    return sha256_hex(f"{whole}\0{row}".encode())[:32]


def golden_set(events: Iterable[Mapping[str, Any]], said: Mapping[str, Any]) -> bytes:
    """Events as the JSON Lines of a golden set: `id`, `input`, `expected`, `metadata`.

    Args:
        events: of a data set, or of an experiment.
        said: metadata of the whole.
    """
    fields = _object(said.get(GOLD))
    lines = []
    for event in events:
        metadata, expected = _object(event.get("metadata")), event.get("expected")
        own: Mapping[str, Any] = {name: value for name, value in metadata.items() if name != _ROW}
        if _ROW in metadata and "output" in event:
            # Of a run of goldpan: beside its own metadata stands what was recorded of the row.
            own, expected = _object(metadata.get("metadata")), in_fields(_object(expected), fields)
        row = {
            ID: str(metadata.get(_ROW) or event.get(ID)),
            "input": event.get("input"),
            "expected": expected,
            "metadata": own,
        }
        lines.append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(sorted(lines))


def table_of_events(events: Sequence[Mapping[str, Any]], said: Mapping[str, Any]) -> bytes:
    """Events of an experiment as the table of a run's rows, like `experiments.rows.table_of_rows`."""
    features = said_features(said.get(FEATURES) or [])
    rows = sorted((_table_row(event, features) for event in events), key=lambda row: row[ID])
    asked = dict.fromkeys(name.split(".", 1)[1] for row in rows for name in row if _is_of_feature(name))
    of_features = [
        f"{kind}.{feature}"
        for feature in asked
        for kind in _KINDS
        if any(f"{kind}.{feature}" in row for row in rows)
    ]
    return csv_of(rows, of_features)


def _is_of_feature(name: str) -> bool:
    kind, is_column, _ = name.partition(".")
    return bool(is_column) and kind in _KINDS


def _table_row(event: Mapping[str, Any], features: Mapping[str, Feature]) -> dict[str, str]:
    metadata = dict(_object(event.get("metadata")))
    error = event.get("error")
    # What a run of goldpan has put there, which others may call so, too.
    names = (_ROW, STATE, REASON, REASONING, "model") if _ROW in metadata else ()
    own = {name: metadata.pop(name, None) for name in names}
    row = {
        ID: str(own.get(_ROW) or event.get(ID)),
        STATE: str(own.get(STATE) or (_FAILED if error else _OK)),
        REASON: str(own.get(REASON) or error or ""),
    }
    row |= flat({_INPUT: event.get("input")})
    for name, text in flat(metadata):
        row[_free_column(name, row)] = text
    for kind, values in ((EXPECTED, event.get("expected")), (ANSWER, event.get("output"))):
        for name, value in (values if isinstance(values, dict) else {"value": values}).items():
            if values is not None:
                row[f"{kind}.{name}"] = _answer_text(features.get(name), value)
    row |= {f"{REASONING}.{name}": str(text) for name, text in _object(own.get(REASONING)).items()}
    for name, score in _object(event.get("scores")).items():
        if score in (0, 1):
            row[f"{RIGHT}.{name}"] = "yes" if score else "no"
        elif score is not None:
            row[f"{_SCORE}.{name}"] = str(score)
    return row


def _free_column(name: str, row: Mapping[str, str]) -> str:
    """The column of a field of the metadata: its name, where nothing else of the row may be called so."""
    while name in row or name.split(".", 1)[0] in _OF_ROW:
        name = f"{_METADATA}.{name}"
    return name


def _answer_text(feature: Feature | None, value: Any) -> str:
    try:
        return cell_of(value) if feature is None else answer_text(feature, value)
    except TypeError:
        return cell_of(value)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
