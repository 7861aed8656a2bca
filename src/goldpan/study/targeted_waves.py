"""Waves of rows that an error analysis has listed: which analysis and stage, and never their own errors."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from goldpan.study.local_stage import FilterStage

if TYPE_CHECKING:
    from goldpan.study.evaluation import Evaluation, Predicted
    from goldpan.study.model import Study
    from goldpan.study.wave import Wave


def complete_targeted_waves(study: Study) -> None:
    """Fill in the analysis and the stage of waves that name none, where only one can be meant, and whose
    predictions' lists are drawn from.

    Raises:
        ValueError: several can be, or none.
    """
    for name, wave in study.waves.items():
        if wave.among is None:
            continue
        place, errors = f"waves.{name}", wave.among.errors
        if errors is None:
            if len(study.errors) != 1:
                known = ", ".join(sorted(study.errors)) or "none"
                raise ValueError(f"{place}.among.errors: which error analysis? There are: {known}")
            (errors,) = study.errors
        stage = wave.stage
        if stage is None and errors in study.errors:
            stages = _analysed_stages(study, errors)
            if len(stages) != 1:
                known = ", ".join(sorted(stages)) or "none, only heads or a table"
                raise ValueError(
                    f"{place}.stage: of which stage are the rows? Those that `{errors}` analyses: {known}"
                )
            (stage,) = stages
        predictions = wave.among.predictions
        if predictions is None:
            predictions = [
                model for model, predicted in _predictions(study, errors).items() if predicted.stage == stage
            ] or None
        among = wave.among.model_copy(update={"errors": errors, "predictions": predictions})
        study.waves[name] = wave.model_copy(update={"among": among, "stage": stage})


def _analysed_stages(study: Study, errors: str) -> set[str]:
    """The stages whose answers an error analysis looks at."""
    return {
        predicted.stage for predicted in _predictions(study, errors).values() if predicted.stage is not None
    }


def _predictions(study: Study, errors: str) -> dict[str, Predicted]:
    """The predictions that an error analysis looks at, by name."""
    evaluation = _analysed(study, errors)
    if evaluation is None:
        return {}
    chosen = study.errors[errors].predictions
    return {
        model: predicted
        for model, predicted in study.predictions_of(evaluation).items()
        if chosen is None or model in chosen
    }


def features_listed(study: Study, wave: Wave, features: Collection[str]) -> set[str]:
    """The features of a targeted wave as the evaluation calls them whose errors it is drawn from.

    Args:
        study: with that evaluation.
        wave: a targeted one.
        features: of the wave, as its stage calls them.
    """
    among = wave.among
    names = set(features)
    for model, predicted in _predictions(study, among.errors or "").items() if among else ():
        if among and (among.predictions is None or model in among.predictions):
            names |= {gold for gold, own in predicted.features.items() if own in features}
    return names


def _analysed(study: Study, errors: str) -> Evaluation | None:
    return (
        study.evaluations.get(study.errors[errors].evaluation or errors) if errors in study.errors else None
    )


def check_targeted_waves(study: Study, wrong: list[str]) -> None:
    """Check that no wave is drawn from errors that were found with its own gold, and that no threshold is
    chosen by a targeted sample.

    Args:
        study: whose names are known to lead somewhere.
        wrong: gets a line for each fault.
    """
    for name, wave in study.waves.items():
        if wave.among is not None and name in _waves_behind(study, wave, set()):
            wrong.append(
                f"waves.{name}.among.errors: `{wave.among.errors}` looks at errors that this wave's own gold"
                " shows, so neither could ever be made; give the wave or the evaluation another name"
            )
        known = _predictions(study, wave.among.errors or "") if wave.among else {}
        for model in (wave.among.predictions if wave.among else None) or ():
            if model not in known:
                wrong.append(
                    f"waves.{name}.among.predictions: the analysis looks at no predictions `{model}`;"
                    f" there are: {', '.join(known)}"
                )
    for stage_name, stage in study.stages.items():
        gold = _threshold_wave(study, stage_name)
        if isinstance(stage, FilterStage) and gold is not None and study.waves[gold].among is not None:
            wrong.append(
                f"stages.{stage_name}.threshold.wave: `{gold}` is a targeted sample, which says nothing"
                " about the records that a filter sees; take the gold of a wave drawn at random"
            )


def _waves_behind(study: Study, wave: Wave, seen: set[str]) -> set[str]:
    """The waves whose gold an error analysis rests on that a wave is drawn from, however far behind."""
    evaluation = _analysed(study, wave.among.errors or "") if wave.among else None
    if evaluation is None:
        return seen
    rests_on = {evaluation.wave} if evaluation.wave else set()
    for predicted in study.predictions_of(evaluation).values():
        rests_on |= _waves_of_predictions(study, predicted)
    for name in sorted((rests_on - seen) & study.waves.keys()):
        seen.add(name)
        _waves_behind(study, study.waves[name], seen)
    return seen


def _waves_of_predictions(study: Study, predicted: Predicted) -> set[str]:
    """The waves that predictions rest on: their own, those that heads learn from, and those of filters."""
    waves = {predicted.wave} if predicted.wave else set()
    annotated = study.annotated.get(predicted.annotated or "")
    for head in annotated.heads if annotated else ():
        learned = study.heads[head].labels.wave if head in study.heads else None
        waves |= {learned} if learned else set()
    if predicted.stage in study.stages:
        waves |= {
            wave for stage in study.stages_to(predicted.stage) if (wave := _threshold_wave(study, stage))
        }
    return waves


def _threshold_wave(study: Study, stage: str) -> str | None:
    """The wave whose gold the threshold of a filter is chosen by."""
    settings = study.stages[stage]
    threshold = settings.threshold if isinstance(settings, FilterStage) else None
    return getattr(threshold, "wave", None)
