"""The features of a stage that asks nobody: one row for each record, as of a stage that asks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NoReturn

import orjson

from goldpan.batches.summary import Summary
from goldpan.chains.local_kinds import LOCAL_KINDS
from goldpan.chains.predictions import Predictions, Unknown
from goldpan.errors import ReconciliationError
from goldpan.files import replacing
from goldpan.records.limit import trial_of
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.stages.columns import ParquetRows, columns_of
from goldpan.stages.features import features_of_stage
from goldpan.stages.rows import FeatureRow
from goldpan.study.load import Project

_CHUNK = 256


def answer_locally(project: Project, stage: str) -> Summary:
    """Write features.jsonl, features.parquet and summary.json of a stage that asks nobody.

    Raises:
        StudyError: its records are not there.
        ReconciliationError: what works on them did not say one thing of each.
    """
    settings, paths = project.study.local_stages[stage], project.paths
    records = project.left(paths.stage_records(stage), f"stage `{stage}`")
    features = features_of_stage(project, stage)
    # Read twice side by side, so that what works on the stage sees usable records only and may look ahead.
    usable = (record for record in iter_records(records) if "skip" not in record)
    predictions = LOCAL_KINDS[type(settings)].predict(project, stage, settings, usable)
    counts = Summary(
        project.study.study, stage, None, [], trial=trial_of(project, project.study.sources_of(stage))
    )
    with (
        counts,
        replacing(project.root / paths.features(stage)) as out,
        ParquetRows(project.root / paths.features_parquet(stage), features) as table,
    ):
        rows = (_row(record, predictions, stage) for record in iter_records(records))
        while chunk := list(islice(rows, _CHUNK)):
            for row in chunk:
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            columns = columns_of(chunk, features)
            table.add(chunk, columns)
            counts.add(chunk, columns, [], lambda answer: _nobody_asked())
        if next(predictions, None) is not None:
            raise _does_not_fit(stage)
        counts.reconcile()
    counts.write(project.root / paths.summary(stage))
    return counts


def _row(record: Record, predictions: Iterator[Predictions | Unknown], stage: str) -> FeatureRow:
    features: Predictions = {}
    skip = record.get("skip")
    if skip is None:
        found = next(predictions, None)
        if found is None:
            raise _does_not_fit(stage)
        if isinstance(found, Unknown):
            skip = found.reason
        else:
            features = found
    return {
        "id": record["id"],
        "source": record["source"],
        "file": record["file"],
        "state": "ok" if skip is None else "skipped",
        "reason": skip,
        "batch_id": None,
        "custom_id": None,
        "model": None,
        "usage": None,
        "features": features,
        "feature_count": len(features),
    }


def _nobody_asked() -> NoReturn:
    raise AssertionError("a local stage has no answers of anybody")


def _does_not_fit(stage: str) -> ReconciliationError:
    return ReconciliationError(
        "what was said of the records is not one thing for each of them",
        where=f"stage {stage}",
        remedy="this is a fault in goldpan; please report it with this message",
    )
