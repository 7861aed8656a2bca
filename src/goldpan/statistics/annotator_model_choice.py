"""Which model of annotators a wave's answers bear, and how sure it may be: by holding out answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldpan.statistics.dawid_skene import MODELS, AnnotatorModel, foretold, free_parameters

FOLDS = 3
PLENTY = 100.0
"""Answers for each free parameter of the full model from which it is taken without a trial."""
TOO_FEW = 0.1
"""Answers for each of them below which only the one-coin model is fitted: with hundreds of labels the others
would take minutes to learn nothing."""
FEWEST_TO_HOLD_OUT = 10
"""Items below which nothing is held out, and one number for each annotator is all that can be learnt."""


@dataclass(frozen=True)
class ModelChoice:
    """A model, and how much there was to learn it from.

    Attributes:
        model: its name.
        answers: how many there are.
        parameters: free parameters of the model.
        reason: why it was taken; empty where it was asked for by name.
    """

    model: AnnotatorModel
    answers: int
    parameters: int
    reason: str = ""

    @property
    def answers_per_parameter(self) -> float:
        """Answers for each free parameter."""
        return self.answers / max(self.parameters, 1)


def sized(
    model: AnnotatorModel, questions: Sequence[np.ndarray], labels: int, reason: str = ""
) -> ModelChoice:
    """A model with its size; questions and labels as for `choose_model`."""
    answers = sum(int((codes >= 0).sum()) for codes in questions)
    each = sum(free_parameters(model, codes.shape[1], labels) for codes in questions)
    return ModelChoice(model, answers, each, reason)


def choose_model(questions: Sequence[np.ndarray], labels: int) -> ModelChoice:
    """The model under which the answers to a third of the items are likeliest, learnt from the others.

    Each third is held out once; the same answers give the same choice. A model with more to learn is taken
    only where it foretells the answers better than the ones with less by more than the standard error of the
    difference over items (the rule of one standard error of Breiman and others 1984, Classification and
    Regression Trees, section 3.4.3): else, where answers are few, chance would choose.

    Args:
        questions: codes (n, m) of one or more questions about the same items (one for each label, where
            answers are sets); they get one model together.
        labels: number of labels of each, k.
    """
    full = sized("full", questions, labels, f"{PLENTY:g} answers or more for each of its free parameters")
    if full.answers_per_parameter >= PLENTY:
        return full
    if full.answers_per_parameter < TOO_FEW:
        few = f"fewer than {TOO_FEW:g} answers for each free parameter of the full model"
        return sized("one_coin", questions, labels, few)
    answered = [codes[(codes >= 0).any(1)] for codes in questions]
    if not answered or min(map(len, answered)) < FEWEST_TO_HOLD_OUT:
        few = f"fewer than {FEWEST_TO_HOLD_OUT} items, too few to hold any out"
        return sized("one_coin", questions, labels, few)
    likelihoods = {
        model: np.concatenate([_held_out(model, codes, labels)[1] for codes in answered]) for model in MODELS
    }
    best, *others = MODELS
    for model in others:
        gains = likelihoods[model] - likelihoods[best]
        best = model if gains.sum() > gains.std(ddof=1) * np.sqrt(len(gains)) else best
    return sized(best, questions, labels, "it foretells held-out answers best")


def calibrated_posteriors(model: AnnotatorModel, codes: np.ndarray, labels: int) -> np.ndarray:
    """Posteriors (n, k) of a model; those of `one_coin` and `shrunk` no surer than with answers held out.

    A fit has seen the answers that it judges, and is too sure of them. So its posteriors are flattened
    (raised to a power below 1, as by the temperature of Guo and others 2017, ICML) until their mean largest
    chance is that of posteriors learnt from other items. Their order stays. `full` is left as published.

    Args:
        model: which.
        codes: shape (n, m); below 0 is missing.
        labels: number of labels, k.
    """
    posteriors = MODELS[model](codes, labels).posteriors
    answered = (codes >= 0).any(1)
    if model == "full" or answered.sum() < FEWEST_TO_HOLD_OUT:
        return posteriors
    held_out, _ = _held_out(model, codes[answered], labels)
    aim, logs = held_out.max(1).mean(), np.log(np.maximum(posteriors[answered], 1e-300))
    low, high = 0.0, 1.0
    for _ in range(40):
        power = (low + high) / 2
        low, high = (power, high) if _flattened(logs, power).max(1).mean() < aim else (low, power)
    posteriors[answered] = _flattened(logs, high)
    return posteriors


def _flattened(logs: np.ndarray, power: float) -> np.ndarray:
    chances = np.exp(power * (logs - logs.max(1, keepdims=True)))
    return chances / chances.sum(1, keepdims=True)


def _held_out(model: AnnotatorModel, codes: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors (n, k) and log-likelihoods (n,) of answers (n, m), each item from the other folds."""
    # Drawn from the order of the answers, not of the items: an id must not decide.
    order = np.lexsort(codes.T)
    folds = np.empty(len(codes), dtype=int)
    folds[order] = np.random.default_rng(0).permutation(len(codes)) % FOLDS
    posteriors, likelihoods = np.empty((len(codes), labels)), np.empty(len(codes))
    for fold in range(FOLDS):
        here = folds == fold
        fit = MODELS[model](codes[~here], labels)
        posteriors[here], likelihoods[here] = foretold(fit, codes[here])
    return posteriors, likelihoods
