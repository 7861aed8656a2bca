"""The predictions that are wrong, with the texts they are about: for reading, and as `errors.csv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from goldpan.cells import csv_text
from goldpan.evaluation.report import FeatureEvaluation, Mistake
from goldpan.files import write_bytes

_FIXED = ("feature", "model", "item_id", "id", "gold", "predicted", "state", "confidence")


def most_telling_first(mistakes: Sequence[Mistake], errors: Sequence[float] | None = None) -> list[Mistake]:
    """Mistakes in the order they are worth reading: the largest error, the surest, the most frequent kind.

    Args:
        mistakes: of one model on one feature.
        errors: of scores, how far off each is; None where an answer is right or wrong.
    """
    kinds = Counter((mistake.gold, mistake.predicted, mistake.state) for mistake in mistakes)
    sizes = errors or [0.0] * len(mistakes)

    def order(place: int) -> tuple[float, float, int, tuple[str, ...]]:
        mistake = mistakes[place]
        sureness = -1.0 if mistake.confidence is None else mistake.confidence
        kind = (mistake.gold, mistake.predicted, mistake.state)
        return (-sizes[place], -sureness, -kinds[kind], (*kind, mistake.item_id))

    return [mistakes[place] for place in sorted(range(len(mistakes)), key=order)]


def write_mistakes(path: str | Path, features: Sequence[FeatureEvaluation]) -> None:
    """Write `errors.csv`: every wrong prediction, with the fields of its record.

    Columns: `feature, model, item_id, id, gold, predicted, state, confidence`, then `field_NAME`. Cells that
    a spreadsheet would run are neutralised; the file begins with a byte order mark, so that spreadsheets do
    not guess the encoding.
    """
    rows = [
        (feature.feature, model.model, mistake)
        for feature in features
        for model in feature.models
        for mistake in model.mistakes
    ]
    fields = list(dict.fromkeys(name for _, _, mistake in rows for name in mistake.fields))
    table = [[*_FIXED, *(f"field_{name}" for name in fields)]]
    for feature, model, mistake in rows:
        confidence = "" if mistake.confidence is None else f"{mistake.confidence:.6g}"
        own = [mistake.item_id, mistake.id, mistake.gold, mistake.predicted, mistake.state, confidence]
        shown = [mistake.fields.get(name, "") for name in fields]
        table.append([feature, model, *own, *shown])
    write_bytes(path, csv_text(table).encode("utf-8-sig"))
