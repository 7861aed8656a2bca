"""A chain that explodes and groups, with nobody to be asked: its files, and its steps, each of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from goldpan.chains.answer import answer_locally
from goldpan.stages.make import make_records
from tests.bench.steps import project_at
from tests.mention_projects import mentions_project, mentions_study

ITEMS_OF_A_PAGE = 20
_TEXT = "The Demographic and Health Survey of 2010 was used beside the census, as tables of it show. " * 30


def chain_study() -> dict[str, Any]:
    """Pages -> mentions (written by the benchmark) -> a filter of each mention -> pages, and names."""
    study = mentions_study()
    asked = study["stages"]["paper"]
    kept = {"kind": "filter", "input": {"stage": "extraction", "explode": "mentions"}, "keywords": ["census"]}
    pages = {**asked, "input": {"stage": "kept", "group": {"by": "parent"}}}
    names = {**asked, "input": {"stage": "kept", "group": {"by": "item.raw_name"}}}
    study["stages"] = {
        "extraction": study["stages"]["extraction"],
        "kept": kept,
        "pages": pages,
        "names": names,
    }
    return study


def write_chain(root: Path, items: int) -> None:
    """Write the project, and what was found on its pages: so many mentions, of a thousand names."""
    project = mentions_project(root, chain_study())
    pages = [f"p{at}" for at in range(items // ITEMS_OF_A_PAGE)]
    records, features = (
        project.artifact(f"stages/extraction/{name}.jsonl") for name in ("records", "features")
    )
    records.parent.mkdir(parents=True, exist_ok=True)
    with records.open("wb") as of_records, features.open("wb") as of_features:
        for number, page in enumerate(pages):
            head = {"id": page, "source": "pages", "file": "a.jsonl"}
            data = {"page": page, "text": _TEXT}
            of_records.write(orjson.dumps({**head, "line": number + 1, "data": data}) + b"\n")
            found = [
                {"raw_name": f"Survey {(number * 7 + at) % 1000}", "context": "primary", "year": 1990 + at}
                for at in range(ITEMS_OF_A_PAGE)
            ]
            said = {
                "mentions": {"type": "ExtractionPrediction", "items": found},
                "topics": {"type": "MultilabelPrediction", "labels": ["health"]},
                "length": {"type": "ScorePrediction", "score": 2},
            }
            of_features.write(orjson.dumps({**head, "state": "ok", "reason": None, "features": said}) + b"\n")


def explode(root: str) -> int:
    """Make the records of the items; returns their number."""
    return make_records(project_at(root), "kept").rows


def answer(root: str) -> int:
    """Say of each whether it is kept, as features; returns their number."""
    return answer_locally(project_at(root), "kept").records


def group_by_parent(root: str) -> int:
    """Gather the items of each page; returns the number of pages."""
    return make_records(project_at(root), "pages").rows


def group_by_field(root: str) -> int:
    """Gather the items of each name, which stand all over the file; returns the number of names."""
    return make_records(project_at(root), "names").rows
