"""Where the model that a fine-tuning begins with lies, told before anything of the old one is removed."""

from __future__ import annotations

from pathlib import Path

from goldpan.errors import EmbeddingError, StudyError
from goldpan.finetune.training_report import read_training_report
from goldpan.models.chat_templates import has_chat_template
from goldpan.models.folders import local_model
from goldpan.study.load import Project

_TEXT = "trl_prompt_completion"


def base_folder(project: Project, finetune: str) -> Path | None:
    """The folder of the base model; None of one of the hub.

    Snakemake removes what a training has made before it trains anew, so a base that is not here, or not any
    more, has to be told before.

    Raises:
        StudyError: it is not here, or has no chat template where the export needs one.
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
    export = project.study.finetunes[finetune].export
    if folder is not None and not has_chat_template(folder) and project.study.exports[export].format != _TEXT:
        raise StudyError(
            f"the model `{named}` has no chat template, and the export `{export}` holds conversations",
            where=where,
            remedy=f"take an instruction-tuned model, or export as `format: {_TEXT}`",
        )
    return folder


def _has_learned_from(project: Project, finetune: str, named: str) -> bool:
    """Whether a model was trained on a base of this name that lay in a folder."""
    report = project.root / project.paths.finetuned(finetune, "training.json")
    if not report.exists():
        return False
    base = read_training_report(report).model
    name = Path(named).name if Path(named).is_absolute() else named
    return base["name"] == name and base["revision"] is None
