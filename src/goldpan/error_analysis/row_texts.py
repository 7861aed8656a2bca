"""The texts of rows: what they are compared by, and their words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

_WORDS_OF_A_TEXT = 4
_WORD = re.compile(r"[^\W\d_][\w'’-]*", re.UNICODE)


def row_texts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The text of each record: of the fields that hold texts, one after the other.

    A field holds texts if in the middle it has four words or more; labels, names and codes do not count, and
    least of all a label that the record carries as gold. Where no field does, all that are text count.

    Args:
        rows: the fields of each record.
    """
    leaves = [dict(_leaves(row)) for row in rows]
    words: dict[str, list[int]] = defaultdict(list)
    for row in leaves:
        for path, text in row.items():
            words[path].append(len(text.split()))
    long = {path for path, counts in words.items() if median(counts) >= _WORDS_OF_A_TEXT}
    return ["\n".join(text for path, text in row.items() if path in (long or words)) for row in leaves]


def row_words(text: str) -> list[str]:
    """The words of a text in small letters; numbers are none."""
    return _WORD.findall(text.lower())


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of all texts inside; those of a list stand under one path, together."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _leaves(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        together: dict[str, list[str]] = defaultdict(list)
        for member in value:
            for inside, text in _leaves(member, path):
                together[inside].append(text)
        for inside, texts in together.items():
            yield inside, "\n".join(texts)
