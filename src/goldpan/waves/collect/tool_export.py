"""Exports of annotation tools: a module for each takes its rows apart, one loop makes answers of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from goldpan.errors import AnswerError
from goldpan.tasks.features import Feature, Multilabel, Text
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.values import value_check
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM, choices, texts_to_pick
from goldpan.waves.collect.cell_values import read_cell
from goldpan.waves.collect.filled import FilledSheet, GivenOut, Problems, SheetAnswer, SheetIdCheck
from goldpan.waves.sheets.sheet import redraw_of

Said = list[str] | str | None
"""Labels that were picked, text that was typed, or nothing."""


@dataclass
class ToolAnswer:
    """What an export says in one place about one item.

    Attributes:
        item_id, sheet: the ids that were given out with the item.
        said: name of a feature and what was said about it, in the order of the export; one may stand twice.
        wrong: what cannot be the answer to any feature.
        flag, note, seconds: as in `Answer`.
    """

    item_id: str
    sheet: str
    said: list[tuple[str, Said]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    flag: bool = False
    note: str = ""
    seconds: float | None = None


def read_export(
    file: str,
    rows: Iterable[tuple[int, Any]],
    given_out: GivenOut,
    parse: Callable[[Any, str], Iterable[ToolAnswer]],
    called: str,
    remedy: str,
) -> FilledSheet:
    """The answers of an export.

    Args:
        file: its name, for messages.
        rows: number of each row, and the row.
        given_out: the wave.
        parse: takes a row apart, given where it stands.
        called: what a row is called in messages, such as `task`.
        remedy: what to do about wrong answers.

    Raises:
        SheetError: another wave or codebook, or an answer that the codebook does not allow.
    """
    problems = Problems(file)
    sheet_ids = SheetIdCheck(given_out, problems)
    filled = FilledSheet(file)
    for number, row in rows:
        for told in parse(row, f"{file}, {called} {number}"):
            place = f"{called} {number} ({told.item_id})"
            annotator = sheet_ids.annotator(told.sheet, place)
            if annotator is None:
                continue
            for what in told.wrong:
                problems.add(place, what)
            values: dict[str, Any] = {}
            for name, said in told.said:
                try:
                    _add_value(values, name, said, given_out)
                except AnswerError as error:
                    problems.add(place, error.what)
            filled.answers.append(
                SheetAnswer(
                    told.item_id,
                    annotator,
                    file,
                    place,
                    values,
                    told.flag,
                    told.note,
                    told.seconds,
                    redraw=redraw_of(told.sheet),
                )
            )
    problems.raise_if_any(remedy)
    return filled


def _add_value(values: dict[str, Any], name: str, said: Said, given_out: GivenOut) -> None:
    """Read what was said about a feature.

    Raises:
        AnswerError: there is no such feature, it is no answer to it, or another one than was said before.
    """
    feature, cannot_tell = given_out.codebook.by_name.get(name), given_out.codebook.cannot_tell
    if feature is None:
        raise AnswerError(f"the wave does not ask for `{name}`")
    if said is None:
        return
    if isinstance(said, str):
        value = _typed(feature, said, cannot_tell)
    else:
        value = _picked(feature, said, cannot_tell)
    if values.setdefault(name, value) != value:
        raise AnswerError(f"`{name}` has two answers")


def _picked(feature: Feature, labels: list[str], cannot_tell: bool) -> Any:
    """The answer that picked labels are; None is "cannot tell"."""
    if CANNOT_TELL in labels:
        if len(labels) > 1 or not cannot_tell:
            raise AnswerError(f"`{feature.name}`: `{CANNOT_TELL}` cannot stand here")
        return None
    if isinstance(feature, Multilabel):
        return value_check(feature)([] if labels == [NONE_OF_THEM] else labels)
    if len(labels) != 1:
        listed = " and ".join(f"`{label}`" for label in labels) or "no labels"
        raise AnswerError(f"`{feature.name}`: {listed} are picked, but only one can hold")
    by_text = {choice.text: choice.value for choice in choices(feature) or []}
    if labels[0] not in by_text:
        raise AnswerError(
            f"`{feature.name}`: `{labels[0]}` is not one of the labels; {suggestion(labels[0], by_text)}"
        )
    return by_text[labels[0]]


def _typed(feature: Feature, text: str, cannot_tell: bool) -> Any:
    """The answer that typed text is; None is "cannot tell"."""
    if isinstance(feature, Text) and text.strip() != CANNOT_TELL:
        return value_check(feature)(text)
    return read_cell(feature, text, cannot_tell).value


def is_picked(feature: Feature | None) -> bool:
    """Whether other tools let one pick the answer from a list."""
    return feature is not None and texts_to_pick(feature, True) is not None
