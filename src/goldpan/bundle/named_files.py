"""The files that a study names: all that a bundle takes from a project as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from goldpan.bundle.manifest import PROJECT, Role, fault_of_member
from goldpan.bundle.portable import project_path
from goldpan.chains.local_kinds import local_inputs
from goldpan.embeddings.existing_files import existing_files
from goldpan.errors import BundleError
from goldpan.finetune.exports.files import prompt_files
from goldpan.models.folders import is_model_folder
from goldpan.records.inputs import files_of_sources
from goldpan.records.test_looks import looks_file
from goldpan.study.load import Project
from goldpan.tasks.task import task_files
from goldpan.waves.collect.listing import all_files

NamedFiles = dict[str, tuple[Role, Path]]
"""Name in the bundle -> its role, and the file."""


def named_files(project: Project) -> NamedFiles:
    """The files that a study names, by their names in the bundle.

    Raises:
        BundleError: one lies outside of the project, or its name cannot stand in a bundle.
        StudyError: one is not there.
    """
    files: NamedFiles = {}
    for role, path in _all(project):
        within = project_path(project, path)
        name = f"{PROJECT}/{within}"
        if (fault := fault_of_member(name)) is not None:
            raise BundleError(
                f"this file cannot be bundled under its name: {fault}",
                where=within,
                remedy="give it another name or folder, and name that in the study",
            )
        if not path.is_file():
            raise BundleError(
                "the study names this file, and it is not there", where=within, remedy="put it back"
            )
        files.setdefault(name, (role, path))
    return files


def source_members(project: Project) -> set[str]:
    """Names in the bundle of the files that the study's sources have now."""
    files = files_of_sources(project, project.study.sources).values()
    return {f"{PROJECT}/{project_path(project, path)}" for path in files}


def python_files(project: Project) -> list[str]:
    """The files of a study's tasks that are Python code, which runs when the task is read."""
    paths = (Path(path) for path in _task_files(project))
    return sorted({project_path(project, path) for path in paths if path.suffix == ".py"})


def _all(project: Project) -> Iterator[tuple[Role, Path]]:
    study, root = project.study, project.root
    yield "study", project.study_file
    if study.modules is not None:
        yield "study", root / study.modules.table
    yield from (("task", Path(path)) for path in _task_files(project))
    for stage in study.local_stages:
        yield from (("list", root / path) for path in local_inputs(project, stage) if _is_list(project, path))
    for name, wave in study.waves.items():
        if wave.guidelines:
            yield "list", root / wave.guidelines
        yield from _of_wave(project, name)
    for search in study.optimised.values():
        counted = looks_file(project, study.evaluations[search.evaluation or search.stage])
        if counted.exists():
            yield "annotations", counted
    for annotated in study.annotated.values():
        for checkpoint in annotated.regression_head_checkpoints.values():
            path = root / checkpoint
            inside = sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]
            yield from (("head", file) for file in inside)
    for name, embedding in study.embeddings.items():
        if embedding.files is not None:
            # They are read where they lie, so nobody can make what comes after without them.
            found = existing_files(project, name)
            yield from (("head", path) for paths in found.values() for path in paths)
    yield from (("source", path) for path in files_of_sources(project, study.sources).values())


def _of_wave(project: Project, name: str) -> Iterator[tuple[Role, Path]]:
    """What was given out, which must not be drawn anew, who looked at its test split, and what came back."""
    study, wave = project.study.study, project.study.waves[name]
    for file in (wave.draw_file(study, name), wave.looks_file(study, name)):
        if (project.root / file).exists():
            yield "annotations", project.root / file
    # Also what is no sheet: that it was left aside stands in the status of the wave.
    for sheet in all_files(project.root / wave.annotations_folder(study, name)):
        yield "annotations", sheet


def _task_files(project: Project) -> Iterator[str]:
    for stage in project.study.asked_stages.values():
        for choice in stage.task:
            yield from task_files(choice.task, project.tasks)
    for wave in project.study.waves.values():
        if wave.from_ is not None:
            yield from task_files(wave.from_.task, project.tasks)
    for export in project.study.exports.values():
        yield from map(str, prompt_files(export.prompt, project.tasks))


def _is_list(project: Project, path: str) -> bool:
    """Whether an input of a local stage is a file of the user's, and neither made nor part of a model."""
    if path.startswith(f"{project.paths.base}/"):
        return False
    return not any(is_model_folder(folder) for folder in (project.root / path).parents)
