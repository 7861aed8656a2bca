"""Records and features files of a stage that found items, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from goldpan.stages.earlier import EarlierStage
from goldpan.stages.explode import explode_stages
from goldpan.stages.group import group_by_field, group_by_parent


def record(identity: str, **more: Any) -> dict[str, Any]:
    """A record of a source."""
    return {"id": identity, "source": "s", "file": "f", "line": 1, "data": {"text": identity}, **more}


def row(identity: str, state: str = "ok", **features: Any) -> dict[str, Any]:
    """A row of features: lists are extractions, numbers scores, None an extraction that abstains."""
    made = {
        name: {"type": "ScorePrediction", "score": value}
        if isinstance(value, int)
        else {"type": "ExtractionPrediction", "items": value}
        for name, value in features.items()
    }
    place = {"source": "s", "file": "f"}
    return {"id": identity, **place, "state": state, "reason": None, "features": made}


def stage(folder: Path, name: str, records: list[dict[str, Any]], rows: list[dict[str, Any]]) -> EarlierStage:
    """A stage that answered so."""
    records_file, features_file = folder / f"{name}.records.jsonl", folder / f"{name}.features.jsonl"
    for path, lines in ((records_file, records), (features_file, rows)):
        path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return EarlierStage(name, records_file, features_file)


def exploded(folder: Path, *answers: Any, **options: Any) -> list[dict[str, Any]]:
    """What becomes of records `r0`, `r1`... in which these items were found."""
    records = [record(f"r{number}") for number in range(len(answers))]
    rows = [row(f"r{number}", mentions=items) for number, items in enumerate(answers)]
    return explode(folder, [stage(folder, "first", records, rows)], **options)


def explode(folder: Path, stages: list[EarlierStage], **options: Any) -> list[dict[str, Any]]:
    """What becomes of the `mentions` of some stages."""
    explode_stages(stages, "mentions", folder / "exploded.jsonl", **options)
    return lines(folder / "exploded.jsonl")


def by_parent(folder: Path, earlier: EarlierStage, *of_children: str, **options: Any) -> list[dict[str, Any]]:
    """The records of a stage gathered by their parents."""
    group_by_parent(earlier, folder / "grouped.jsonl", of_children=of_children, **options)
    return lines(folder / "grouped.jsonl")


def by_field(folder: Path, earlier: EarlierStage, field: str, **options: Any) -> list[dict[str, Any]]:
    """The records of a stage gathered by a field."""
    group_by_field(earlier, field, folder / "grouped.jsonl", **options)
    return lines(folder / "grouped.jsonl")


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a records file, which readers of heads can read, too."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
