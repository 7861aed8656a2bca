"""The values of a feature as codes: when two answers are the same, and which figures suit them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from goldpan.files import canonical_json
from goldpan.records.look_up import look_up
from goldpan.statistics.figures import Measures
from goldpan.statistics.joined_measures import JoinedMeasures, PickedMeasures
from goldpan.statistics.kappa import MOST_LABELS
from goldpan.statistics.label_measures import LabelMeasures
from goldpan.statistics.ranking_measures import RankingMeasures
from goldpan.statistics.scales import Scale, positions, scale_of, value_text
from goldpan.statistics.score_measures import (
    ScoreMeasures,
    ScoreScale,
    ToleranceMeasures,
    whole_numbers,
    within_tolerance,
)
from goldpan.statistics.set_measures import MacroOfLabels, SetMeasures
from goldpan.tasks.features import Extraction, Feature, Score
from goldpan.waves.codebook import CANNOT_TELL

_EDGES = " \t.,;:!?\"'`()[]{}«»“”‘’"
_SPACE = re.compile(r"\s+")
_MOST_RATINGS = 11


@dataclass(frozen=True)
class Objects:
    """Extracted objects as texts: by the fields that tell them apart, and whole; both sorted."""

    matched: tuple[str, ...]
    whole: tuple[str, ...]


@dataclass(frozen=True)
class CodedPredictions:
    """Gold values and predictions of the same items as codes.

    Attributes:
        categories: the k distinct values; None stands for an abstention.
        codes: shape (n, 1 + m): the gold value, then each model's prediction; k where a prediction failed.
        is_nominal: whether the categories are labels of a set.
    """

    categories: tuple[Any, ...]
    codes: np.ndarray
    is_nominal: bool

    @property
    def failed(self) -> int:
        """The code of a prediction that failed."""
        return len(self.categories)

    @property
    def gold_codes(self) -> np.ndarray:
        """The codes of the values that occur in the gold."""
        return np.unique(self.codes[:, 0])

    @property
    def possible_gold_codes(self) -> np.ndarray:
        """The codes that the gold value of another item could have: any label that occurs, on either side."""
        return np.unique(self.codes[self.codes < self.failed]) if self.is_nominal else self.gold_codes

    def labels(self) -> list[str]:
        """The categories as shown to people."""
        return [CANNOT_TELL if category is None else str(category) for category in self.categories]


class FeatureValues:
    """How the values of one feature compare.

    An abstention ("the text does not say") is a label like any other where values are single labels. Of other
    kinds it has no distance to anything: there an abstaining prediction counts as failed.

    Args:
        feature: from the task.
        match: of an extraction, the fields (`a.b` goes inside) that tell whether two objects are the same;
            None for all. Texts are compared without regard to case, spaces and punctuation around them.
        tolerance: of a score, how far off an answer may be that counts as right, in its units; None where
            only the same number is right.
    """

    def __init__(self, feature: Feature, match: Sequence[str] | None = None, tolerance: float | None = None):
        self.feature = feature
        self.scale: Scale = scale_of(feature)
        self._match, self._tolerance = match, tolerance

    @property
    def can_abstain(self) -> bool:
        """Whether an abstention is a label of its own."""
        return self.scale.kind == "nominal"

    @property
    def has_labels(self) -> bool:
        """Whether answers are single labels or whole numbers, so that they can be counted by label."""
        return self.scale.closed and (not isinstance(self.feature, Score) or self.feature.integer)

    @property
    def is_wide(self) -> bool:
        """Whether values are fractions, or more whole numbers than a rating scale has."""
        return (
            isinstance(self.feature, Score)
            and len(self.scale.labels or range(_MOST_RATINGS + 1)) > _MOST_RATINGS
        )

    def key(self, value: Any) -> Hashable:
        """A value in the form in which equal answers are equal; None for an abstention.

        Raises:
            SheetError: the value does not fit the kind of feature.
        """
        if value is None:
            return None
        if isinstance(self.feature, Extraction):
            whole = sorted(_object_text(extracted, None) for extracted in value)
            matched = sorted(_object_text(extracted, self._match) for extracted in value)
            return Objects(tuple(matched), tuple(whole))
        key = self.scale.key(value)
        return tuple(sorted(key)) if isinstance(key, frozenset) else key

    def is_same(self, first: Any, second: Any) -> bool:
        """Whether no figure tells two values apart: of objects all fields count, as whole ones are measured
        beside those that match."""
        return self.key(first) == self.key(second)

    def code(self, gold: Sequence[Hashable], predicted: Sequence[Sequence[Hashable]]) -> CodedPredictions:
        """Codes of gold values and of each model's predictions.

        Args:
            gold: key of each item's gold value.
            predicted: of each model, the key for each item, or `FAILED`.
        """
        columns = [list(gold), *(list(keys) for keys in predicted)]
        distinct = {key for column in columns for key in column if key is not FAILED}
        categories = self._categories(distinct - {None})
        if None in distinct:
            categories = (*categories, None)
        index = {key: number for number, key in enumerate(categories)}
        codes = np.array(
            [[len(categories) if key is FAILED else index[key] for key in column] for column in columns]
        )
        return CodedPredictions(categories, codes.T.reshape(-1, len(columns)), self.scale.kind == "nominal")

    def _categories(self, distinct: Iterable[Hashable]) -> tuple[Hashable, ...]:
        if self.scale.closed:
            return self.scale.categories(distinct)
        return tuple(sorted(distinct, key=_order))

    def measures(self, coded: CodedPredictions) -> Callable[[np.ndarray], Measures]:
        """A function from rows of codes (u, 2), gold and prediction, to the figures that suit the feature."""
        categories = coded.categories
        match self.scale.kind:
            case "nominal":
                averaged = [
                    code
                    for code, category in enumerate(categories)
                    if category is not None or code in coded.gold_codes
                ]
                return lambda rows: LabelMeasures(rows, len(categories), averaged)
            case "ordered":
                scale = self.score_scale(categories)
                counted = len(np.unique(scale.rounded()))
                by_label = scale.integer and counted <= MOST_LABELS
                return lambda rows: self._score_measures(rows, coded, scale, by_label)
            case "ranking":
                return lambda rows: RankingMeasures(rows, categories)
            case _ if isinstance(self.feature, Extraction):
                return lambda rows: _object_measures(rows, categories, self._match is not None)
        labels = self.scale.labels or ()
        return lambda rows: JoinedMeasures(
            [("", SetMeasures(rows, categories)), ("", MacroOfLabels(rows, categories, labels))]
        )

    def _score_measures(
        self, rows: np.ndarray, coded: CodedPredictions, scale: ScoreScale, by_label: bool
    ) -> Measures:
        parts: list[tuple[str, Measures]] = [("", ScoreMeasures(rows, scale))]
        if self._tolerance is not None:
            parts.append(("", ToleranceMeasures(rows, scale.numbers, self._tolerance)))
        if by_label:
            parts.append(("", PickedMeasures(self._label_measures(rows, coded), ("f1_macro",))))
        return parts[0][1] if len(parts) == 1 else JoinedMeasures(parts)

    def _label_measures(self, rows: np.ndarray, coded: CodedPredictions) -> LabelMeasures:
        """Figures of whole-number scores as labels."""
        counted = self.as_counted(CodedPredictions(coded.categories, rows, coded.is_nominal))
        return LabelMeasures(counted.codes, len(counted.categories))

    def as_counted(self, coded: CodedPredictions) -> CodedPredictions:
        """The same answers as they count for accuracy: scores of a whole-number scale rounded, objects by the
        fields that tell them apart."""
        if self.scale.kind == "ordered":
            counted: list[Any] = [
                value_text(number) for number in self.score_scale(coded.categories).rounded().tolist()
            ]
        elif isinstance(self.feature, Extraction):
            counted = [objects.matched for objects in coded.categories]
        else:
            return coded
        index = {category: number for number, category in enumerate(dict.fromkeys(counted))}
        mapping = np.array([*(index[category] for category in counted), len(index)])
        return CodedPredictions(tuple(index), mapping[coded.codes], coded.is_nominal)

    def right(self, coded: CodedPredictions) -> np.ndarray:
        """Whether each prediction counts as right, shape (n, m)."""
        if self._tolerance is not None:
            numbers = positions(coded.categories)
            return within_tolerance(coded.codes[:, :1], coded.codes[:, 1:], numbers, self._tolerance)
        codes = self.as_counted(coded).codes
        return codes[:, 1:] == codes[:, :1]

    def counted_key(self, value: Any) -> Hashable:
        """The key of a value as it counts for accuracy, for counting labels in a corpus."""
        if isinstance(self.feature, Score) and self.feature.integer:
            rounded = whole_numbers(np.array([float(value)]), self.feature.min, self.feature.max)
            return value_text(float(rounded[0]))
        return self.key(value)

    def score_scale(self, categories: Sequence[Any]) -> ScoreScale:
        """The numbers of an ordered feature's categories, with the bounds of its scale."""
        numbers = positions(categories)
        if isinstance(self.feature, Score):
            return ScoreScale(numbers, self.feature.min, self.feature.max, self.feature.integer)
        return ScoreScale(numbers, float(numbers.min()), float(numbers.max()), False)


