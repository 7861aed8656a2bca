"""From a run of the history to what is uploaded of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from goldpan.errors import AnswerError, TaskError
from goldpan.experiments.history import History
from goldpan.experiments.rows import REASON, RunRow, read_run_rows
from goldpan.experiments.run import Run, content_of
from goldpan.files import canonical_json, sha256_hex
from goldpan.records.look_up import put
from goldpan.tasks.features import Feature, parse_feature
from goldpan.tracking.base import TrackedRow, TrackedRun, gold_fields
from goldpan.waves.collect.cell_values import read_cell

_INPUT, _METADATA = "input", "metadata"


def tracked_run(history: History, run: Run) -> TrackedRun:
    """What is uploaded of a run.

    Raises:
        SourceError: its files are damaged or gone.
    """
    specs = [spec for prompt in run.prompts for spec in prompt.features]
    features = said_features(specs)
    rows_file = history.rows_of(run)
    read = read_run_rows(rows_file, {spec["name"] for spec in specs})
    rows = [_tracked_row(row, features) for row in read.values()]
    golden = [_golden_row(row, gold_fields(run)) for row in rows]
    run_file = history.run_file(run.id)
    return TrackedRun(
        run=run,
        content=content_of(run_file),
        name=experiment_name(run),
        # By their content: a trial has fewer rows, and in a chain they hang on earlier answers, too.
        data_name=f"{_base_name(run)}_data_{sha256_hex(canonical_json(golden))[:12]}",
        rows=rows,
        golden=golden,
        files={"run.json": run_file.read_bytes(), "rows.csv": rows_file.read_bytes()},
    )


def experiment_name(run: Run) -> str:
    """`root_{module}_{name}_{time of recording}`, by which people know a run at a tracker."""
    stamp = run.recorded_at[:19].replace("-", "").replace(":", "").replace("T", "_")
    return f"{_base_name(run)}_{stamp}"


def said_features(specs: Iterable[Any]) -> dict[str, Feature]:
    """name -> feature, each once, as a run or an experiment says them; what is none is passed over."""
    features: dict[str, Feature] = {}
    for spec in specs:
        with contextlib.suppress(TaskError, KeyError, TypeError, ValueError):
            features.setdefault(spec["name"], parse_feature(dict(spec), "features of a run"))
    return features


def in_fields(answers: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Right answers as the `expected` of a golden set has them: where the task looks for them.

    Args:
        answers: feature -> right answer.
        fields: feature -> field of a record.
    """
    expected: dict[str, Any] = {}
    for feature, value in answers.items():
        put(expected, str(fields.get(feature, feature)).removeprefix("expected."), value)
    return expected


def _base_name(run: Run) -> str:
    return f"root_{run.module}_{run.name or run.stage}"


def _tracked_row(row: RunRow, features: Mapping[str, Feature]) -> TrackedRow:
    inputs = dict(row.inputs)
    reason = inputs.pop(REASON, "")
    nested = _nested(inputs)
    return TrackedRow(
        id=row.id,
        state=row.state,
        reason=reason,
        input=nested.pop(_INPUT, {}),
        output={name: _typed(features.get(name), text) for name, text in row.answer.items()},
        expected={name: _typed(features.get(name), text) for name, text in row.expected.items()},
        reasoning=row.reasoning,
        scores={name: float(right) for name, right in row.right.items()},
        metadata=nested,
    )


def _golden_row(row: TrackedRow, fields: Mapping[str, str]) -> dict[str, Any]:
    """A row as a golden set has it: the right answers stand where the task looks for them."""
    golden = {"id": row.id, _INPUT: row.input, "expected": in_fields(row.expected, fields)}
    own = row.metadata.get(_METADATA)
    return golden | {_METADATA: own if isinstance(own, dict) else {}}


def _nested(columns: Mapping[str, str]) -> dict[str, Any]:
    """`a.b` -> text as objects within objects; lists, which stand as JSON, are lists again."""
    nested: dict[str, Any] = {}
    for path, text in columns.items():
        put(nested, path, _list_of(text))
    return nested


def _list_of(text: str) -> Any:
    if not text.startswith("["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _typed(feature: Feature | None, text: str) -> Any:
    """An answer as it was before it became text; what cannot be read stays text."""
    if feature is None:
        return text
    try:
        return read_cell(feature, text, cannot_tell=True).value
    except AnswerError:
        return text
