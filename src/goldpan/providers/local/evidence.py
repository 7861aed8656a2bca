"""The text of a request, cut into sentences, and how near each one is to what a schema asks for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

MAX_SENTENCES = 200
MAX_SENTENCE_CHARS = 400
SATURATION, SATURATION_GROWTH = 0.25, 0.075
"""Of n sentences, a cosine similarity of SATURATION + SATURATION_GROWTH * ln(n) counts as full strength.

It grows because the most similar of many sentences is more similar by mere chance. Set by eye, so that some
but not most booleans hold both on agent traces (100 sentences and more) and on report paragraphs (three).
"""

# Words are cut to six letters, a crude way to make "invest", "invests" and "investing" one.
_STEM_LETTERS = 6
_STEM = rf"(?u)\b(\w{{2,{_STEM_LETTERS}}})\w*"
_BOUNDARY = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"\w")


def user_text(body: dict[str, Any]) -> str:
    """What the user messages of a chat request say, text parts only."""
    parts = [_text(message.get("content")) for message in body["messages"] if message.get("role") == "user"]
    return "\n".join(part for part in parts if part)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and part.get("text"))
    return ""


def sentences_of(text: str) -> list[str]:
    """Sentences and lines of `text`, cut at 400 characters; where there are over 200, every so many-th."""
    sentences = [
        piece.strip()[:MAX_SENTENCE_CHARS].rstrip() for piece in _BOUNDARY.split(text) if _WORD.search(piece)
    ]
    if len(sentences) <= MAX_SENTENCES:
        return sentences
    return [sentences[position * len(sentences) // MAX_SENTENCES] for position in range(MAX_SENTENCES)]


def tfidf_vectoriser() -> TfidfVectorizer:
    """TF-IDF over stems of English or other words, without English stop words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

    stop_words = sorted({word[:_STEM_LETTERS] for word in ENGLISH_STOP_WORDS})
    return TfidfVectorizer(token_pattern=_STEM, stop_words=stop_words, sublinear_tf=True)


class Targets:
    """Texts to compare sentences with, as TF-IDF vectors over their own vocabulary.

    The vocabulary is that of the targets: a word that none of them has makes no sentence more similar to one
    than to another.
    """

    def __init__(self, texts: list[str]):
        self._count = len(texts)
        self._vectoriser = tfidf_vectoriser()
        try:
            self._targets = self._vectoriser.fit_transform(texts).T.tocsc()
        except ValueError:  # there is no word in any of them
            self._targets = None

    def evidence(self, sentences: list[str]) -> Evidence:
        """Compare each sentence with each target."""
        if self._targets is None or not sentences:
            zeros = [0.0] * self._count
            return Evidence(sentences, [zeros for _ in sentences], zeros, [0] * self._count)
        similarity = (self._vectoriser.transform(sentences) @ self._targets).toarray()
        return Evidence(
            sentences, similarity, similarity.max(axis=0).tolist(), similarity.argmax(axis=0).tolist()
        )


@dataclass(frozen=True)
class Evidence:
    """Sentences and their similarity to the targets.

    Attributes:
        sentences: in the order of the text.
        similarity: cosine, by sentence and target, from 0 to 1.
        best: for each target the highest similarity of any sentence.
        best_sentence: for each target the position of that sentence; the first where several are equal.
    """

    sentences: list[str]
    similarity: Any
    best: list[float]
    best_sentence: list[int]

    def strength(self, target: int, focus: int | None) -> float:
        """How strongly the text speaks of the target, from 0 to 1; with `focus`, that sentence alone."""
        if focus is None:
            return min(1.0, self.best[target] / self._saturation(len(self.sentences)))
        return min(1.0, float(self.similarity[focus][target]) / self._saturation(1))

    @staticmethod
    def _saturation(sentences: int) -> float:
        return SATURATION + SATURATION_GROWTH * math.log(max(1, sentences))

    def sentence(self, target: int, focus: int | None) -> str:
        """The sentence nearest to the target, or the one in focus; empty when there is no text."""
        if not self.sentences:
            return ""
        return self.sentences[self.best_sentence[target] if focus is None else focus]

    def nearest(self, target: int, focus: int | None) -> list[tuple[int, float]]:
        """(position, strength) of the sentences, nearest to the target first."""
        positions = range(len(self.sentences)) if focus is None else [focus]
        return sorted(
            ((position, self.strength(target, position)) for position in positions), key=lambda item: -item[1]
        )