class _NoValue(Enum):
    FAILED = "failed"


FAILED = _NoValue.FAILED
"""Stands where a prediction has no value: the row failed, was refused, is missing, and so on."""


def _object_measures(rows: np.ndarray, categories: Sequence[Objects], by_key: bool) -> Measures:
    matched = SetMeasures(rows, [objects.matched for objects in categories])
    if not by_key:
        return matched
    whole = SetMeasures(rows, [objects.whole for objects in categories])
    return JoinedMeasures([("", matched), ("whole_", whole)])


def _object_text(value: Any, fields: Sequence[str] | None) -> str:
    """One extracted object as canonical text, by some or all of its fields."""
    if fields is not None:
        value = {name: look_up(value, name)[1] for name in fields}
    return canonical_json(normalised(value)).decode()


def normalised(value: Any) -> Any:
    """A value without what should not tell two extractions apart.

    Texts: Unicode NFKC, case folded, white space as one space, no punctuation around them. Numbers: 1.0 is 1.
    Fields that are null are left out.
    """
    if isinstance(value, str):
        return _SPACE.sub(" ", unicodedata.normalize("NFKC", value).casefold()).strip(_EDGES)
    if isinstance(value, dict):
        return {name: normalised(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [normalised(member) for member in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value_text(value)
    return value


def _order(key: Any) -> Any:
    return (key.matched, key.whole) if isinstance(key, Objects) else key
