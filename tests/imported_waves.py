"""A wave over the sentences that the exports in tests/data/imports are about, and imports into it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from goldpan.imports.annotations.formats import read_exports
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.imports.annotations.outcome import ImportOutcome
from goldpan.imports.annotations.to_wave import import_into_wave
from goldpan.tasks.features import Extraction, Feature, Field_
from goldpan.waves.collect.collected import CollectedWave
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.items import item_id
from tests.wave_builders import COMPLAINT, GIST, STARS, TONE, TOPICS, codebook, items, wave

EXPORTS = Path(__file__).parent / "data" / "imports"
MARKED = Extraction(
    name="parts",
    type="extraction",
    description="Each part and person that is named.",
    fields=[
        Field_(name="name", description="as written"),
        Field_(name="kind", labels=["part", "person"]),
        Field_(name="count", type="integer", nullable=True),
    ],
)
FEATURES: tuple[Feature, ...] = (TONE, TOPICS, COMPLAINT, STARS, GIST, MARKED)
SPANS_AS_OBJECTS = {"labels": {"PART": "part", "PERSON": "person"}}

KETTLE = {"name": "kettle", "kind": "part", "count": None}
LID, LETTERS = {**KETTLE, "name": "lid"}, {**KETTLE, "name": "letters", "kind": "person"}


def kettle_wave(*features: Feature, **changes: Any) -> GivenOut:
    """The wave over four sentences, whose records have a `text` and a `url`."""
    numbered = enumerate(items().values(), 1)
    with_url = [replace(one, data={**one.data, "url": f"https://example.org/{n}"}) for n, one in numbered]
    by_id = {one.item_id: one for one in with_url}
    return GivenOut("shop", "first", wave(**changes), codebook(*(features or FEATURES)), by_id)


def imported(
    folder: Path,
    files: Path | list[Path],
    settings: dict[str, Any] | None = None,
    *features: Feature,
    **options: Any,
) -> tuple[ImportOutcome, CollectedWave]:
    """Import exports into the folder of a wave; what came of it, and what is collected then."""
    given_out = kettle_wave(*features)
    listed = files if isinstance(files, list) else [files]
    chosen = options.pop("format_name", None)
    outcome = import_into_wave(
        given_out,
        folder,
        read_exports(listed, chosen),
        AnnotationMap.model_validate(settings or {}),
        **options,
    )
    return outcome, collect(folder, given_out)


def answers_by(collected: CollectedWave, annotator: str, record: str) -> dict[str, Any]:
    """What an annotator says about a record."""
    for answer in collected.answers:
        if (answer.annotator, answer.item_id) == (annotator, item_id(record)):
            return answer.values
    return {}


def spans_by(collected: CollectedWave, annotator: str, record: str) -> list[tuple[int, int, str]]:
    """Start, end and text of all that an annotator marked in a record."""
    return [
        (span["start"], span["end"], span["text"])
        for answer in collected.answers
        if (answer.annotator, answer.item_id) == (annotator, item_id(record))
        for of_objects in answer.spans.values()
        for of_object in of_objects
        for span in of_object
    ]
