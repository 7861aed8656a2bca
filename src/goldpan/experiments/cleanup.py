"""Which files of a history nothing refers to, and how they are put aside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import GoldpanError
from goldpan.evaluation.files import field_evaluations
from goldpan.experiments.history import LEADERBOARDS, History
from goldpan.experiments.identity import module_id
from goldpan.experiments.listing import copied_run_id
from goldpan.study.load import Project, load_project
from goldpan.study.paths import studies_folder

UNREFERENCED = "unreferenced"


@dataclass(frozen=True)
class Leftovers:
    """What `leftovers` found.

    Attributes:
        files: file -> why nothing refers to it.
        unknown: study -> why it cannot be read, or that it is not here: a colleague's, or one that was
            derived elsewhere. Nothing of it is a leftover.
    """

    files: dict[Path, str]
    unknown: dict[str, str]


def leftovers(project: Project, history: History) -> Leftovers:
    """Runs whose stage no study of the project measures any more and that are among no results, tables
    without a run, and parts of files that a kill has left. What is damaged stays: the registry names it."""
    measured, here, unknown = set(), set(), {}
    studies = {project.study_file, *_study_files(project)}
    for path in sorted(studies):
        try:
            other = load_project(str(path.resolve()), root=project.root)
        except GoldpanError as error:
            unknown[path.stem] = f"cannot be read: {error.what}"
            continue
        here.add(other.study.study)
        measured |= {
            (other.study.study, module_id(other, stage))
            for stage in other.study.stages
            if field_evaluations(other.study, stage)
        }
    results = (project.root / project.paths.results).glob("*/runs/*.json")
    referred = {copied_run_id(path) for path in results}
    recorded = history.read()
    for run in recorded.runs:
        if run.study not in here | unknown.keys():
            unknown[run.study] = "is not here"
    files: dict[Path, str] = {}
    for run in recorded.runs:
        is_measured = (run.study, run.module) in measured or run.study in unknown
        if not is_measured and run.id not in referred:
            why = f"study `{run.study}` measures no `{run.stage}` any more"
            files |= {history.run_file(run.id): why, history.rows_file(run.id): why}
    known = {run.id for run in recorded.runs} | {Path(name).stem for name in recorded.unreadable}
    for path in sorted(history.folder.glob("*.csv")):
        if path.stem not in known:
            files[path] = "rows of no run"
    for path in sorted([*history.folder.glob(".*.part"), *history.folder.glob(f"{LEADERBOARDS}/.*.part")]):
        files[path] = "left by a kill"
    return Leftovers({path: why for path, why in files.items() if path.exists()}, unknown)


def put_aside(history: History, files: dict[Path, str]) -> Path:
    """Move files of a history into a folder of their own, and make the registry anew; nothing is removed."""
    folder = history.folder / UNREFERENCED
    with history.alone():
        _move(files, folder)
    history.rebuild()
    return folder


def _move(files: dict[Path, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # What was being written when it was found is there no more.
    for path in filter(Path.exists, files):
        target, number = folder / path.name, 1
        while target.exists():
            number += 1
            target = folder / f"{path.name}.{number}"
        path.rename(target)


def _study_files(project: Project) -> list[Path]:
    return list(studies_folder(project.root).rglob("*.yaml"))
