"""The step of a project that fine-tunes a model, from files to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from goldpan.finetune.checkpoints import forget_checkpoints
from goldpan.finetune.files import FINETUNED_FILES, training_data
from goldpan.finetune.training_report import TrainingReport
from goldpan.models.installed import check_fine_tuning_installed
from goldpan.study.load import Project


def fine_tune_in_project(
    project: Project, name: str, *, threads: int = 1, say: Callable[[str], None] = lambda _: None
) -> TrainingReport:
    """Train the adapter `name`, and write it, the merged model and what is told of it.

    Raises:
        StudyError: the study has no such fine-tuning, or its export is not there yet.
        FineTuneError, EmbeddingError: as of `fine_tune`, or packages are missing.
    """
    settings = project.named("fine-tuning", project.study.finetunes, name)
    check_fine_tuning_installed()
    from goldpan.finetune.train import fine_tune

    data = {
        split: project.left(path, f"fine-tuning `{name}`")
        for split, path in training_data(project, name).items()
    }
    folder = _finetuned_folder(project, name)
    return fine_tune(name, settings, data, folder, root=project.root, threads=threads, say=say)


def forget_finished_trainings(project: Project) -> None:
    """Remove the checkpoints of all models that are there."""
    for name in project.study.finetunes:
        folder = _finetuned_folder(project, name)
        if all((folder / file).exists() for file in FINETUNED_FILES):
            forget_checkpoints(folder)


def _finetuned_folder(project: Project, name: str) -> Path:
    return (project.root / project.paths.finetuned(name, FINETUNED_FILES[0])).parent
