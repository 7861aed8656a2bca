"""The text of a request, cut into sentences, and how near each one is to what a schema asks for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from goldpan.providers.local.tfidf import Tfidf

MAX_SENTENCES = 200
MAX_SENTENCE_CHARS = 400
SATURATION, SATURATION_GROWTH = 0.25, 0.075
"""Of n sentences, a cosine similarity of SATURATION + SATURATION_GROWTH * ln(n) counts as full strength.

It grows because the most similar of many sentences is more similar by mere chance. Set by eye, so that some
but not most booleans hold both on agent traces (100 sentences and more) and on report paragraphs (three).
"""

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


class Targets:
    """Texts to compare sentences with, as TF-IDF vectors over their own vocabulary.

    The vocabulary is that of the targets: a word that none of them has makes no sentence more similar to one
    than to another.
    """

    def __init__(self, texts: list[str]):
        self._count = len(texts)
        self._tfidf = Tfidf(texts)
        self._weights: list[list[tuple[int, float]]] = [[] for _ in range(self._tfidf.size)]
        for target, vector in enumerate(self._tfidf.vectors):
            for stem, weight in vector:
                self._weights[stem].append((target, weight))

    def evidence(self, sentences: list[str]) -> Evidence:
        """Compare each sentence with each target."""
        similarity = list(map(self._similarities, sentences))
        by_target = list(zip(*similarity, strict=True)) or [(0.0,)] * self._count
        best = list(map(max, by_target))
        return Evidence(
            sentences, similarity, best, [of.index(most) for of, most in zip(by_target, best, strict=True)]
        )

    def _similarities(self, sentence: str) -> list[float]:
        similarities = [0.0] * self._count
        for stem, weight in self._tfidf.vector(sentence):
            for target, of_target in self._weights[stem]:
                similarities[target] += weight * of_target
        return similarities


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
    similarity: list[list[float]]
    best: list[float]
    best_sentence: list[int]

    def strength(self, target: int, focus: int | None) -> float:
        """How strongly the text speaks of the target, from 0 to 1; with `focus`, that sentence alone."""
        if focus is None:
            return min(1.0, self.best[target] / self._saturation(len(self.sentences)))
        return min(1.0, self.similarity[focus][target] / self._saturation(1))

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
