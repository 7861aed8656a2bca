"""Answers as other annotation tools give them: labels that were picked, or text that was typed."""

from __future__ import annotations

from typing import Any

from goldpan.errors import AnswerError
from goldpan.tasks.features import Feature, Multilabel, Ranking, Text
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.values import value_check
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM, choices
from goldpan.waves.collect.cell_values import read_cell


def read_picked(feature: Feature, picked: list[str], cannot_tell: bool) -> Any:
    """The answer that picked labels are; None is "cannot tell".

    Raises:
        AnswerError: not one of the labels, or several where one is asked for.
    """
    if CANNOT_TELL in picked:
        if len(picked) > 1 or not cannot_tell:
            raise AnswerError(f"`{feature.name}`: `{CANNOT_TELL}` cannot stand here")
        return None
    if isinstance(feature, Multilabel):
        return value_check(feature)([] if picked == [NONE_OF_THEM] else picked)
    if len(picked) > 1:
        listed = " and ".join(f"`{label}`" for label in picked)
        raise AnswerError(f"`{feature.name}`: {listed} are picked, but only one can hold")
    by_text = {choice.text: choice.value for choice in choices(feature) or []}
    if picked[0] not in by_text:
        raise AnswerError(
            f"`{feature.name}`: `{picked[0]}` is not one of the labels; {suggestion(picked[0], by_text)}"
        )
    return by_text[picked[0]]


def read_typed(feature: Feature, typed: str, cannot_tell: bool) -> Any:
    """The answer that typed text is; None is "cannot tell".

    Raises:
        AnswerError: it is no answer to the feature.
    """
    if isinstance(feature, Text) and typed.strip() != CANNOT_TELL:
        return value_check(feature)(typed)
    return read_cell(feature, typed, cannot_tell).value


def is_picked(feature: Feature) -> bool:
    """Whether other tools let one pick the answer from a list."""
    return not isinstance(feature, Ranking) and choices(feature) is not None
