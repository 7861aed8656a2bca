"""The answer in a spreadsheet cell: exact where it can be, repaired where only one answer fits, else refused.

An empty cell is no answer. Text such as NA, None or null is text.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from goldpan.cells import restore
from goldpan.errors import AnswerError
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.values import value_check
from goldpan.visible_text import visible, with_code_points
from goldpan.waves.answer_text import LIST_SEPARATOR, RANK_SEPARATOR
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM, labels
from goldpan.waves.sheets.spreadsheet import as_number, fold, is_error_value, readings, share_a_reading
from goldpan.waves.sheets.yes_and_no import means_yes, same_meaning

_LETTERS = {"y": True, "n": False}


@dataclass(frozen=True)
class CellValue:
    """An answer read from a cell.

    Attributes:
        value: the answer; None is "cannot tell".
        repaired: the cell did not hold exactly what a sheet would, but can mean nothing else.
    """

    value: Any
    repaired: bool = False


def is_empty(cell: Any) -> bool:
    """Whether a cell holds no answer."""
    return cell is None or (isinstance(cell, str) and not fold(cell))


def read_cell(feature: Feature, cell: Any, cannot_tell: bool) -> CellValue:
    """The answer in a cell that is not empty.

    Args:
        feature: what was asked.
        cell: text from a CSV file, or a text, number, truth value, date or time from a workbook; from JSON a
            list, too.
        cannot_tell: whether that was an allowed answer.

    Raises:
        AnswerError: the cell is no answer to this feature, or may mean several; labels come with the nearest.
    """
    if isinstance(cell, str):
        cell = restore(cell)
        if fold(cell) == CANNOT_TELL:
            if not cannot_tell:
                raise AnswerError(f"`{feature.name}`: `{CANNOT_TELL}` is not offered in this wave")
            return CellValue(None, repaired=cell != CANNOT_TELL)
    match feature:
        case Binary():
            return _binary(feature, cell)
        case Classification():
            return _label(feature.name, labels(feature), cell)
        case Multilabel():
            return _label_list(feature, cell, [LIST_SEPARATOR.strip(), "\n", "|", ","])
        case Ranking():
            return _label_list(feature, cell, [RANK_SEPARATOR.strip(), "\n", ";", "|", ","])
        case Score():
            return _score(feature, cell)
        case Extraction():
            return _extraction(feature, cell)
        case Text():
            return _text(feature, cell)


def _binary(feature: Binary, cell: Any) -> CellValue:
    text, possible = fold(_plain(cell)), readings(cell)
    value = _LETTERS.get(text, means_yes(text))
    if value or possible & {("truth", True), ("number", 1.0)}:
        return CellValue(True, repaired=cell != "yes")
    if value is False or possible & {("truth", False), ("number", 0.0)}:
        return CellValue(False, repaired=cell != "no")
    raise AnswerError(f"`{feature.name}`: {_shown(cell)} is neither yes nor no")


def _label(name: str, allowed: list[str], cell: Any) -> CellValue:
    if isinstance(cell, str):
        if cell in allowed:
            return CellValue(cell)
        if folded := [label for label in allowed if fold(label) == fold(cell)]:
            return CellValue(_only(name, folded, cell), repaired=True)
    possible = readings(cell)
    if meant := [label for label in allowed if share_a_reading(possible, readings(label))]:
        label = _only(name, meant, cell)
        return CellValue(label, repaired=_plain(cell) != label)
    if meant := same_meaning(fold(_plain(cell)), {fold(label): label for label in allowed}):
        return CellValue(_only(name, meant, cell), repaired=True)
    raise AnswerError(
        f"`{name}`: {_shown(cell)} is not one of the labels; {suggestion(_plain(cell), allowed)}"
    )


def _only(name: str, meant: list[str], cell: Any) -> str:
    if len(meant) > 1:
        listed = " or ".join(f"`{label}`" for label in meant)
        raise AnswerError(
            f"`{name}`: {_shown(cell)} may mean {listed}; a spreadsheet seems to have changed it"
        )
    return meant[0]


def _label_list(feature: Multilabel | Ranking, cell: Any, separators: list[str]) -> CellValue:
    allowed = labels(feature)
    if isinstance(cell, list):
        members = [_label(feature.name, allowed, member) for member in cell]
        value = value_check(feature)([member.value for member in members])
        return CellValue(value, any(member.repaired for member in members))
    if not isinstance(cell, str):
        read = _label(feature.name, allowed, cell)
        return CellValue(value_check(feature)([read.value]), read.repaired)
    if fold(cell) == NONE_OF_THEM:
        return CellValue(value_check(feature)([]), repaired=cell != NONE_OF_THEM)
    by_fold = {fold(label): label for label in allowed}
    if len(by_fold) < len(allowed):
        by_fold = {label: label for label in allowed}
    for separator in separators:
        solutions = _segmentations(cell.split(separator), separator, by_fold)
        if len(solutions) > 1:
            listed = " or ".join(str(list(solution)) for solution in sorted(solutions)[:2])
            raise AnswerError(f"`{feature.name}`: {_shown(cell)} may mean {listed}")
        for solution in solutions:
            exact = separator == separators[0] and all(label in cell for label in solution)
            return CellValue(value_check(feature)(list(solution)), repaired=not exact)
    parts = [part.strip() for part in cell.split(separators[0])]
    wrong = next((part for part in parts if fold(part) not in by_fold and part not in by_fold), cell)
    raise AnswerError(
        f"`{feature.name}`: {_shown(wrong)} is not one of the labels; {suggestion(wrong, allowed)}"
    )


def _segmentations(parts: list[str], separator: str, by_fold: dict[str, str]) -> set[tuple[str, ...]]:
    """All ways to read parts as labels, where a label may itself hold the separator."""
    # ways[end] holds every reading of the first `end` parts, the last label of which begins at some `start`.
    ways: list[set[tuple[str, ...]]] = [{()}, *(set() for _ in parts)]
    for end in range(1, len(parts) + 1):
        for start in range(end):
            joined = separator.join(parts[start:end]).strip()
            label = by_fold.get(fold(joined)) or by_fold.get(joined)
            if label is not None:
                ways[end] |= {(*before, label) for before in ways[start]}
    return ways[-1]


def _score(feature: Score, cell: Any) -> CellValue:
    if isinstance(cell, str):
        number = as_number(visible(cell).strip())
        if number is None and (share := _share(feature, cell)) is not None:
            return CellValue(value_check(feature)(share), repaired=True)
        if number is None:
            raise AnswerError(f"`{feature.name}`: {_shown(cell)} is not a number{_date_hint(cell)}")
        return CellValue(value_check(feature)(number), repaired="," in cell or visible(cell) != cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise AnswerError(f"`{feature.name}`: {_shown(cell)} is not a number{_date_hint(cell)}")
    return CellValue(value_check(feature)(cell))


def _share(feature: Score, cell: str) -> float | None:
    """A percentage as a share, where the score is one; from 0 to 100, `50%` may be 50 or 0.5."""
    text = fold(cell)
    if feature.integer or feature.min < 0 or feature.max > 1 or not text.endswith("%"):
        return None
    percent = as_number(text[:-1].strip())
    # 15 digits, so that `28.7%` is the same answer as 0.287.
    return None if percent is None else float(f"{percent / 100:.15g}")


def _extraction(feature: Extraction, cell: Any) -> CellValue:
    if isinstance(cell, str) and fold(cell) == NONE_OF_THEM:
        return CellValue([], repaired=cell != NONE_OF_THEM)
    try:
        value = orjson.loads(cell) if isinstance(cell, str) else cell
    except orjson.JSONDecodeError as error:
        raise AnswerError(f"`{feature.name}`: not valid JSON: {error}") from None
    return CellValue(value_check(feature)(value))


def _text(feature: Text, cell: Any) -> CellValue:
    if isinstance(cell, str):
        if is_error_value(cell):
            raise AnswerError(f"`{feature.name}`: {cell.strip()} is an error of a spreadsheet, not an answer")
        return CellValue(value_check(feature)(cell))
    return CellValue(value_check(feature)(_plain(cell)), repaired=True)


def _plain(cell: Any) -> str:
    """A typed cell as text: 1.0 as `1`, a truth value as a spreadsheet shows it, a date in ISO form."""
    match cell:
        case bool():
            return str(cell).upper()
        case int() | float():
            return f"{cell:.15g}"
        case datetime.datetime() if cell.time() == datetime.time():
            return cell.date().isoformat()
        case datetime.date() | datetime.time():
            return cell.isoformat()
    return str(cell)


def _shown(cell: Any) -> str:
    text = _plain(cell)
    return f"`{with_code_points(text if len(text) <= 60 else f'{text[:60]}…')}`"


def _date_hint(cell: Any) -> str:
    kinds: Iterable[Any] = {reading[0] for reading in readings(cell)}
    return " (a spreadsheet seems to have made a date of it)" if "date" in kinds else ""
