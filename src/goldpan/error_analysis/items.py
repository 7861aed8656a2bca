"""What an error analysis looks at: the evaluated rows of one feature and one model, and what it lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.study.wave import ErrorList


@dataclass(frozen=True)
class ErrorItem:
    """An evaluated row.

    Attributes:
        item_id, id, source, file: of the item and its record.
        data: the fields of the record.
        gold, predicted: as shown to people; `predicted` is empty where the prediction failed.
        gold_key, predicted_key: in the form in which equal answers are equal (`FeatureValues.key`);
            `predicted_key` is None, as an abstention is, where the prediction failed.
        state: `ok`, or why there is no prediction.
        is_right: whether the prediction counts as right; a failed one is wrong.
        confidence: the model's, 0 to 1, where it gives one.
        samples: keys of the several independent answers of the row, where there are some.
        group: of rows that may be alike; the item's own id where it has none.
        split: of the gold set: `train`, `dev` or `test`; of gold in fields `test`.
    """

    item_id: str
    id: str
    source: str
    file: str
    data: Mapping[str, Any]
    gold: str
    predicted: str
    gold_key: Any
    predicted_key: Any
    state: str
    is_right: bool
    confidence: float | None = None
    samples: tuple[Any, ...] = ()
    group: str = ""
    split: str = ""


@dataclass(frozen=True)
class ErrorItems:
    """The evaluated rows of one feature and one model.

    Attributes:
        feature: name of the feature.
        kind: its type, as in the task (`binary`, `classification`, ...).
        labels: of closed kinds all labels, in the order of the task; else empty.
        model: name of the predictions.
        items: the rows, in the order of their item ids.
        learned_splits: of a head that learned from these labels, the splits that it has seen; its predictions
            of their items tell nothing about the labels.
        label_fields: fields of the records that hold gold labels (`a.b` goes inside), which say nothing of
            what the model saw.
    """

    feature: str
    kind: str
    labels: tuple[Any, ...]
    model: str
    items: tuple[ErrorItem, ...]
    learned_splits: tuple[str, ...] = ()
    label_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerFiles:
    """All answers of a stage to one feature, also to records that nobody labelled.

    Attributes:
        stage: its name.
        feature: what the feature is called there; the gold may call it otherwise.
        features: `features.jsonl` of the stage.
        records: `records.jsonl` of the stage, with the same records in the same order.
    """

    stage: str
    feature: str
    features: Path
    records: Path


@dataclass(frozen=True)
class Listed:
    """A row on one of the lists of an error analysis: a line of its table.

    Attributes:
        list: `slices`, `confusion`, `clusters`, `suspects` or `unstable`.
        name: of the slice, pair or cluster; empty where the list has no parts.
        feature, model: what it is about; `model` is empty where it is about the gold.
        item_id, id: of the row.
        gold, predicted: as shown; `gold` is empty for a row that nobody labelled.
        score: by which the list is ordered, the largest first; 0 to 1.
        why: in words, for people.
        fields: of the record, as text.
    """

    list: ErrorList
    name: str
    feature: str
    model: str
    item_id: str
    id: str
    gold: str
    predicted: str
    score: float
    why: str
    fields: Mapping[str, str] = field(default_factory=dict)
