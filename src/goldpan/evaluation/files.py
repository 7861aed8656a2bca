"""Which artifacts an evaluation reads: only names, which rules ask for, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goldpan.heads.files import annotated_files
from goldpan.records.inputs import files_of_sources
from goldpan.study.evaluation import Evaluation, Predicted
from goldpan.study.load import Project
from goldpan.study.model import Study
from goldpan.study.wave import Wave


def predicted_files(project: Project, predicted: Predicted) -> list[str]:
    """The artifacts that predictions stand in."""
    if predicted.annotated is not None:
        return annotated_files(project, predicted.annotated)
    if predicted.wave is not None:
        return [project.paths.sample_llm(predicted.wave)]
    assert predicted.stage is not None
    return [project.paths.features(predicted.stage)]


def gold_files(project: Project, settings: Evaluation) -> list[str]:
    """The artifacts that the gold stands in: the splits of a gold set, or records."""
    if settings.wave is not None:
        return project.paths.gold_splits(settings.wave)
    return [project.paths.records(*place) for place in files_of_sources(project, settings.source or [])]


def evaluated_chains(study: Study, settings: Evaluation, wave: Wave | None) -> dict[str, str]:
    """Name of the predictions -> the stage at the end of their chain, where the wave, as it was given out,
    holds what its chain left out."""
    if wave is None or wave.left_out is None:
        return {}
    stages = {
        name: predicted.stage or (wave.stage if predicted.wave else None)
        for name, predicted in settings.predictions.items()
    }
    return {name: stage for name, stage in stages.items() if stage in study.stages}


def judging_files(
    project: Project, settings: Evaluation, filled_sheets: Mapping[str, Sequence[str]]
) -> list[str]:
    """The artifacts that the verdicts on free texts stand in, and those that say how good their judges are.

    Args:
        filled_sheets: wave -> sheets of it that have come back; a judge is measured once there are some.
    """
    paths, evaluations = project.paths, project.study.evaluations
    judging = settings.judged.values()
    measuring = [judged.measured for judged in judging if judged.measured]
    return [
        *(paths.features(judged.stage) for judged in judging),
        *(
            paths.evaluation(name, "json")
            for name in measuring
            if filled_sheets[evaluations[name].wave or ""]
        ),
    ]


def field_evaluations(study: Study, stage: str) -> dict[str, str]:
    """The evaluations that measure a stage against gold in fields, with the name it has there."""
    return {
        name: model
        for name, evaluation in study.evaluations.items()
        if evaluation.wave is None
        for model, predicted in evaluation.predictions.items()
        if predicted.stage == stage
    }


def describing_stages(project: Project, settings: Evaluation) -> list[str]:
    """The stages whose tasks say what features with gold in fields are: those evaluated, else (where only
    heads are) all that are asked about the sources."""
    study = project.study
    evaluated = [predicted.stage for predicted in settings.predictions.values() if predicted.stage]
    return evaluated or [
        stage for stage in study.stages if set(study.sources_of(stage)) & set(settings.source or [])
    ]
