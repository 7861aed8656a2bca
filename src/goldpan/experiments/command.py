"""The Snakemake command that makes the runs of modules, as they are or by a derived study."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from os.path import relpath

from goldpan.errors import StudyError
from goldpan.experiments.derived import derived_study
from goldpan.experiments.history import History
from goldpan.experiments.listing import lost_runs, measured_stages
from goldpan.study.load import Project, load_project
from goldpan.study.paths import studies_folder
from goldpan.study.provider import NetworkSettings
from goldpan.tasks.nearest import suggestion


def stages_to_run(project: Project, modules: Sequence[str] | None) -> list[str]:
    """The stages that some modules are; None for all that have runs.

    Raises:
        StudyError: no module is named, or one that has no runs.
    """
    stages = measured_stages(project) if modules is None else list(modules)
    if not stages:
        raise StudyError(
            "no module is named", where=str(project.study_file), remedy="name some, or say --all"
        )
    for stage in stages:
        if stage not in measured_stages(project):
            raise StudyError(
                f"`{stage}` is no module of study `{project.study.study}` that has runs;"
                f" {suggestion(stage, measured_stages(project)) or 'there is none'}",
                where=str(project.study_file),
                remedy="`goldpan experiments list` shows them; one that is not enabled is named in `only`,"
                " and one without a data set needs one in the study's folder",
            )
    return stages


def project_to_run(
    project: Project,
    stages: Sequence[str],
    *,
    samples: int | None = None,
    seed: int = 42,
    model: str | None = None,
    settings: Mapping[str, str | None] | None = None,
) -> Project:
    """The study itself; where rows are drawn or another model is asked, one that is derived from it.

    Args:
        project: the study.
        stages: that are run.
        samples, seed, model: see `derived_study`, which raises.
        settings: of the project, that are not those of its file.
    """
    if samples is None and model is None:
        return project
    derived = derived_study(project, stages, samples=samples, seed=seed, model=model)
    given = settings or {}
    return load_project(
        derived,
        root=project.root,
        ledger=given.get("ledger"),
        results=given.get("results"),
        mode=given.get("mode"),
    )


def snakemake_arguments(
    project: Project,
    stages: Sequence[str],
    *,
    cores: int = 2,
    trackers: Sequence[str] = (),
    settings: Mapping[str, str | None] | None = None,
) -> list[str]:
    """What Snakemake is called with to make runs.

    Args:
        project: the study, maybe a derived one.
        stages: that are run.
        cores: of Snakemake.
        trackers: of the study, to which the runs are uploaded.
        settings: of the project, that are not those of its file.
    """
    targets = [project.paths.run(stage, "json") for stage in stages]
    targets += [project.paths.upload(tracker, stage) for stage in stages for tracker in trackers]
    # The history is no rule's output: a run that is gone from it is written anew from the results.
    lost = [
        project.paths.run(stage, "json")
        for stage in lost_runs(project, History(project.runs), stages)
        if (project.root / project.paths.run(stage, "json")).exists()
    ]
    forced = ["--forcerun", *lost] if lost else []
    return [*targets, *forced, *options_of(project, cores, settings or {})]


def is_asked_in_batches(project: Project, stage: str) -> bool:
    """Whether a stage goes to the batch API of a service, which answers within a day."""
    settings = project.study.asked_stages[stage]
    is_service = isinstance(project.study.providers[settings.provider], NetworkSettings)
    return settings.mode == "batch" and is_service


def options_of(project: Project, cores: int, settings: Mapping[str, str | None]) -> list[str]:
    """Options of Snakemake for a study.

    Args:
        project: the study.
        cores: how many.
        settings: of the project, that are not those of its file; None for those that are.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    config = {"study": _study_setting(project), **given}
    return ["--cores", str(cores), "--config", *(f"{name}={value}" for name, value in config.items())]


def run_snakemake(project: Project, arguments: Sequence[str], *, dry_run: bool) -> int:
    """Print the command, and run it in the project's folder; returns its exit status."""
    arguments = [*arguments, "--dry-run"] if dry_run else arguments
    print(shlex.join(["snakemake", *arguments]), flush=True)
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=project.root, check=False).returncode


def _study_setting(project: Project) -> str:
    """How a study is named to Snakemake, which runs in the project's folder."""
    file, root = project.study_file.resolve(), project.root.resolve()
    is_by_name = file.parent == studies_folder(root) and file.suffix == ".yaml"
    return file.stem if is_by_name else relpath(file, root)
