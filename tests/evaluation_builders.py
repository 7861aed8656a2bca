"""Gold items, predictions and whole evaluations in miniature, for the tests of the evaluation room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from goldpan.evaluation.evaluate import EvaluationInputs
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import PREDICTION_TYPES, Feature
from goldpan.waves.gold import GoldItem
from goldpan.waves.items import Item, item_id, repeat_id


def gold_item(number: int, labels: Mapping[str, Any], **changes: Any) -> GoldItem:
    """Item `r<number>` with these labels; whatever else is said differently by name."""
    record = f"r{number}"
    given: dict[str, Any] = {
        "item_id": item_id(record),
        "id": record,
        "source": "shop",
        "file": "reviews",
        "split": "test",
        "group": record,
        "stratum": "all",
        "inclusion_probability": 1.0,
        "annotators": ("ann", "ben"),
        "labels": dict(labels),
        "soft_labels": {},
        "resolutions": dict.fromkeys(labels, "agreement"),
        "data": {"text": f"text of {record}"},
    }
    return GoldItem(**(given | changes))


def sample_item(item: GoldItem) -> Item:
    """The item of the sample that a gold item was made from."""
    return Item(
        item_id=item.item_id,
        repeat_id=repeat_id(item.id),
        id=item.id,
        source=item.source,
        file=item.file,
        stratum=item.stratum,
        inclusion_probability=item.inclusion_probability,
        draw=1,
        annotators=item.annotators,
        repeated_by=(),
        data=item.data,
    )


def prediction(feature: Feature, value: Any, confidence: float | None = None) -> dict[str, Any]:
    """A prediction as it stands in `features.jsonl`."""
    kind, key = PREDICTION_TYPES[feature.type]
    return {"type": kind, key: value} | ({} if confidence is None else {"confidence": confidence})


def stage_row(number: int, features: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The row of record `r<number>` of a `features.jsonl`."""
    row = {
        "id": f"r{number}",
        "source": "shop",
        "file": "reviews",
        "state": "ok",
        "reason": None,
        "model": "some-model-1",
        "features": dict(features),
        "task": "review",
        "task_hash": "ab" * 32,
    }
    return row | changes


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
    return path


def write_gold(path: Path, items: Iterable[GoldItem]) -> Path:
    """Write gold items to one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(item.as_line() for item in items))
    return path


def inputs(
    folder: Path, gold: Sequence[GoldItem], stages: Mapping[str, Iterable[Mapping[str, Any]]], **changes: Any
) -> EvaluationInputs:
    """Write gold items and the rows of stages into a folder; the inputs of an evaluation of them."""
    given: dict[str, Any] = {
        "gold": [write_gold(folder / "gold.jsonl", gold)],
        "predictions": {
            name: [write_lines(folder / name / "features.jsonl", rows)] for name, rows in stages.items()
        },
    }
    return EvaluationInputs(**(given | changes))


def settings(*models: str, **changes: Any) -> Evaluation:
    """An evaluation of stages of these names."""
    return Evaluation.model_validate({"wave": "first", "predictions": list(models)} | changes)
