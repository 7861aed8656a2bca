"""Predictions to evaluate: the answers of a stage, or what heads wrote into annotated files.

Rows are joined to the gold set by item id alone. The whole file is read once: the rows of gold items are
kept, of all others only the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from goldpan.errors import SheetError, SourceError
from goldpan.evaluation.coding import FeatureValues
from goldpan.files import iter_rows, sha256_file
from goldpan.stages.aggregate import confidence_of
from goldpan.stages.rows import FeatureRow, read_features
from goldpan.tasks.features import Binary, Multilabel, Score, value_of
from goldpan.waves.items import item_id
from goldpan.waves.sampling.left_out import LeftOutValues, left_out_code

MISSING, NOT_ASKED, ABSTAINED = "missing", "not_asked", "abstained"
OK = "ok"


@dataclass(frozen=True)
class Prediction:
    """What a model said about one feature of one item.

    Attributes:
        state: `ok`, or why there is no value: a state of the row, `missing` (no row), `not_asked`.
        value: the value; None when the model abstained or there is none.
        confidence: the model's probability that the value is right, 0 to 1, if it gives one.
        left_out: code of the skip of a record that the chain left out; the value is then what it stands for.
        samples: keys of several independent answers to the same request, where there are some.
    """

    state: str
    value: Any = None
    confidence: float | None = None
    left_out: str | None = None
    samples: tuple[Hashable, ...] = ()


@dataclass
class FeatureCounts:
    """What a model said about one feature in its whole file.

    Attributes:
        records: rows with a value (abstentions included where they are a label).
        keys: how often each value was given, as it counts for accuracy; of sets, how many have each member;
            empty for rankings, extractions and scores that are not whole numbers.
        total: sum of the numbers, for scores.
    """

    records: int = 0
    keys: Counter[Hashable] = field(default_factory=Counter)
    total: float = 0.0

    def add(self, values: FeatureValues, value: Any) -> None:
        """Count one value."""
        if value is None and not values.can_abstain:
            return
        self.records += 1
        feature = values.feature
        if isinstance(feature, Score):
            self.total += float(value)
        if isinstance(feature, Multilabel):
            self.keys.update(set(values.key(value)))  # type: ignore[call-overload]
        elif values.scale.kind == "nominal" or (isinstance(feature, Score) and feature.integer):
            self.keys[values.counted_key(value)] += 1


@dataclass
class Predictions:
    """The predictions of one model.

    Attributes:
        name: as it stands in the report.
        of_items: feature -> item id -> prediction, for wanted items that have a row.
        counts: feature -> counts over the whole file.
        states: rows of the whole file by state.
        models: rows by the model that answered, as the provider calls it.
        tasks: name of the task -> its hash.
        files: name -> SHA-256 of what was read.
        answered: Unix times of the first and the last answer, where rows say them.
        is_of_items: whether its answers are known for the items of a wave only, not for all of the corpus.
        left_out: feature -> counts of the records that the chain left out, which are also among `counts`.
    """

    name: str
    of_items: dict[str, dict[str, Prediction]] = field(default_factory=dict)
    counts: dict[str, FeatureCounts] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    tasks: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    answered: tuple[float, float] | None = None
    is_of_items: bool = False
    left_out: dict[str, FeatureCounts] = field(default_factory=dict)

    def covers(self, feature: str) -> bool:
        """Whether the model was asked for a feature at all, of any of the wanted items that have a row."""
        by_item = self.of_items.get(feature, {})
        return not by_item or any(prediction.state != NOT_ASKED for prediction in by_item.values())

    def of(self, feature: str, item: str) -> Prediction:
        """What the model said about a feature of an item."""
        return self.of_items.get(feature, {}).get(item, Prediction(MISSING))


Read = Callable[[Mapping[str, Any], FeatureValues], Prediction]
"""From a row of a file to what it says about a feature."""


def read_stage(
    name: str,
    path: Path,
    features: Mapping[str, FeatureValues],
    wanted: Iterable[str],
    predicted_by: Mapping[str, str] | None = None,
    left_out: LeftOutValues | None = None,
) -> Predictions:
    """The answers of a stage, from its `features.jsonl`.

    Args:
        name: what the report calls them.
        path: the file.
        features: the features to evaluate.
        wanted: item ids of the items whose predictions are to be kept.
        predicted_by: feature -> feature of the stage, where it has another name there.
        left_out: what records stand for that were left out before the stage was asked; without it they have
            no prediction.

    Raises:
        SourceError: a line is not a row of such a file, or two rows have one id.
    """
    read_row = _StageRow(predicted_by or {})
    if left_out is None:
        return _read(name, [path], features, wanted, read_row, read_features)

    def rows(path: Path) -> Iterator[tuple[int, FeatureRow]]:
        return ((number, left_out.completed(row)) for number, row in read_features(path))

    return _read(name, [path], features, wanted, read_row, rows)


def read_drawn(
    name: str, path: Path, features: Mapping[str, FeatureValues], wanted: Iterable[str]
) -> Predictions:
    """The LLM's answers when a wave was drawn, from its `llm.jsonl`; of all other records nothing is known.

    Args:
        name, path, features, wanted: as for `read_stage`.

    Raises:
        SourceError: a line is not a row of such a file, or two rows have one id.
    """

    def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        return ((number, _drawn_row(row)) for number, row in iter_rows(path, SourceError))

    predictions = _read(name, [path], features, wanted, _StageRow({}), rows)
    predictions.is_of_items = True
    return predictions


def _drawn_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row of `llm.jsonl` as one of `features.jsonl`."""
    code = row.get("left_out")
    return {**row, "state": OK} if code is None else {**row, "state": "skipped", "reason": f"{code}:"}


