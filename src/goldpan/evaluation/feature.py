"""Evaluate all models on one feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goldpan.evaluation.annotator_answers import AnnotatorAnswers
from goldpan.evaluation.baselines import evaluate_baselines, figures_of, key_text
from goldpan.evaluation.calibration import Calibration, calibration
from goldpan.evaluation.coding import FAILED, CodedPredictions, FeatureValues
from goldpan.evaluation.comparison import Comparison, compare
from goldpan.evaluation.corpus import corpus_prevalence
from goldpan.evaluation.label_figures import confusion_of, figures_by_label
from goldpan.evaluation.lost import LostPositives, Trace, lost_positives
from goldpan.evaluation.mistakes import most_telling_first
from goldpan.evaluation.predictions import ABSTAINED, OK, Prediction, Predictions
from goldpan.evaluation.report import Baseline, FeatureEvaluation, ItemCounts, Mistake, ModelEvaluation
from goldpan.records.look_up import look_up
from goldpan.statistics.sampling_design import Design, design_of, equal_design, unused_strata
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import Binary
from goldpan.waves.answer_text import field_text
from goldpan.waves.gold.gold_set import GoldItem
from goldpan.waves.items import Item

BASELINE = "baseline"
_FEW = 30


@dataclass(frozen=True)
class GoldData:
    """The gold set of a wave.

    Attributes:
        drawn: all items of the sample, resolved or not.
        items: those of the evaluated splits, by item id.
        annotated: ids of the items on which people are compared with a model; the alternative annotator test
            needs no gold label, and items that nobody could resolve belong to it.
        gone: ids of items whose records are not among those that the models were given.
        groups: item id -> its group, where items may be alike; else None.
    """

    drawn: Sequence[Item | GoldItem]
    items: Mapping[str, GoldItem]
    annotated: Sequence[str]
    gone: Collection[str] = ()
    groups: Mapping[str, str] | None = None

    @property
    def is_targeted(self) -> bool:
        """Whether the items were drawn from what an error analysis had listed, so that they stand for nothing
        but themselves: no figure is weighted, and no prevalence is corrected by them."""
        return any(item.targeted for item in self.items.values())


@dataclass(frozen=True)
class _Part:
    """Items that are evaluated together.

    Attributes:
        ids: item ids, n of them.
        gold: key of each one's gold value.
        design: strata and weights.
    """

    ids: tuple[str, ...]
    gold: tuple[Hashable, ...]
    design: Design


def evaluate_feature(
    values: FeatureValues,
    gold: GoldData,
    models: Sequence[Predictions],
    settings: Evaluation,
    people: AnnotatorAnswers | None,
    chains: Mapping[str, Trace] | None = None,
) -> FeatureEvaluation:
    """Evaluate on one feature all models that predict it.

    Args:
        values: of the feature.
        gold: the gold set.
        models: their predictions.
        settings: what the study says.
        people: the annotators' own answers, for the alternative annotator test.
        chains: name of the predictions -> where items were lost in their chain.
    """
    name = values.feature.name
    silent = [model.name for model in models if not model.covers(name)]
    models = [model for model in models if model.covers(name)]
    pairs = [pair for pair in settings.pairs if not set(pair) & set(silent)]
    there, labelled, usable, ours = _steps_to_evaluated(values, gold)
    main, whole = (_part(some, gold, values) for some in (ours, usable))
    counts = ItemCounts(
        in_split=len(gold.items),
        gone=len(gold.items) - len(there),
        unresolved=len(there) - len(labelled),
        cannot_tell=len(labelled) - len(usable),
        llm_decided=len(usable) - len(ours),
        evaluated=len(ours),
        is_weighted=main.design.is_unequal,
    )
    empty = FeatureEvaluation(name, values.feature.type, values.scale.kind, counts)
    if not ours:
        none = "No item has a gold label that can be evaluated."
        llm_decided = f"The gold label of {counts.llm_decided:,} items was decided by an LLM."
        return replace(empty, notes=(none, *([llm_decided] if counts.llm_decided else [])))
    answers, baselines = evaluate_baselines(main.gold, values, main.design)
    each = _Each(values, gold, main, whole, answers[0], people, settings, chains or {})
    return replace(
        empty,
        baselines=baselines,
        models=tuple(each.evaluate(model) for model in models),
        comparisons=tuple(each.compare(pair, models) for pair in pairs),
        notes=(*_silent(silent), *_notes(gold, ours, counts, baselines)),
    )


def evaluated_items(values: FeatureValues, gold: GoldData) -> list[GoldItem]:
    """The gold items on which models are measured: there, labelled, comparable, and not decided by an LLM."""
    return _steps_to_evaluated(values, gold)[-1]


def _steps_to_evaluated(values: FeatureValues, gold: GoldData) -> tuple[list[GoldItem], ...]:
    """Items whose records are there, of these the labelled, the comparable, those that no LLM has decided."""
    name = values.feature.name
    there = [item for item in gold.items.values() if item.item_id not in gold.gone]
    labelled = [item for item in there if name in item.labels]
    usable = [item for item in labelled if item.labels[name] is not None or values.can_abstain]
    return there, labelled, usable, [item for item in usable if not item.llm_decided(name)]


def prediction_for_item(values: FeatureValues, model: Predictions, item: str) -> Prediction:
    """What a model says of an item; an abstention that is no label counts as a failure."""
    prediction = model.of(values.feature.name, item)
    if prediction.state == OK and prediction.value is None and not values.can_abstain:
        return Prediction(ABSTAINED, None, prediction.confidence)
    return prediction


def key_of(values: FeatureValues, prediction: Prediction) -> Hashable:
    """A prediction in the form in which equal answers are equal; `FAILED` where there is none."""
    return values.key(prediction.value) if prediction.state == OK else FAILED


def _part(items: Sequence[GoldItem], gold: GoldData, values: FeatureValues) -> _Part:
    name = values.feature.name
    design = equal_design(len(items)) if gold.is_targeted else design_of(gold.drawn, items)
    if gold.groups is not None:
        design = equal_design(len(items), [gold.groups[item.item_id] for item in items])
    return _Part(
        ids=tuple(item.item_id for item in items),
        gold=tuple(values.key(item.labels[name]) for item in items),
        design=design,
    )


class _Each:
    """Evaluates one model, or two, on the feature."""

    def __init__(
        self,
        values: FeatureValues,
        gold: GoldData,
        main: _Part,
        whole: _Part,
        majority: Hashable,
        people: AnnotatorAnswers | None,
        settings: Evaluation,
        chains: Mapping[str, Trace],
    ):
        self._values, self._gold, self._main, self._whole = values, gold, main, whole
        self._majority, self._people, self._settings = majority, people, settings
        self._chains = chains

    def evaluate(self, model: Predictions) -> ModelEvaluation:
        values, main = self._values, self._main
        predictions = [self._prediction(model, item) for item in main.ids]
        states = Counter(prediction.state for prediction in predictions if prediction.state != OK)
        keys = [self._key(prediction) for prediction in predictions]
        coded = values.code(main.gold, [keys])
        failed = coded.codes[:, 1] == coded.failed
        left_out = [prediction.left_out for prediction in predictions]
        return ModelEvaluation(
            model=model.name,
            figures=figures_of(coded, 0, values, main.design),
            failed=dict(sorted(states.items())),
            answered=self._answered(coded, failed),
            with_llm_decided=self._with_llm_decided(model),
            labels=figures_by_label(coded, values, main.design),
            confusion=confusion_of(coded, values),
            over_baseline=self._compared((model.name, BASELINE), [keys, [self._majority] * len(keys)]),
            calibration=_calibration(predictions, values.right(coded)[:, 0], main.design),
            prevalence=corpus_prevalence(
                values,
                model,
                coded,
                main.design,
                self._gold.drawn,
                [code is not None for code in left_out],
                self._gold.is_targeted,
            ),
            alternative=self._alternative(model),
            mistakes=tuple(self._mistakes(predictions, coded)),
            left_out=dict(sorted(Counter(code for code in left_out if code is not None).items())),
            lost=self._lost(model, predictions),
        )

    def _lost(self, model: Predictions, predictions: Sequence[Prediction]) -> LostPositives | None:
        """Where positives were lost, of a yes or no whose chain is known."""
        trace = self._chains.get(model.name)
        if trace is None or not isinstance(self._values.feature, Binary):
            return None
        items = [self._gold.items[item] for item in self._main.ids]
        said = [prediction.value if prediction.state == OK else None for prediction in predictions]
        return lost_positives(
            trace(self._values.feature.name, [item.id for item in items]),
            [item.id for item in items],
            np.array([item.labels[self._values.feature.name] is True for item in items]),
            np.array([value is True for value in said]),
            self._main.design,
        )

    def compare(self, pair: tuple[str, str], models: Sequence[Predictions]) -> Comparison:
        by_name = {model.name: model for model in models}
        keys = [
            [self._key(self._prediction(by_name[name], item)) for item in self._main.ids] for name in pair
        ]
        return self._compared(pair, keys)

    def _compared(self, names: tuple[str, str], keys: Sequence[Sequence[Hashable]]) -> Comparison:
        coded = self._values.code(self._main.gold, keys)
        return compare(names, coded, self._values, self._main.design)

    def _prediction(self, model: Predictions, item: str) -> Prediction:
        return prediction_for_item(self._values, model, item)

    def _key(self, prediction: Prediction) -> Hashable:
        return key_of(self._values, prediction)

    def _answered(self, coded: CodedPredictions, failed: np.ndarray) -> Any:
        if not failed.any() or failed.all():
            return None
        answered = CodedPredictions(coded.categories, coded.codes[~failed], coded.is_nominal)
        return figures_of(answered, 0, self._values, self._main.design.part(~failed))

    def _with_llm_decided(self, model: Predictions) -> Any:
        if len(self._whole.ids) == len(self._main.ids):
            return None
        keys = [self._key(self._prediction(model, item)) for item in self._whole.ids]
        coded = self._values.code(self._whole.gold, [keys])
        return figures_of(coded, 0, self._values, self._whole.design)

    def _alternative(self, model: Predictions) -> Any:
        if self._people is None:
            return None
        llm = {item: self._key(self._prediction(model, item)) for item in self._gold.annotated}
        return self._people.test(self._values, llm, self._settings.epsilon)

    def _mistakes(self, predictions: Sequence[Prediction], coded: CodedPredictions) -> list[Mistake]:
        mistakes, errors = [], []
        for place in np.flatnonzero(~self._values.right(coded)[:, 0]).tolist():
            gold, predicted = coded.codes[place]
            key = coded.categories[predicted] if predicted != coded.failed else FAILED
            item, prediction = self._gold.items[self._main.ids[place]], predictions[place]
            mistakes.append(
                Mistake(
                    item_id=item.item_id,
                    id=item.id,
                    gold=key_text(coded.categories[gold]),
                    predicted="" if key is FAILED else key_text(key),
                    state=prediction.left_out or prediction.state,
                    confidence=prediction.confidence,
                    fields=self._fields(item),
                )
            )
            errors.append(_distance(self._values, coded.categories[gold], key))
        return most_telling_first(mistakes, errors)

    def _fields(self, item: GoldItem) -> dict[str, str]:
        names = self._settings.show or list(item.data)
        return {name: field_text(look_up(item.data, name)[1]) for name in names}


def _distance(values: FeatureValues, gold: Any, predicted: Any) -> float:
    """How far off a score is; 0 for other kinds and failed predictions."""
    if values.scale.kind != "ordered" or predicted is FAILED:
        return 0.0
    return abs(float(gold) - float(predicted))


def _calibration(predictions: Sequence[Prediction], right: np.ndarray, design: Design) -> Calibration | None:
    answered = [prediction.state == OK for prediction in predictions]
    confidences = [prediction.confidence if prediction.state == OK else None for prediction in predictions]
    sure = np.array([confidence is not None for confidence in confidences])
    if not sure.any():
        return None
    confidence = np.array([confidence for confidence in confidences if confidence is not None])
    without = sum(answered) - len(confidence)
    return calibration(confidence, right[sure], design.part(sure), without)


def _silent(models: Sequence[str]) -> list[str]:
    return [f"{model} does not predict this feature." for model in models]


def _notes(
    gold: GoldData, used: Sequence[GoldItem], counts: ItemCounts, baselines: Sequence[Baseline]
) -> list[str]:
    notes = []
    if counts.llm_decided:
        notes.append(
            f"The gold label of {counts.llm_decided:,} more items was decided by an LLM, so they are left"
            " out; a set of figures of its own has them in."
        )
    if counts.evaluated < _FEW:
        notes.append(
            f"Only {counts.evaluated} item{' is' if counts.evaluated == 1 else 's are'} evaluated: too few to"
            " tell good from middling models."
        )
    lost = [] if gold.is_targeted else unused_strata(gold.drawn, used)
    if lost:
        notes.append(
            f"No item is left of the strata {', '.join(lost)}: the figures say nothing about them, and the"
            " weighted ones are not those of the whole corpus."
        )
    return notes
