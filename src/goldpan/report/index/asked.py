"""What was asked of what: sources, stages with their tasks and models, and whether that still holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import PurePath
from typing import Any

from goldpan.errors import GoldpanError
from goldpan.html import Markup, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import Links, Part, held, old, text_paragraph, told
from goldpan.study.local_stage import AnyLocalStage
from goldpan.study.stage import Stage
from goldpan.visible_text import printable


def asked_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Sources, stages and what has changed since they were asked."""
    content = [_sources(artifacts)]
    if artifacts.study.stages:
        content += [_stages(artifacts), *_changed(artifacts)]
    return Part("asked", "What was asked of what", content)


def _sources(artifacts: StudyArtifacts) -> Markup:
    counts = source_counts(artifacts)
    rows = []
    for name, source in artifacts.study.sources.items():
        counted = counts.get(name)
        rows.append(
            [
                name,
                ", ".join(_pattern(pattern) for pattern in source.files),
                "–" if counted is None else f"{counted['files']:,}",
                "–" if counted is None else f"{counted['rows']:,}",
                "–" if counted is None else f"{counted['records']:,}",
            ]
        )
    classes = [None, "text", "number", "number", "number"]
    return table(["Source", "Files", "Number", "Rows", "Records"], rows, caption="Sources", classes=classes)


def source_counts(artifacts: StudyArtifacts) -> dict[str, dict[str, Any]]:
    """Source -> its counts, as far as a chain has counted it."""
    counts: dict[str, dict[str, Any]] = {}
    for stage in artifacts.study.stages:
        for source in held(artifacts.chain(stage), lambda made: list(made["sources"])) or []:
            if isinstance(source, dict) and {"source", "files", "rows", "records"} <= source.keys():
                counts[source["source"]] = source
    return counts


def _pattern(pattern: str) -> str:
    """A pattern of source files; of an absolute one its end: folders of this machine tell others nothing."""
    path = PurePath(pattern)
    return printable(f"…/{path.name}" if path.is_absolute() or ".." in path.parts else pattern)


def _stages(artifacts: StudyArtifacts) -> Markup:
    rows = []
    for name, stage in artifacts.study.stages.items():
        hashes = asked_task_hashes(artifacts, name)
        if isinstance(stage, Stage):
            tasks = [choice.task for choice in stage.task]
            who, model = f"{stage.provider} ({artifacts.study.providers[stage.provider].kind})", stage.model
        else:
            tasks, who, model = [], "asks nobody", _local(stage)
        rows.append(
            [
                name,
                ", ".join(stage.input.stages or stage.input.source or []),
                stage.input.where or "",
                ", ".join(tasks) or "–",
                who,
                model,
                ", ".join(hashes.get(task, "–")[:12] for task in tasks) or "–",
            ]
        )
    header = ["Stage", "Reads", "Where", "Task", "Asked of", "Model", "Hash of task and prompts"]
    classes = [None, "text", "text", "text", "text", "text", "hash"]
    caption = "Stages: each answer knows the hash of what it was asked"
    return table(header, rows, caption=caption, classes=classes)


def _local(stage: AnyLocalStage) -> str:
    return f"kind: {stage.kind}"


def asked_task_hashes(artifacts: StudyArtifacts, stage: str) -> dict[str, str]:
    """Task -> hash, as they were asked; empty while nothing is answered."""
    tasks = held(artifacts.summary(stage), lambda made: dict(made["tasks"])) or {}
    return {
        str(name): str(task["hash"])
        for name, task in tasks.items()
        if isinstance(task, dict) and "hash" in task
    }


def _changed(artifacts: StudyArtifacts) -> Iterator[Markup]:
    """What the study says otherwise than it did when stages were asked."""
    for name, stage in artifacts.study.asked_stages.items():
        path = artifacts.paths.features(name)
        yield from told(artifacts.plan(name, 1), partial(_other_model, path=path, stage=stage))
        for task, hash_ in asked_task_hashes(artifacts, name).items():
            if _hash_now(artifacts, task) not in (None, hash_):
                yield old(path, f"the task {task} or its prompts were edited since it was asked: run again")
    if any(
        held(artifacts.summary(name), lambda made: bool(made["baseline"]))
        for name in artifacts.study.asked_stages
    ):
        yield text_paragraph(
            "Some answers are by goldpan's built-in baseline, a weak annotator for trying things out: they"
            " show how the workflow runs, not what the texts say.",
            class_="warn",
        )


def _other_model(made: Any, path: str, stage: Stage) -> Iterator[Markup]:
    asked = made["model"]
    if asked != stage.model:
        now = printable(stage.model)
        yield old(path, f"answered by {printable(asked)}; the study names {now} now: run again")


def _hash_now(artifacts: StudyArtifacts, task: str) -> str | None:
    from goldpan.tasks.task import load_task

    try:
        return load_task(task, artifacts.project.tasks, needs_prompt=False).hash
    except GoldpanError:
        return None
