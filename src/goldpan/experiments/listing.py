"""What is to be known of a study's modules: what they are, how they did, and what waits to be run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldpan.errors import GoldpanError, SourceError
from goldpan.evaluation.files import field_evaluations
from goldpan.experiments.history import History
from goldpan.experiments.identity import (
    data_hash,
    module_id,
    planned_limits,
    run_id,
    table_of_modules,
    what_is_run,
)
from goldpan.experiments.registry import Recorded
from goldpan.experiments.run import Run
from goldpan.files import iter_lines, read_json
from goldpan.study.data_versions import version_file, versions
from goldpan.study.load import Project, load_project
from goldpan.study.paths import studies_folder


@dataclass(frozen=True)
class ListedModule:
    """A module of a study, or a stage that is measured by gold in fields.

    Attributes:
        id: of the module or `STUDY.STAGE`.
        name, kind, funnel: as the table of modules says.
        enabled: whether the study takes it.
        rows: of its data set; None where there is no such file.
        last: its last run in this study, or over its data set.
    """

    id: str
    name: str | None
    kind: str | None
    funnel: str | None
    enabled: bool
    rows: int | None
    last: Run | None


def measured_stages(project: Project) -> list[str]:
    """The stages that have runs: those measured by gold in fields."""
    return [stage for stage in project.study.stages if field_evaluations(project.study, stage)]


def listed_modules(project: Project, recorded: Recorded) -> list[ListedModule]:
    """The modules of a study's table, all of them, and its other stages that have runs."""
    table, settings, stages = table_of_modules(project), project.study.modules, measured_stages(project)
    listed = []
    for name in [*table, *(stage for stage in stages if stage not in table)]:
        module = table.get(name)
        rows = None
        if module and settings:
            path = project.root / settings.data_file(name, module, project.root)
            rows = sum(1 for _ in iter_lines(path)) if path.exists() else None
        listed.append(
            ListedModule(
                id=name if module else module_id(project, name),
                name=module.name if module else None,
                kind=module.kind if module else None,
                funnel=module.funnel if module else None,
                enabled=name in project.study.stages,
                rows=rows,
                last=last_run(project, name, recorded),
            )
        )
    return listed


def last_run(project: Project, stage: str, recorded: Recorded) -> Run | None:
    """The run of a stage among the results of the study, else the one of this study that was recorded last,
    else the last one over a version of its data set.

    A run that another study has made first has that one's name.
    """
    runs = recorded.of_module(module_id(project, stage))
    among_results = copied_run_id(project.root / project.paths.run(stage, "json"))
    own = [run for run in runs if run.id == among_results]
    own = own or [run for run in runs if run.study == project.study.study]
    if runs and not own:
        data = _data_hashes(project, stage)
        own = [run for run in runs if run.data_hash in data]
    return own[-1] if own else None


def _data_hashes(project: Project, stage: str) -> set[str]:
    """The hashes of the data of a stage: of a module with a data set, those of all its versions."""
    settings, module = project.study.modules, table_of_modules(project).get(stage)
    hashes: set[str] = set()
    files: list[str | None] = [None]
    if settings is not None and module is not None and not settings.is_chain:
        name = module.data or stage
        files += [
            f"{settings.data}/{version_file(name, number)}"
            for number in versions(project.root / settings.data, name)
        ]
    for file in files:
        # What cannot be read now has not been run as it is now.
        with contextlib.suppress(GoldpanError):
            hashes.add(data_hash(_reading(project, stage, file), stage))
    return hashes


def _reading(project: Project, stage: str, file: str | None) -> Project:
    """The project with another file of a module's rows; as it is where none is named."""
    if file is None or stage not in project.study.sources:
        return project
    source = project.study.sources[stage].model_copy(update={"files": [file]})
    study = project.study.model_copy(update={"sources": {**project.study.sources, stage: source}})
    return replace(project, study=study)


def copied_run_id(path: Path) -> str | None:
    """The id of a run among the results of a study; None where there is no such file that can be read."""
    try:
        run = read_json(path) if path.exists() else None
    except SourceError:
        return None
    return run.get("id") if isinstance(run, dict) else None


@dataclass(frozen=True)
class Pending:
    """A stage whose run, as it would be now, is not in the history.

    Attributes:
        stage: which.
        why: what changed since its last run, or that it has none.
    """

    stage: str
    why: str


def pending_runs(project: Project, history: History) -> list[Pending]:
    """The measured stages whose task, data, model or settings are not those of a run in the history.

    Raises:
        StudyError, TaskError, SourceError: what would be run cannot be told.
    """
    recorded = history.read()
    pending = []
    for stage in measured_stages(project):
        what = what_is_run(project, stage, planned_limits(project, stage))
        if any(run.id == run_id(what) for run in recorded.runs):
            continue
        last = last_run(project, stage, recorded)
        why = "never run" if last is None else f"since run {last.id}: {', '.join(_changed(last.what, what))}"
        pending.append(Pending(stage, why))
    return pending


def lost_runs(project: Project, history: History, stages: Sequence[str]) -> list[str]:
    """Those of some stages whose run, as it would be now, is not whole in the history."""
    recorded = {run.id: run for run in history.read().runs}
    lost = []
    for stage in stages:
        try:
            run = recorded.get(run_id(what_is_run(project, stage, planned_limits(project, stage))))
            if run is not None:
                history.rows_of(run)
                continue
        except SourceError:
            pass
        except GoldpanError:
            continue  # what is wrong is told by the run itself
        lost.append(stage)
    return lost


_NAMES = {
    "tasks": "task",
    "data": "data",
    "limit": "limit of a trial",
    "after": "stages before it",
    "gold": "what is expected",
    "judged": "who judges",
}


def _changed(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two `what_is_run`, in words."""
    asked = was.get("asked", {}), now["asked"]
    changed = [name for key, name in _NAMES.items() if was.get(key) != now.get(key)]
    return changed + [key for key in asked[1] if asked[0].get(key) != asked[1][key]]


def default_study(root: Path) -> str | None:
    """The study that is meant where none is named: None for that of `config/config.yaml` if it has runs, else
    the first by name that has a data set for each module."""
    with contextlib.suppress(GoldpanError):
        if measured_stages(load_project(root=root)):
            return None
    for path in sorted(studies_folder(root).glob("*.yaml")):
        with contextlib.suppress(GoldpanError):
            modules = load_project(path.stem, root=root).study.modules
            if modules and (root / modules.data).is_dir():
                return path.stem
    return None
