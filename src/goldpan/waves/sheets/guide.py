"""How an answer is given on a sheet, in a sentence for each feature type."""

from __future__ import annotations

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
from goldpan.waves.answer_text import LIST_SEPARATOR, RANK_SEPARATOR
from goldpan.waves.codebook import NONE_OF_THEM


def question_lines(feature: Feature) -> str:
    """The question of a feature, where it has one, and its description."""
    description = feature.description.strip()
    return f"{feature.question.strip()} {description}" if feature.question else description


def how_to_answer(feature: Feature) -> str:
    """What to write into a cell for this feature."""
    match feature:
        case Binary():
            return "yes or no"
        case Classification():
            return "one of the labels"
        case Multilabel():
            return f"labels separated by `{LIST_SEPARATOR.strip()}`, or {NONE_OF_THEM}"
        case Score():
            kind = "a whole number" if feature.integer else "a number"
            return f"{kind} from {feature.min:g} to {feature.max:g}"
        case Text():
            return "text"
        case Extraction():
            names = ", ".join(field.name for field in feature.fields)
            return f"a JSON list of objects with {names}; or {NONE_OF_THEM}"
        case Ranking():
            return f"all items, the best first, separated by `{RANK_SEPARATOR.strip()}`"
