"""Gold labels that may be wrong: a model that is sure, or several that agree, say something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldpan.error_analysis.confident_learning import PooledAnswers, pooled_answers, suspected_by_confidence
from goldpan.error_analysis.extra import check_analysis_packages
from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.model_disagreement import NO_ANSWER, codes_of, disagreement
from goldpan.error_analysis.parts import SuspectedLabel, SuspectedLabels
from goldpan.error_analysis.rows import listed_row
from goldpan.evaluation.formatting import percent
from goldpan.evaluation.predictions import OK
from goldpan.statistics.permutations import out_of_reach
from goldpan.study.error_analysis import ErrorAnalysis

CONFIDENT_LEARNING, DISAGREEMENT = "confident learning", "disagreement of models"
FEWEST_ROWS = 60
"""With fewer rows nothing is said."""
_SINGLE = ("binary", "classification")
_WITH_CONFIDENCE = 0.8
_DISTINCT = 60
_STRATA = 3
_LIKELIER = 0.5
_EVIDENCE = {
    CONFIDENT_LEARNING: "what contradicts them is surer than mistakes that follow the confidence would be",
    DISAGREEMENT: "models agree against them more often than if they erred independently of each other",
}


def suspected_labels(
    models: Sequence[ErrorItems], settings: ErrorAnalysis, alpha: float | None = None
) -> SuspectedLabels:
    """The gold labels of a feature that are likelier wrong than the predictions that contradict them.

    By the confidence of the models where one has confidences that grade its answers (`confident_learning`),
    else by the disagreement of two or more models (`model_disagreement`). Nothing is reported unless there
    are more contradictions than the models' own errors explain.

    Args:
        models: the evaluated rows of one feature, of each model.
        settings: what the study says.
        alpha: how often labels may be reported where none is wrong; default `settings.alpha`.

    Raises:
        StudyError: `cleanlab` is needed and not installed.
    """
    alpha = settings.alpha if alpha is None else alpha
    usable = [_Usable.of(items) for items in models]
    usable = [model for model in usable if len(model.rows) >= FEWEST_ROWS]
    notes = [note for items in models for note in _learned_notes(items)]
    if not usable:
        return _not_looked(
            f"Fewer than {FEWEST_ROWS} labels have an answer of a model that did not learn from them.",
            notes,
            alpha,
        )
    graded = [model for model in usable if model.is_graded]
    if graded:
        check_analysis_packages("suspected gold labels", "cleanlab")
        return _by_confidence(graded, settings, alpha, notes)
    if len(usable) > 1:
        return _by_disagreement(usable, settings, alpha, notes)
    return _not_looked(_why_one_is_not_enough(usable[0]), notes, alpha)


@dataclass(frozen=True)
class _Usable:
    """The rows of a model from which something about their labels can be learned.

    Attributes:
        items: of the model.
        rows: item id -> row, of those with a label, an answer, and not learned from.
    """

    items: ErrorItems
    rows: dict[str, ErrorItem]

    @classmethod
    def of(cls, items: ErrorItems) -> _Usable:
        """Those of a model."""
        return cls(
            items,
            {
                item.item_id: item
                for item in items.items
                if item.state == OK
                and item.gold_key is not None
                and item.predicted_key is not None
                and item.split not in items.learned_splits
            },
        )

    @property
    def confidences(self) -> list[float]:
        """Those that are known."""
        return [item.confidence for item in self.rows.values() if item.confidence is not None]

    @property
    def is_graded(self) -> bool:
        """Whether its confidences tell rows from each other finely enough to be recalibrated.

        With a few steps, as of shares of samples or of numbers that a language model says of itself, a model
        that is often wrong where it is surest cannot be told from wrong labels.
        """
        known = self.confidences
        is_known = len(known) >= _WITH_CONFIDENCE * len(self.rows)
        steps = len({round(value, 6) for value in known})
        return self.items.kind in _SINGLE and is_known and steps >= min(_DISTINCT, len(known) // 2)


def _by_confidence(
    models: Sequence[_Usable], settings: ErrorAnalysis, alpha: float, notes: list[str]
) -> SuspectedLabels:
    pooled = pooled_answers([(model.items, list(model.rows.values())) for model in models])
    judged = suspected_by_confidence(pooled, alpha)
    names = tuple(model.items.model for model in models)
    suspects = [
        (item, answer, float(judged.flipped[row]), _why_sure(names, confidence, float(judged.flipped[row])))
        for row, (item, answer, confidence) in enumerate(
            zip(pooled.items, pooled.shown, pooled.confidence, strict=True)
        )
        if judged.is_suspected[row]
    ]
    if suspects:
        notes = [
            *notes,
            f"cleanlab alone lists {judged.listed_by_cleanlab:,} labels; kept are those that are likelier"
            " wrong than the answer that contradicts them.",
        ]
    notes = [
        *notes,
        *_probability_notes(pooled, names),
        "Mistakes are taken to follow the confidence. A right label whose row looks like another one's is"
        " contradicted as surely as a wrong label.",
    ]
    return _reported(
        models[0].items,
        settings,
        alpha,
        CONFIDENT_LEARNING,
        names,
        suspects,
        notes,
        looked_at=len(pooled.items),
        expected=judged.expected,
        p_value=judged.p_value,
    )


def _by_disagreement(
    models: Sequence[_Usable], settings: ErrorAnalysis, alpha: float, notes: list[str]
) -> SuspectedLabels:
    items = {item.item_id: item for model in reversed(models) for item in model.rows.values()}
    ids = sorted(id for id in items if sum(id in model.rows for model in models) > 1)
    if len(ids) < FEWEST_ROWS:
        return _not_looked(f"Fewer than {FEWEST_ROWS} labels have answers of two models.", notes, alpha)
    if reason := out_of_reach(alpha):
        return _not_looked(reason, notes, alpha)
    answered = [[model.rows.get(id) for id in ids] for model in models]
    codes = codes_of(
        [
            [items[id].gold_key for id in ids],
            *([item and item.predicted_key for item in column] for column in answered),
        ],
        [[False] * len(ids), *([item is None for item in column] for column in answered)],
    )
    judged = disagreement(codes[:, 0], codes[:, 1:], _strata(answered), alpha, settings.seed)
    names = tuple(model.items.model for model in models)
    suspects = []
    for row in np.flatnonzero(judged.against & (judged.doubt >= _LIKELIER)).tolist():
        score, answers = float(judged.doubt[row]), int((codes[row, 1:] != NO_ANSWER).sum())
        item = items[ids[row]]
        suspects.append((item, item.predicted, score, _why_agreed(answers, score)))
    notes = [
        *notes,
        "Models are taken to err independently of each other on rows of one gold label"
        + (" and of like confidence" if _strata(answered).any() else "")
        + ". Mistakes that all of them make, on rows that are hard for all, look the same as wrong labels.",
    ]
    return _reported(
        models[0].items,
        settings,
        alpha,
        DISAGREEMENT,
        names,
        suspects if judged.p_value is not None and judged.p_value <= alpha else [],
        notes,
        looked_at=len(ids),
        expected=judged.expected,
        p_value=judged.p_value,
    )


def _strata(answered: Sequence[Sequence[ErrorItem | None]]) -> np.ndarray:
    """The third of mean confidence that each row is in; one stratum where some row has none."""
    known = [
        [item.confidence for item in row if item is not None and item.confidence is not None]
        for row in zip(*answered, strict=True)
    ]
    if not all(known):
        return np.zeros(len(known), dtype=int)
    means = np.array([sum(row) / len(row) for row in known])
    return np.searchsorted(np.unique(np.quantile(means, np.arange(1, _STRATA) / _STRATA)), means, "right")


def _reported(
    items: ErrorItems,
    settings: ErrorAnalysis,
    alpha: float,
    method: str,
    names: tuple[str, ...],
    suspects: Sequence[tuple[ErrorItem, str, float, str]],
    notes: Sequence[str],
    *,
    looked_at: int,
    expected: float,
    p_value: float | None,
) -> SuspectedLabels:
    by_doubt = sorted(suspects, key=lambda entry: (-entry[2], entry[0].item_id))
    if by_doubt:
        finding = (
            f"{len(by_doubt):,} of {looked_at:,} gold labels are worth a second look: {_EVIDENCE[method]}"
            f" (expected of right labels: some {expected:.1f}). This is no proof that they are wrong: on rows"
            " that are hard, models are wrong together, and sure of it."
        )
    else:
        finding = (
            f"No gold label is suspected: that {looked_at:,} labels are contradicted as they are can be the"
            " models' own mistakes."
        )
    return SuspectedLabels(
        finding=finding,
        notes=tuple(notes),
        rows=tuple(
            listed_row(items, replace(item, predicted=suggested), "suspects", score, why, show=settings.show)
            for item, suggested, score, why in by_doubt
        ),
        suspects=tuple(
            SuspectedLabel(
                item_id=item.item_id, id=item.id, gold=item.gold, suggested=suggested, score=score, why=why
            )
            for item, suggested, score, why in by_doubt
        ),
        method=method,
        models=names,
        looked_at=looked_at,
        expected=expected,
        p_value=p_value,
        p_above=alpha if p_value is None else None,
        alpha=alpha,
    )


def _not_looked(reason: str, notes: Sequence[str], alpha: float) -> SuspectedLabels:
    return SuspectedLabels(finding=reason, reason=reason, notes=tuple(notes), alpha=alpha)


def _why_one_is_not_enough(model: _Usable) -> str:
    if model.items.kind in _SINGLE and model.confidences:
        steps = len({round(value, 6) for value in model.confidences})
        what = (
            f"Confidences of {model.items.model} are known of"
            f" {len(model.confidences):,} of {len(model.rows):,} rows and have {steps:,} different values:"
            " wrong labels cannot be told from a model that is wrong where it is surest."
        )
    else:
        what = (
            f"One model without probabilities cannot tell wrong labels of `{model.items.feature}` from its"
            " own mistakes."
        )
    return (
        f"{what} Evaluate a second model or a head beside it; the surest mistakes stand among the pairs of"
        " labels."
    )


def _learned_notes(items: ErrorItems) -> list[str]:
    seen = sum(item.split in items.learned_splits for item in items.items)
    if not seen:
        return []
    return [
        f"{items.model} learned from {seen:,} of these labels ({', '.join(items.learned_splits)}), so its"
        " answers there say nothing about them and are left out."
    ]


def _probability_notes(pooled: PooledAnswers, names: Sequence[str]) -> list[str]:
    notes = []
    if pooled.labels > 2:
        notes.append(
            "Known is the probability of the label that a model gives; the rest is spread evenly over the"
            " others."
        )
    if len(names) > 1:
        notes.append("Probabilities of several models are pooled: the mean of their logarithms.")
    return notes


def _why_sure(names: Sequence[str], confidence: float, doubt: float) -> str:
    return (
        f"{' and '.join(names)} contradict{'s' if len(names) == 1 else ''} it with a confidence of"
        f" {confidence:.2f}; if mistakes follow the confidence, the chance that the label is wrong, and not"
        f" the answer, is {percent(doubt)}"
    )


def _why_agreed(answers: int, doubt: float) -> str:
    return (
        f"all {answers} models that answered say the same, and not what gold says; independent mistakes"
        f" explain {percent(1 - doubt)} of such rows"
    )
