"""The steps of a project's heads, annotated files and selections, each from files to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from goldpan.files import write_json
from goldpan.heads.annotate import AnnotatedCounts, annotate_file, read_counts
from goldpan.heads.files import (
    annotated_files,
    label_files,
    labelled_embeddings,
    labelled_records,
    names_of_annotated,
    trained_heads,
)
from goldpan.heads.load import load_heads
from goldpan.heads.select import SelectionCounts, select
from goldpan.heads.train import train_head
from goldpan.models.installed import check_installed
from goldpan.records.limit import trial_of
from goldpan.study.load import Project


def train_in_project(project: Project, name: str) -> dict[str, Any]:
    """Train the head `name` and write its checkpoint, labels and metrics; returns what metrics.json holds.

    Raises:
        StudyError: the study has no such head.
        HeadError, EmbeddingError, ReconciliationError: as of `train_head`.
    """
    check_installed()
    settings = project.named("head", project.study.heads, name)
    return train_head(
        name,
        settings,
        _left(project, labelled_embeddings(project, name), f"head `{name}`"),
        _left(project, label_files(project, name), f"head `{name}`"),
        _head_folder(project, name),
        group=project.study.embeddings[settings.embedding].group,
        records=_left(project, labelled_records(project, name), f"head `{name}`"),
        trial=trial_of(project, project.study.label_sources(name)),
    )


def annotate_in_project(
    project: Project,
    name: str,
    source: str,
    file: str,
    *,
    threads: int = 1,
    names: Mapping[tuple[str, str], str] | None = None,
) -> AnnotatedCounts:
    """Write the annotated rows of one records file, and their counts.

    Args:
        names: what `names_of_annotated` gives, where it is known already.

    Raises:
        StudyError: the study has no such annotated files.
        HeadError, EmbeddingError, ReconciliationError, SourceError: as of `annotate_file` and `load_heads`.
    """
    check_installed()
    settings = project.named("set of annotated files", project.study.annotated, name)
    paths, needed_by = project.paths, f"annotated.{name}"
    called = (names or names_of_annotated(project, name))[source, file]
    _left(project, trained_heads(project, name), needed_by)
    heads = load_heads(
        {head: _head_folder(project, head) for head in settings.heads},
        {head: project.root / path for head, path in settings.regression_head_checkpoints.items()},
    )
    counts = annotate_file(
        settings,
        project.left(paths.embeddings(settings.embedding, source, file), needed_by),
        project.left(paths.records(source, file), needed_by),
        heads,
        project.root / paths.annotated(name, source, called, settings.suffix),
        group=project.study.embeddings[settings.embedding].group,
        threads=threads,
    )
    write_json(project.root / paths.annotated_counts(name, source, called, settings.suffix), counts.as_json())
    return counts


def summarize_annotated(project: Project, name: str) -> dict[str, Any]:
    """Write what became of the records of all annotated files, file by file and in all.

    Raises:
        StudyError: the study has no such annotated files.
    """
    settings = project.named("set of annotated files", project.study.annotated, name)
    total, files = AnnotatedCounts(), {}
    for (source, file), called in names_of_annotated(project, name).items():
        path = project.root / project.paths.annotated_counts(name, source, called, settings.suffix)
        counts = read_counts(path)
        files[f"{source}/{file}"] = counts.as_json()
        total.add(counts)
    trial = trial_of(project, project.study.embeddings[settings.embedding].source)
    summary = {
        "study": project.study.study,
        "name": name,
        **({"trial": trial} if trial else {}),
        "embedding": settings.embedding,
        "heads": [*settings.heads, *settings.regression_head_checkpoints],
        **total.as_json(),
        "files": files,
    }
    write_json(project.root / project.paths.annotated_summary(name), summary)
    return summary


def select_in_project(project: Project, name: str) -> SelectionCounts:
    """Write the annotated rows that the condition of a selection holds for, and the counts.

    Raises:
        StudyError: the study has no such selection.
        WhereError, SourceError: as of `select`.
    """
    settings = project.named("selection", project.study.selections, name)
    return select(
        settings,
        _left(project, annotated_files(project, settings.annotated), f"selection `{name}`"),
        project.root / project.paths.selection(name, settings.suffix),
        project.root / project.paths.selection_counts(name, settings.suffix),
    )


def _left(project: Project, paths: Sequence[str], needed_by: str) -> list[Path]:
    return [project.left(path, needed_by) for path in paths]


def _head_folder(project: Project, head: str) -> Path:
    return (project.root / project.paths.head(head, "x")).parent