def read_annotated(
    name: str,
    paths: Sequence[Path],
    features: Mapping[str, FeatureValues],
    wanted: Iterable[str],
    heads: Mapping[str, str],
) -> Predictions:
    """What heads predicted, from annotated JSONL files; a row has `id`, and for each head one or more of
    `label_HEAD`, `score_HEAD`, `probability_HEAD` (of the label given).

    Args:
        name: what the report calls them.
        paths: the files.
        features: the features to evaluate.
        wanted: item ids of the items whose predictions are to be kept.
        heads: feature -> head; a feature that is not there is predicted by the head of its own name.

    Raises:
        SourceError: a line is not a JSON object with an id, a value does not fit its feature, or two rows
            have one id.
    """

    def read(row: Mapping[str, Any], values: FeatureValues) -> Prediction:
        return _head_prediction(row, values, heads.get(values.feature.name, values.feature.name))

    return _read(name, paths, features, wanted, read, partial(iter_rows, error=SourceError))


def _read(
    name: str,
    paths: Sequence[Path],
    features: Mapping[str, FeatureValues],
    wanted: Iterable[str],
    read: Read,
    rows_of: Callable[[Path], Iterator[tuple[int, Mapping[str, Any]]]],
) -> Predictions:
    predictions = Predictions(name, {feature: {} for feature in features})
    predictions.counts = {feature: FeatureCounts() for feature in features}
    predictions.left_out = {feature: FeatureCounts() for feature in features}
    kept, seen = set(wanted), set()
    for path in paths:
        predictions.files[f"{path.parent.name}/{path.name}"] = sha256_file(path)
        for number, row in rows_of(path):
            where = f"{path}, line {number}"
            try:
                item = item_id(row["id"])
            except (KeyError, AttributeError):
                raise SourceError(
                    "the row has no `id`, so nobody can tell which record it is about",
                    where=where,
                    remedy="predictions are joined by id: name it among the output keys",
                ) from None
            if item in kept:
                if item in seen:
                    raise SourceError(f"there are two rows of record `{row['id']}`", where=where)
                seen.add(item)
            _add_row(predictions, row, item if item in kept else None, features, read, where)
    return predictions


def _add_row(
    predictions: Predictions,
    row: Mapping[str, Any],
    item: str | None,
    features: Mapping[str, FeatureValues],
    read: Read,
    where: str,
) -> None:
    predictions.states[row.get("state", OK)] += 1
    # In annotated rows a key of this name is the user's own.
    if isinstance(read, _StageRow) and (answered := row.get("answered_at")):
        first, last = predictions.answered or (answered, answered)
        predictions.answered = min(first, answered), max(last, answered)
    if row.get("model"):
        predictions.models[row["model"]] += 1
    if row.get("task_hash"):
        predictions.tasks[row["task"]] = row["task_hash"]
    for feature, values in features.items():
        try:
            prediction = read(row, values)
            if prediction.state == OK:
                predictions.counts[feature].add(values, prediction.value)
                if prediction.left_out is not None:
                    predictions.left_out[feature].add(values, prediction.value)
        except (KeyError, TypeError, ValueError, SheetError) as error:
            raise SourceError(
                f"what stands here for `{feature}` does not fit it: {error}", where=where
            ) from None
        if item is not None:
            predictions.of_items[feature][item] = prediction


@dataclass(frozen=True)
class _StageRow:
    """Reads rows of a stage; `predicted_by` as of `read_stage`."""

    predicted_by: Mapping[str, str]

    def __call__(self, row: Mapping[str, Any], values: FeatureValues) -> Prediction:
        """What a row says about a feature."""
        name = self.predicted_by.get(values.feature.name, values.feature.name)
        code = left_out_code(cast(FeatureRow, row))
        if code is not None:
            # What it stands for goes by the name that annotators know.
            stands_for = row["features"].get(values.feature.name)
            return (
                Prediction(OK, value_of(stands_for), left_out=code) if stands_for else Prediction(NOT_ASKED)
            )
        if row["state"] != OK:
            return Prediction(row["state"])
        answer = row["features"].get(name)
        if answer is None:
            return Prediction(NOT_ASKED)
        value = value_of(answer)
        confidence = confidence_of(row, name)
        samples = sample_keys(row, values, name)
        if confidence is None and name not in row.get("aggregated", {}) and len(samples) > 1:
            confidence = samples.count(values.key(value)) / len(samples)
        return Prediction(OK, value, confidence, samples=samples)


def sample_keys(row: Mapping[str, Any], values: FeatureValues, name: str) -> tuple[Hashable, ...]:
    """Keys of several independent answers of a row to the same request.

    Args:
        row: of `features.jsonl`.
        values: of the feature.
        name: of the feature of the stage, which the gold may call otherwise.
    """
    return tuple(
        values.key(value_of(sample["features"][name]))
        for sample in row.get("samples", [])
        if name in sample["features"]
    )


def _head_prediction(row: Mapping[str, Any], values: FeatureValues, head: str) -> Prediction:
    key = f"score_{head}" if isinstance(values.feature, Score) else f"label_{head}"
    if key not in row:
        return Prediction(NOT_ASKED)
    value = row[key]
    if value is None:
        return Prediction(MISSING)
    if isinstance(values.feature, Binary):
        value = _truth(value)
    return Prediction(OK, value, row.get(f"probability_{head}"))


def _truth(value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    text = str(value).lower()
    if text not in known:
        raise ValueError(f"{value!r} is neither yes nor no")
    return known[text]
