"""Embedding and annotating from Python, under the names that ml_filter has for it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goldpan.errors import EmbeddingError, GoldpanError, HeadError, StudyError
from goldpan.files import read_json
from goldpan.imports.classic.convert import convert_jobs, is_study
from goldpan.study.installed import installed_project
from goldpan.study.load import Project, load_project
from goldpan.study.paths import studies_folder
from goldpan.workflow.snakemake_command import snakemake_command


def run_embedding_pipeline(
    config: str | Path, *, root: str | Path | None = None, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Make all embeddings of a study, or what an `embedding_job.yaml` of ml_filter asks for, by the workflow.

    What is made and current is not made again; a run that was killed goes on. A job file is converted to a
    study of the project first, as `goldpan convert` does; a study of that name which says something else is
    never replaced.

    Args:
        config: path of a study file or job file, or name of a study.
        root: folder of the project; default that of the study file, and for a job file the working folder.
        options: further ones of Snakemake, such as `["--cores", "4"]`; a job that runs on Slurm has the
            profiles for it by default.

    Returns:
        Embedding -> what its `summary.json` says: rows, embedded, skipped, file by file.

    Raises:
        StudyError: the file is neither, or the study has no embeddings.
        EmbeddingError: the run failed; what Snakemake said was printed.
    """
    project, defaults = _project(config, root)
    paths = [project.paths.embedding_summary(name) for name in project.study.embeddings]
    return _run(project, paths, list(project.study.embeddings), options or defaults, EmbeddingError)


def run_annotation_pipeline(
    config: str | Path, *, root: str | Path | None = None, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Make all annotated files of a study, or those that an `annotation_job.yaml` of ml_filter asks for, by
    the workflow; else as `run_embedding_pipeline`.

    Returns:
        Set of annotated files -> what its `summary.json` says: rows, annotated, skipped, file by file.

    Raises:
        StudyError: the file is neither, or the study annotates nothing.
        HeadError: the run failed; what Snakemake said was printed.
    """
    project, defaults = _project(config, root)
    paths = [project.paths.annotated_summary(name) for name in project.study.annotated]
    return _run(project, paths, list(project.study.annotated), options or defaults, HeadError)


def _project(config: str | Path, root: str | Path | None) -> tuple[Project, list[str]]:
    """The project that is meant, and the options of Snakemake that go with a job of Slurm."""
    path = Path(config)
    if path.suffix not in (".yaml", ".yml"):
        return load_project(str(config), root=root or "."), []
    if is_study(path):
        return load_project(str(path.resolve()), root=root or "."), []
    folder = Path(root or ".")
    conversion = convert_jobs([path], root=folder)
    conversion.write()
    profile: list[str] = []
    if conversion.profile is not None:
        shipped = installed_project() / "profiles" / "slurm"
        profile = ["--profile", str(shipped), "--profile", str(conversion.profile.resolve())]
    return load_project(conversion.name, root=folder), profile


def _run(
    project: Project,
    targets: Sequence[str],
    names: Sequence[str],
    options: Sequence[str],
    kind: type[GoldpanError],
) -> dict[str, Any]:
    if not targets:
        what = "embeddings" if kind is EmbeddingError else "annotated files"
        raise StudyError(f"the study has no {what}", where=str(project.study_file))
    root = project.root.resolve()
    file = project.study_file.resolve()
    study = file.stem if file.parent == studies_folder(root) else str(file)
    command = snakemake_command(root, {"study": study}, [*targets, *options])
    done = subprocess.run(command, cwd=root, check=False)
    if done.returncode:
        raise kind(
            f"the run ended with exit code {done.returncode}",
            where=str(project.study_file),
            remedy="what failed is said above, and in the logs; the same call goes on from there",
        )
    return {name: read_json(root / target) for name, target in zip(names, targets, strict=True)}
