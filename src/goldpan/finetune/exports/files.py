"""Which artifacts an export reads and makes: names, which rules ask for, too."""

from __future__ import annotations

from pathlib import Path

from goldpan.records.inputs import files_of_sources
from goldpan.study.export import Export, ExportPrompt
from goldpan.study.load import Project
from goldpan.study.model import Study
from goldpan.tasks.task import task_files

SPLIT_FILES = ("train.jsonl", "valid.jsonl", "test.jsonl")
PROVENANCE, LEFT_OUT, CARD_JSON, CARD = "provenance.jsonl", "left_out.jsonl", "card.json", "card.md"
EXPORT_FILES = (*SPLIT_FILES, PROVENANCE, LEFT_OUT, CARD_JSON, CARD)


def exported_stage(study: Study, settings: Export) -> str | None:
    """The stage whose prompts are exported; None where the gold is of a table that nobody was asked about."""
    return settings.stage or study.waves[settings.gold or ""].stage


def exported_sources(study: Study, settings: Export) -> list[str]:
    """The sources that the records of an export come from."""
    stage = exported_stage(study, settings)
    return study.sources_of(stage) if stage else study.sources_of_wave(settings.gold or "")


def exported_records(project: Project, settings: Export) -> list[str]:
    """The artifacts that the records of an export stand in."""
    stage = exported_stage(project.study, settings)
    if stage is not None:
        return [project.paths.stage_records(stage)]
    places = files_of_sources(project, exported_sources(project.study, settings))
    return [project.paths.records(*place) for place in places]


def artifacts_of_export(project: Project, name: str) -> list[str]:
    """The artifacts that an export is made from: records, answers and gold."""
    settings, paths = project.study.exports[name], project.paths
    return [
        *exported_records(project, settings),
        *([paths.features(settings.stage)] if settings.stage else ()),
        *(paths.gold_splits(settings.gold) if settings.gold else ()),
    ]


def asking_files(project: Project, name: str) -> list[Path]:
    """The user's own files that say what an export's rows ask: tasks and prompts.

    Raises:
        TaskError: a task file is missing or wrong.
    """
    settings = project.study.exports[name]
    stage = exported_stage(project.study, settings)
    table = None if stage is not None else project.study.waves[settings.gold or ""].from_
    tasks = [choice.task for choice in project.study.asked_stages[stage].task] if stage else []
    tasks += [table.task] if table else []
    files = [Path(file) for task in tasks for file in task_files(task, project.tasks)]
    return list(dict.fromkeys([*files, *prompt_files(settings.prompt, project.tasks)]))


def prompt_files(prompt: ExportPrompt | None, tasks: Path) -> list[Path]:
    """The files of an export's own prompt."""
    names = () if prompt is None else (prompt.user, prompt.system)
    return [tasks / name for name in names if name]
