"""Where the model that a fine-tuning begins with lies, told before anything of the old one is removed.

Snakemake removes what a training has made before it trains anew. A base that is gone is often nothing to stop
at, though: whoever is given a project may get what was learned without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from goldpan.errors import EmbeddingError, StudyError
from goldpan.files import sha256_file
from goldpan.finetune.files import FINETUNED_FILES, FINETUNED_FOLDERS, training_data
from goldpan.finetune.training_report import TrainingReport, read_training_report
from goldpan.models.chat_templates import has_chat_template
from goldpan.models.folders import PACKAGE, local_model, shaping_files
from goldpan.study.finetune import FineTune
from goldpan.study.load import Project

_TEXT = "trl_prompt_completion"


def base_folder(project: Project, finetune: str) -> Path | None:
    """The folder of the base model; None of one of the hub.

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
    if folder is None and _learned_from(project, finetune) is not None:
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


def base_files(project: Project, finetune: str) -> list[Path]:
    """The files of the base that a training depends on; none of one of the hub, or of an installed package.

    Where the base is gone and nothing else has changed since, it is one that is not there: Snakemake then
    takes what was learned as it takes a file of the user's, which nothing makes.

    Raises:
        StudyError, SourceError: as of `base_folder`.
    """
    named = project.study.finetunes[finetune].model
    if is_all_that_is_left(project, finetune):
        return [project.root / named / "config.json"]
    folder = base_folder(project, finetune)
    return [] if folder is None or named.startswith(PACKAGE) else sorted(shaping_files(folder).values())


def bases_that_are_gone(project: Project) -> Iterator[str]:
    """A line about each fine-tuning that is used as it is, for its base is gone."""
    for name, settings in project.study.finetunes.items():
        if is_all_that_is_left(project, name):
            yield (
                f"finetune {name}: note: its base `{settings.model}` is not here; what was learned is used as"
                " it is, and is not trained anew until it is back"
            )


def is_all_that_is_left(project: Project, finetune: str) -> bool:
    """Whether what was learned is here, the folder that it was learned from is not, and neither settings nor
    data have changed since."""
    settings = project.study.finetunes[finetune]
    if (project.root / settings.model).exists():
        return False
    learned = _learned_from(project, finetune)
    made = (project.paths.finetuned(finetune, name) for name in (*FINETUNED_FOLDERS, *FINETUNED_FILES))
    if learned is None or not all((project.root / path).exists() for path in made):
        return False
    then = FineTune.model_validate(learned.settings | {"model": settings.model})
    return then.as_setting() == settings.as_setting() and all(
        (project.root / path).exists() and sha256_file(project.root / path) == learned.data[split].sha256
        for split, path in training_data(project, finetune).items()
    )


def _learned_from(project: Project, finetune: str) -> TrainingReport | None:
    """What is told of a model that was trained on a base of this name which lay in a folder."""
    path = project.root / project.paths.finetuned(finetune, "training.json")
    named = project.study.finetunes[finetune].model
    if named.startswith(PACKAGE) or not path.exists():
        return None
    report = read_training_report(path)
    name = Path(named).name if Path(named).is_absolute() else named
    return report if report.model["name"] == name and report.model["revision"] is None else None
