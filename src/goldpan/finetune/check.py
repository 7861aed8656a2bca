"""Checking fine-tunings as far as that is possible without data and weights, and telling what is trained."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.errors import ErrorGatherer
from goldpan.finetune.base_folder import base_folder, bases_that_are_gone, is_all_that_is_left
from goldpan.study.finetune import FineTune
from goldpan.study.load import Project


def check_finetunes(project: Project) -> Iterator[str]:
    """Check what the study says of fine-tunings; yields a line about each, and raises in the end what is
    wrong.

    Raises:
        StudyError: a model is not there.
    """
    # Loads NumPy, which pages that tell of trainings need not.
    from goldpan.finetune.untaught import untaught_fields

    wrong = ErrorGatherer()
    for name, settings in project.study.finetunes.items():
        with wrong.gather():
            if is_all_that_is_left(project, name):
                lies = "not here any more"
            else:
                lies = "on the Hugging Face hub" if base_folder(project, name) is None else "here"
            told = f"finetune {name}: {training_in_words(settings)}; its base is {lies}"
            if asked := _stages_of(project, name):
                told += f"; whenever its export has changed it is trained anew, and {asked} asked anew"
            yield told
    with wrong.gather():
        yield from bases_that_are_gone(project)
        yield from untaught_fields(project)
    wrong.finish()


def _stages_of(project: Project, finetune: str) -> str:
    """The stages that a fine-tuned model answers, in words."""
    study = project.study
    return " and ".join(
        name
        for name, stage in study.asked_stages.items()
        if getattr(study.providers[stage.provider], "finetuned", None) == finetune
    )


def training_in_words(settings: FineTune) -> str:
    """What is trained on what, in a line: `m learns from export e: LoRA of rank 8 on q_proj, 3 epochs`."""
    lora = settings.lora
    named = lora.target_modules
    targets = named if isinstance(named, str) else ", ".join(named)
    whole = f" and all of {', '.join(lora.modules_to_save)}" if lora.modules_to_save else ""
    epochs = "1 epoch" if settings.epochs == 1 else f"{settings.epochs} epochs"
    return (
        f"{settings.model} learns from export {settings.export}: LoRA of rank {lora.rank} on"
        f" {targets}{whole}, {epochs}"
    )
