"""Checking the evaluations of a study as far as that is possible before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.errors import ErrorGatherer
from goldpan.evaluation.evaluate import feature_values
from goldpan.evaluation.run import evaluated_features
from goldpan.study.load import Project
from goldpan.waves.collect.record_fields import check_fields_exist, field_path


def check_evaluations(project: Project) -> Iterator[str]:
    """Look for the features and fields that evaluations name; yields a line about each, and raises in the end
    what is wrong.

    Raises:
        StudyError: a feature or a field is not there, or no figure measures it.
        TaskError, SourceError: a task or a source cannot be read.
    """
    wrong = ErrorGatherer()
    for name, settings in project.study.evaluations.items():
        with wrong.gather():
            where = f"evaluations.{name}"
            count = len(feature_values(settings, evaluated_features(project, name), where))
            paths = map(field_path, settings.gold.values())
            check_fields_exist(project, settings.source or [], paths, f"{where}.gold")
            yield f"evaluation {name}: {count} features, {len(settings.predictions)} predictions"
    wrong.finish()
