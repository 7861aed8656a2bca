"""Checking the error analyses of a study as far as that is possible before anything is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.evaluation.read import feature_values
from goldpan.evaluation.run import evaluated_features
from goldpan.stages.features import all_features_of_stage
from goldpan.study.error_analysis import ErrorAnalysis
from goldpan.study.load import Project
from goldpan.study.targeted_waves import features_listed
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.record_fields import field_path, fields_unmet


def check_error_analyses(project: Project) -> Iterator[str]:
    """Look for the features, fields and stages that error analyses name, and those of waves that are drawn
    from them; yields a line about each analysis, and raises in the end what is wrong.

    Raises:
        StudyError: a feature or a field is not there, or a stage does not ask for the same.
        TaskError, SourceError: a task or a source cannot be read.
    """
    wrong = ErrorGatherer()
    for name, analysis in project.study.errors.items():
        with wrong.gather():
            features = _analysed_features(project, name, analysis)
            _check_slices(project, name, analysis)
            _check_paraphrases(project, name, analysis, features)
            yield f"error analysis {name}: {len(features)} features"
    for name, wave in project.study.waves.items():
        if wave.among is None:
            continue
        with wrong.gather():
            errors = wave.among.errors or ""
            known = _analysed_features(project, errors, project.study.errors[errors])
            if wave.among.feature is not None:
                _check_known([wave.among.feature], known, f"waves.{name}.among.feature")
            elif wave.features and not features_listed(project.study, wave, wave.features) & known.keys():
                raise StudyError(
                    f"`{errors}` looks at none of the features of the wave ({', '.join(wave.features)}),"
                    f" but at {', '.join(known)}; `among.feature` says which of these the rows are drawn for",
                    where=f"waves.{name}.features",
                )
    wrong.finish()


def _analysed_features(project: Project, name: str, analysis: ErrorAnalysis) -> dict[str, Feature]:
    evaluation = analysis.evaluation or name
    described = evaluated_features(project, evaluation)
    settings = project.study.evaluations[evaluation]
    values = feature_values(settings, described, f"evaluations.{evaluation}")
    if not values:
        raise StudyError(
            f"the evaluation `{evaluation}` compares no predictions with labels (judged texts have none)",
            where=f"errors.{name}.evaluation",
            remedy="name an evaluation with `gold` in fields or with a `wave`",
        )
    _check_known(analysis.features or (), values, f"errors.{name}.features")
    return {feature: described[feature] for feature in analysis.features or values}


def _check_known(features: Sequence[str], known: Collection[str], where: str) -> None:
    for feature in features:
        if feature not in known:
            raise StudyError(
                f"no feature `{feature}` is evaluated; {suggestion(feature, known)}", where=where
            )


def _check_slices(project: Project, name: str, analysis: ErrorAnalysis) -> None:
    """Check that fields are there. What stands in items or groups of records is known once these are made."""
    keys = [key for key in analysis.slices or () if key.startswith("data.")]
    sources, study = _sources(project, analysis.evaluation or name), project.study
    evaluation = study.evaluations[analysis.evaluation or name]
    stages = [predicted.stage for predicted in evaluation.predictions.values() if predicted.stage]
    if not keys or any(study.parts_of(stage) for stage in stages):
        return
    for key in keys:
        # `a.b` may go into the objects of a list `a`, which only the whole path's beginning tells.
        path = field_path(key)
        unmet, known = fields_unmet(project, sources, [path, path.partition(".")[0]])
        if len(list(unmet)) == len({path, path.partition(".")[0]}):
            raise StudyError(
                f"no row has a field `{path}`; {suggestion(path, known) or 'there are no rows'}",
                where=f"errors.{name}.slices",
            )


def _sources(project: Project, evaluation: str) -> list[str]:
    settings = project.study.evaluations[evaluation]
    predicted = settings.predictions.values()
    return list(dict.fromkeys(source for one in predicted for source in project.study.sources_predicted(one)))


def _check_paraphrases(
    project: Project, name: str, analysis: ErrorAnalysis, features: dict[str, Feature]
) -> None:
    """Check that each stage asks for one of the features, of the same kind, and about the same records."""
    study, evaluation = project.study, analysis.evaluation or name
    predicted = study.evaluations[evaluation].predictions
    stages = [
        of.stage
        for model, of in predicted.items()
        if of.stage and model in (analysis.predictions or predicted)
    ]
    own_names = {own for of in predicted.values() for own in of.features.values()}
    for paraphrase in analysis.paraphrases:
        where = f"errors.{name}.paraphrases"
        if not any(
            study.parts_of(stage) == study.parts_of(paraphrase)
            and set(study.sources_of(stage)) & set(study.sources_of(paraphrase))
            for stage in stages
        ):
            raise StudyError(
                f"`{paraphrase}` is not asked about the records of {', '.join(stages) or 'any stage here'},"
                " so no answers can be held against each other",
                where=where,
            )
        kinds = {feature.name: feature.type for feature in all_features_of_stage(project, paraphrase)}
        if not kinds.keys() & {*features, *own_names}:
            raise StudyError(
                f"`{paraphrase}` asks for none of {', '.join(features)}, but for {', '.join(kinds)}",
                where=where,
            )
        for feature in features.values():
            if kinds.get(feature.name, feature.type) != feature.type:
                raise StudyError(
                    f"`{feature.name}` is a {feature.type}, and a {kinds[feature.name]} in `{paraphrase}`",
                    where=where,
                )
