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
    answers. Therefore items are ranked among those with the same answer to a feature only, and what counts is
    the share of these that are less sure: whatever the answer, these shares are spread alike over the sheet.
    Of several features it is the mean.

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
    shares: dict[str, list[float]] = {}
    for feature in features:
        for item, share in _shares(wave, items, predictions, feature):
            shares.setdefault(item, []).append(share)
    if not shares and items:
        raise StudyError(
            f"order: {wave.order} goes by the LLM's confidence, and it gave none with its answers",
            where=f"waves.{name}",
            remedy="leave `order` out, or ask for several `samples`, which give a confidence",
        )
    # What has no confidence comes anywhere.
    missing = {item: _chance(wave, item) for item in items}
    return {item: sum(found) / len(found) if (found := shares.get(item)) else missing[item] for item in items}


def _shares(
    wave: Wave, items: Sequence[str], predictions: Predictions, feature: str
) -> Iterable[tuple[str, float]]:
    """Each item with the share of those of its answer that are less sure, at random among equals."""
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
        if len(alike) == 1:
            # Nothing to be compared with: a place in the middle would tell that the answer is a rare one.
            yield alike[0][2], _chance(wave, alike[0][2])
            continue
        for number, (_, _, item) in enumerate(sorted(alike)):
            yield item, (number + _chance(wave, item)) / len(alike)


def _chance(wave: Wave, item: str) -> float:
    return rank(wave.seed, "order", "chance", item) / RANK_RANGE
