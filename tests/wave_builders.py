"""A small wave that asks for every type of feature, for tests of sampling, sheets and collecting."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from goldpan.study.wave import Wave
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Field_,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.items import Item, item_id, repeat_id
from tests.projects import WorkflowProject, notes_study

TONE = Classification(
    name="tone",
    type="classification",
    description="How does the writer feel about the product?",
    labels={"Positive": "glad to have it", "Negative": "would send it back", "Neutral": "just states facts"},
)
COMPLAINT = Binary(name="complaint", type="binary", description="Is anything complained about?")
PRAISE = Binary(name="praise", type="binary", description="Is anything praised?")
TOPICS = Multilabel(
    name="topics", type="multilabel", description="What is it about?", labels=["price", "quality", "delivery"]
)
STARS = Score(name="stars", type="score", description="How many stars would the writer give?", min=1, max=5)
GIST = Text(name="gist", type="text", description="The point, in a few words.", max_chars=200)
PARTS = Extraction(
    name="parts",
    type="extraction",
    description="Each part of the product that is named.",
    fields=[
        Field_(name="part", description="as written"),
        Field_(name="count", type="integer", nullable=True),
        Field_(name="broken", type="boolean"),
    ],
)
ORDER = Ranking(
    name="order", type="ranking", description="What matters most?", items=["price", "looks", "strength"]
)
ALL_FEATURES: tuple[Feature, ...] = (TONE, COMPLAINT, PRAISE, TOPICS, STARS, GIST, PARTS, ORDER)

TEXTS = (
    "The kettle boils in two minutes and looks lovely. I would buy it again.",
    "The lid broke after a week, and nobody answers my letters.",
    "It holds a litre and a half. It is made of steel.",
    "Cheap, but the handle gets hot. Still, for the price it is fine.",
)


def labelled(*labels: str, name: str = "label") -> Classification:
    """A classification with these labels."""
    return Classification(name=name, type="classification", description="Which one?", labels=list(labels))


def codebook(*features: Feature, **options: Any) -> Codebook:
    """A codebook of these features."""
    return Codebook(tuple(features), "f" * 64, **options)


def wave(**changes: Any) -> Wave:
    """A wave of two annotators, `ann` and `ben`, over all records."""
    return Wave.model_validate({"stage": "review", "sample": "all", "annotators": ["ann", "ben"]} | changes)


def items(
    texts: Iterable[str] = TEXTS, annotators: tuple[str, ...] = ("ann", "ben"), **data: Any
) -> dict[str, Item]:
    """Items with one field `text` (and those given), in the order of the texts."""
    made = [
        Item(
            item_id=item_id(f"r{number}"),
            repeat_id=repeat_id(f"r{number}"),
            id=f"r{number}",
            source="shop",
            file="reviews",
            stratum="all",
            inclusion_probability=1.0,
            draw=number,
            annotators=annotators,
            repeated_by=(),
            data={"text": text, **data},
        )
        for number, text in enumerate(texts, 1)
    ]
    return {item.item_id: item for item in made}


def given_out(*features: Feature, **changes: Any) -> GivenOut:
    """The wave `first` of the study `shop`, given out with these features."""
    return GivenOut("shop", "first", wave(**changes), codebook(*features), items())


def write_stage(folder: Path, rows: Iterable[tuple[dict[str, Any], dict[str, Any]]]) -> tuple[Path, Path]:
    """Write `features.jsonl` and `records.jsonl` of a stage from (features row, record data) pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    features, records = folder / "features.jsonl", folder / "records.jsonl"
    with features.open("wb") as first, records.open("wb") as second:
        for number, (row, data) in enumerate(rows, 1):
            place = {"id": row["id"], "source": row.get("source", "shop"), "file": row.get("file", "reviews")}
            full = {"state": "ok", "reason": None, "model": "m", "features": {}} | row | place
            first.write(orjson.dumps(full, option=orjson.OPT_APPEND_NEWLINE))
            second.write(
                orjson.dumps(place | {"line": number, "data": data}, option=orjson.OPT_APPEND_NEWLINE)
            )
    return features, records


NOTE_TOPICS = ("animals", "machines", "weather")
Row = tuple[dict[str, Any], dict[str, Any]]


def note_answers(count: int) -> list[Row]:
    """Rows of a stage of that many answered notes, for `write_stage`."""
    return [
        (
            {
                "id": f"n{at}",
                "features": {
                    "topic": {"type": "ClassificationPrediction", "label": NOTE_TOPICS[at % 3]},
                    "urgent": {"type": "BinaryPrediction", "detected": False},
                    "length": {"type": "ScorePrediction", "score": at % 6},
                },
            },
            {"text": f"Note {at}."},
        )
        for at in range(count)
    ]


def write_wave_study(project: WorkflowProject, **changes: Any) -> None:
    """Write the study of `make_project` with a changed wave."""
    wave = {"stage": "topics", "sample": "all", "annotators": ["ann", "ben"], "formats": ["csv"], **changes}
    project.write_study({**notes_study(), "waves": {"check": wave}})


def make_project(root: Path, **changes: Any) -> WorkflowProject:
    """A project with an answered stage of twelve notes, and a wave `check` over all of them."""
    project = WorkflowProject.create(root)
    write_wave_study(project, **changes)
    write_stage(project.artifact("stages/topics"), note_answers(12))
    return project
