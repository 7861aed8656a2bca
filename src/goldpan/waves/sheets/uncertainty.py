"""The order that begins with the items of which the LLM was least sure, and tells nothing of its answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldpan.errors import StudyError
from goldpan.files import canonical_json
from goldpan.records.draw import RANK_RANGE, rank
from goldpan.study.wave import Wave
from goldpan.tasks.features import value_of

Predictions = Mapping[str, Mapping[str, Any]]
"""item id -> feature -> prediction."""


def uncertain_first(
    wave: Wave, name: str, items: Sequence[str], predictions: Predictions, features: Iterable[str]
) -> dict[str, float] | None:
    """The place of each item from 0 (least sure) to 1; None for a wave whose items come as they are drawn.

    An LLM is often surer of one answer than of another, so that the order of its confidence would tell its
    answers. Therefore items are ranked among those with the same answer to a feature only, and which answer
    comes when is left to chance: the answers stand in the order of a shuffled pack, so that nothing can be
    told of one from those around it. Of several features the place is the mean.

    Args:
        wave, name: the wave and its name.
        items: the item ids of the sample.
        predictions: the LLM's.
        features: those that annotators are asked for.

    Raises:
        StudyError: the LLM gave no confidence with any answer.
    """
    if wave.order == "drawn":
        return None
    places: dict[str, list[float]] = {}
    for feature in features:
        for item, place in _places(wave, items, predictions, feature):
            places.setdefault(item, []).append(place)
    if not places and items:
        raise StudyError(
            f"order: {wave.order} goes by the LLM's confidence, and it gave none with its answers",
            where=f"waves.{name}",
            remedy="leave `order` out, or ask for several `samples`, which give a confidence",
        )
    # What has no confidence comes anywhere.
    missing = {item: _chance(wave, item) for item in items}
    return {item: sum(found) / len(found) if (found := places.get(item)) else missing[item] for item in items}


def _places(
    wave: Wave, items: Sequence[str], predictions: Predictions, feature: str
) -> Iterable[tuple[str, float]]:
    """Each item with its place by one feature: among equal answers chance's places, by certainty.

    Each item gets a place by chance; those of one answer swap theirs: the least sure comes first.
    Confidence therefore says nothing of which answer stands where.
    """
    by_answer: dict[bytes, list[tuple[float, int, str]]] = {}
    for item in items:
        prediction = predictions.get(item, {}).get(feature)
        if prediction is None or prediction.get("confidence") is None:
            continue
        answer = canonical_json(value_of(prediction))
        by_answer.setdefault(answer, []).append(
            (prediction["confidence"], rank(wave.seed, "order", "uncertain", item), item)
        )
    for alike in by_answer.values():
        by_chance = sorted(_chance(wave, item, feature) for _, _, item in alike)
        for place, (_, _, item) in zip(by_chance, sorted(alike), strict=True):
            yield item, place


def _chance(wave: Wave, item: str, *names: str) -> float:
    return rank(wave.seed, "order", "chance", item, *names) / RANK_RANGE
