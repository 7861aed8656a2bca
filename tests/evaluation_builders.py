"""Gold items, predictions and whole evaluations in miniature, for the tests of the evaluation room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson

from goldpan.evaluation.evaluate import EvaluationInputs
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import PREDICTION_TYPES, Feature
from goldpan.waves.gold.gold_set import GoldItem
from goldpan.waves.items import Item, item_id, repeat_id
from goldpan.waves.merging.files import shown_by, write_merged
from goldpan.waves.merging.merged import Merged, Resolution
from tests.wave_builders import ALL_FEATURES, GIST

FEATURES = {feature.name: feature for feature in ALL_FEATURES}


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


def everything(folder: Path) -> tuple[Evaluation, EvaluationInputs]:
    """Settings and inputs: every type of feature, two models, and people's answers."""
    random = Random(8)
    features = [one for one in ALL_FEATURES if one is not GIST]

    def answer(feature):
        match feature.type:
            case "binary":
                return random.random() < 0.3
            case "classification":
                return random.choice([*feature.label_list, None])
            case "multilabel":
                return random.sample(feature.label_list, random.randint(0, 2))
            case "score":
                return random.randint(1, 5)
            case "ranking":
                return random.sample(feature.items, len(feature.items))
            case _:
                return [{"part": random.choice(["lid", "cup"]), "count": None, "broken": False}]

    gold, merged, rows = [], [], {"big": [], "small": []}
    for n in range(60):
        labels = {one.name: answer(one) for one in features}
        item = gold_item(
            n,
            labels,
            stratum="rare" if n < 20 else "common",
            inclusion_probability=0.5 if n < 20 else 0.1,
            data={"text": "<script>alert('x')</script> & =1+1 \u2028 </style>", "more": {"deep": [1]}},
        )
        gold.append(item)
        for one in features:
            answers = {name: random.choice([labels[one.name], answer(one)]) for name in ("ann", "ben", "cat")}
            merged.append(
                Merged(item.item_id, one.name, labels[one.name], Resolution.MAJORITY, False, {}, answers)
            )
        for model, chance in (("big", 0.9), ("small", 0.6)):
            given = {
                one.name: prediction(
                    one,
                    labels[one.name] if random.random() < chance else answer(one),
                    round(random.uniform(0.5, 1), 2),
                )
                for one in features
            }
            rows[model].append(stage_row(n, given))
    table = folder / "merged.csv"
    write_merged(table, merged, shown_by(ALL_FEATURES))
    summary = folder / "summary.json"
    summary.write_bytes(
        orjson.dumps(
            {
                "records": 62,
                "states": {"ok": 60, "skipped": 2},
                "cost_usd": 0.6,
                "baseline": True,
                "tokens": {"prompt": 10, "completion": 5},
            }
        )
    )
    given = inputs(folder, gold, rows, merged=table, summaries={"big": summary})
    return settings("big", "small", match={"parts": ["part"]}, epsilon=0.2), given
