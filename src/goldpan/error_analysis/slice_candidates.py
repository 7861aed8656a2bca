"""The slices of evaluated rows that are looked at: by what values, numbers and lengths of text they share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.records.record_slice import (
    SOURCE_KEYS,
    RecordSlice,
    number_of,
    paths_of,
    text_length,
    value_as_text,
    values_at,
)

MOST_SINGLE_NUMBERS = 8
"""Numbers of a field that has more are put into bins."""
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class SliceCandidate:
    """A slice and its rows.

    Attributes:
        condition: what its rows have in common.
        rows: their numbers, sorted.
        aliases: names of other slices with the same rows.
    """

    condition: RecordSlice
    rows: np.ndarray
    aliases: tuple[str, ...] = ()


def slice_candidates(
    records: Sequence[Mapping[str, Any]],
    keys: Sequence[str] | None,
    smallest: int,
    passed_over: Collection[str] = (),
) -> list[SliceCandidate]:
    """The slices that hold at least `smallest` of the records and leave out as many, each set of rows once.

    Args:
        records: with `source`, `file` and `data`.
        keys: fields to look at (`data.FIELD`, `file`, `source`); None for all that a record has.
        smallest: rows in a slice, and outside.
        passed_over: fields that are not looked at where `keys` is None.
    """
    if keys is None:
        keys = [*(key for key in _frequent_keys(records, smallest) if key not in passed_over), *SOURCE_KEYS]
    known: dict[bytes, SliceCandidate] = {}
    for key in keys:
        values = [list(values_at(record, key)) for record in records]
        for condition, rows in _slices_of(key, values, smallest):
            if not smallest <= len(rows) <= len(records) - smallest:
                continue
            mark = rows.tobytes()
            first = known.setdefault(mark, SliceCandidate(condition, rows))
            if first.condition != condition:
                known[mark] = SliceCandidate(first.condition, rows, (*first.aliases, condition.name))
    return list(known.values())


def _frequent_keys(records: Sequence[Mapping[str, Any]], smallest: int) -> Iterator[str]:
    """The fields that enough records have; of the others no slice could be large enough."""
    rows = Counter(key for record in records for key in dict.fromkeys(paths_of(record["data"])))
    yield from (key for key, count in rows.items() if count >= smallest)


def _slices_of(
    key: str, values: Sequence[Sequence[Any]], smallest: int
) -> Iterator[tuple[RecordSlice, np.ndarray]]:
    """The slices of one field, from the values that each row has there."""
    absent = np.array([place for place, of_row in enumerate(values) if not of_row], dtype=np.int64)
    yield RecordSlice(key, "absent"), absent
    numbers = _single_numbers(values)
    if numbers is not None:
        yield from _bins(key, "number", numbers)
        return
    rows_of: dict[str, list[int]] = defaultdict(list)
    for place, of_row in enumerate(values):
        for text in dict.fromkeys(map(value_as_text, of_row)):
            rows_of[text].append(place)
    for text, rows in rows_of.items():
        yield RecordSlice(key, "value", text), np.array(rows, dtype=np.int64)
    if key not in SOURCE_KEYS and _is_text(values, rows_of, smallest):
        lengths = [text_length(of_row[0]) if of_row else None for of_row in values]
        yield from _bins(key, "length", lengths)


def _single_numbers(values: Sequence[Sequence[Any]]) -> list[float | None] | None:
    """The number of each row, of a field with one number a row and many different ones; else None."""
    if any(len(of_row) > 1 for of_row in values):
        return None
    numbers = [number_of(of_row[0]) if of_row else None for of_row in values]
    if any(number is None and of_row for number, of_row in zip(numbers, values, strict=True)):
        return None
    return numbers if len(set(numbers) - {None}) > MOST_SINGLE_NUMBERS else None


def _is_text(values: Sequence[Sequence[Any]], rows_of: Mapping[str, Sequence[int]], smallest: int) -> bool:
    """Whether a field holds texts of their own: most rows have one, and one that few others have."""
    if any(len(of_row) > 1 for of_row in values):
        return False
    own = sum(
        isinstance(of_row[0], str) and len(rows_of[value_as_text(of_row[0])]) < smallest
        for of_row in values
        if of_row
    )
    return own > sum(map(bool, values)) / 2


def _bins(key: str, kind: Any, numbers: Sequence[float | None]) -> Iterator[tuple[RecordSlice, np.ndarray]]:
    """Quarters of the rows that have a number, by its size; fewer where many are equal."""
    known = np.array([np.nan if number is None else number for number in numbers])
    counted = Counter(known[~np.isnan(known)].tolist())
    if len(counted) < 2:
        return
    # Edges are numbers that occur, so that a bin holds the same rows when they are looked up again.
    edges = np.unique(np.quantile(known[~np.isnan(known)], _QUARTILES, method="higher")).tolist()
    edges = [edge for edge in edges if edge > min(counted)]
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        condition = RecordSlice(key, kind, None, low, high)
        above = known >= (-np.inf if low is None else low)
        yield condition, np.flatnonzero(above & (known < (np.inf if high is None else high)))
