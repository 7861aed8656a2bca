"""Text of rows in a prompt: five or more of their words in a row which the first one does not have.

A prompt that quotes the rows it was made from has learned them by heart, and carries them to whoever gets it.
One that quotes rows of dev or test, as an improver may that has met them elsewhere, is measured by what it
knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from goldpan.optimise.candidate import Components
from goldpan.optimise.problem import SearchRow

RUN = 5
"""Words in a row that count as copied."""
_RUN_OF_CHARACTERS = 10
_UNSEEN = ("Cf", "Mn", "Me")
"""Zero-width characters, soft hyphens, variation selectors, and marks such as accents: a text that differs by
these alone reads as the same."""
_WITHOUT_SPACES = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Thai, Lao, Khmer, kana and Chinese characters: their texts do not set words apart."""
_WORD = re.compile(rf"[{_WITHOUT_SPACES}]+|[^\W{_WITHOUT_SPACES}]+")
_CHARACTERS = re.compile(rf"[{_WITHOUT_SPACES}]+")


class TrainingText:
    """The texts of rows, as far as the first prompt does not have them.

    Args:
        rows: of any split.
        first: the texts of the first prompt.
        allowed: rows whose text a prompt may have, though others may share it.
    """

    def __init__(self, rows: Iterable[SearchRow], first: Components, allowed: Iterable[SearchRow] = ()):
        self._row_of_run: dict[int, str] = {}
        for row in rows:
            said = f"training row {row.id}" if row.split == "train" else f"{row.split} row {row.id}"
            for text in _texts_of(row):
                for run in _runs(text):
                    self._row_of_run.setdefault(hash(run), said)
        for text in (*first.values(), *(text for row in allowed for text in _texts_of(row))):
            for run in _runs(text):
                self._row_of_run.pop(hash(run), None)

    def fault(self, components: Components) -> str:
        """Why a prompt copies from a row; empty where it does not."""
        for text in components.values():
            for run in _runs(text):
                row = self._row_of_run.get(hash(run))
                if row is not None:
                    return f"it holds words of the {row} in a row: {run!r}"
        return ""


def _texts_of(row: SearchRow) -> Iterator[str]:
    yield row.own
    yield from _strings_in(row.data)


def _strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings_in(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _strings_in(member)


def _runs(text: str) -> Iterator[str]:
    """All runs of so many words in a text, without regard to case, punctuation, white space
    and characters that nobody sees."""
    normal = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    normal = "".join(each for each in normal if unicodedata.category(each) not in _UNSEEN)
    words = _WORD.findall(normal)
    yield from _windows(words, RUN, " ")
    for characters in _CHARACTERS.findall(normal):
        yield from _windows(characters, _RUN_OF_CHARACTERS, "")


def _windows(parts: Sequence[str], width: int, between: str) -> Iterator[str]:
    for start in range(len(parts) - width + 1):
        yield between.join(parts[start : start + width])
