"""Where the model that a fine-tuning begins with lies, told before anything of the old one is removed."""

from __future__ import annotations

from pathlib import Path

from goldpan.errors import EmbeddingError, StudyError
from goldpan.finetune.training_report import read_training_report
from goldpan.models.folders import local_model
from goldpan.study.load import Project


def base_folder(project: Project, finetune: str) -> Path | None:
    """The folder of the base model; None of one of the hub.

    Snakemake removes what a training has made before it trains anew, so a base that is not here, or not any
    more, has to be told before.

    Raises:
        StudyError: it is not here.
        SourceError: the report of the last training cannot be read.
    """
    named = project.study.finetunes[finetune].model
    where = f"finetunes.{finetune}.model"
    folder, why = None, None
    try:
        folder = local_model(named, project.root)
    except EmbeddingError as error:
        why = StudyError(error.what, where=where, remedy=error.remedy)
    if folder is None and _has_learned_from(project, finetune, named):
        raise StudyError(
            f"the folder `{named}`, which `{finetune}` has learned from, is not here any more",
            where=where,
            remedy="bring it back, and run again; what was learned stays as it is until then",
        )
    if why is not None:
        raise why
    return folder


def _has_learned_from(project: Project, finetune: str, named: str) -> bool:
    """Whether a model was trained on a base of this name that lay in a folder."""
    report = project.root / project.paths.finetuned(finetune, "training.json")
    if not report.exists():
        return False
    base = read_training_report(report).model
    name = Path(named).name if Path(named).is_absolute() else named
    return base["name"] == name and base["revision"] is None
