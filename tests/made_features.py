"""Features of a stage as if it had been asked, made in one step: for tests of what reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from goldpan.batches.questions import Skip
from goldpan.finetune.exports.prompts import Prompter
from goldpan.records.inputs import files_of_sources
from goldpan.records.read import build_records, iter_records
from goldpan.stages.make import make_records
from goldpan.study.load import Project
from goldpan.tasks.features import prediction_of
from goldpan.waves.gold.gold_set import GoldItem, write_gold_lines
from goldpan.waves.items import item_id

Answer = Callable[[dict[str, Any]], dict[str, Any] | str]
"""A record -> feature -> value, with `FEATURE_rationale`; or the state of one that failed."""


def make_features(project: Project, stage: str, answer: Answer) -> None:
    """Write records.jsonl and features.jsonl of a stage over sources."""
    for (source, file), path in files_of_sources(project, project.study.sources_of(stage)).items():
        records = project.root / project.paths.records(source, file)
        records.parent.mkdir(parents=True, exist_ok=True)
        build_records(project.study.sources[source], source, file, path, records)
    made = project.root / project.paths.stage_records(stage)
    made.parent.mkdir(parents=True, exist_ok=True)
    make_records(project, stage)
    prompter = Prompter(project, stage, None, None)
    lines = []
    for record in iter_records(made):
        prompt = prompter.prompt(record)
        row: dict[str, Any] = {key: record[key] for key in ("id", "source", "file")}
        if isinstance(prompt, Skip):
            lines.append({**row, "state": "skipped", "reason": prompt.reason, "features": {}})
            continue
        row |= {"model": "m-1", "task": prompt.task, "request_key": prompt.request_key}
        said = answer(dict(record))
        if isinstance(said, str):
            lines.append({**row, "state": said, "reason": f"it is {said}", "features": {}})
            continue
        features = {}
        for feature in prompter.tasks[prompt.task].features:
            features[feature.name] = prediction_of(feature.type, said[feature.name])
            if feature.rationale_key:
                features[feature.name]["rationale"] = said[feature.rationale_key]
        lines.append({**row, "state": "ok", "reason": None, "features": features})
    (project.root / project.paths.features(stage)).write_bytes(
        b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
    )


def write_gold(project: Project, wave: str, items: list[GoldItem]) -> None:
    """Write the three files of a gold set."""
    for split, path in zip(("train", "dev", "test"), project.paths.gold_splits(wave), strict=True):
        target = project.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_gold_lines(target, [item for item in items if item.split == split])


def gold_item(
    id: str, split: Any, labels: dict[str, Any], *, file: str = "a.jsonl", **resolutions: str
) -> GoldItem:
    """One row of a gold set of notes."""
    decided = {**dict.fromkeys(labels, "agreed"), **resolutions}
    return GoldItem(
        item_id=item_id(id),
        id=id,
        source="notes",
        file=file,
        split=split,
        group=id,
        stratum="all",
        inclusion_probability=1.0,
        annotators=("ann",),
        labels=labels,
        soft_labels={name: {} for name in decided},
        resolutions=decided,
        data={"id": id},
    )
