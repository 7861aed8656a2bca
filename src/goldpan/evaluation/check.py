"""Checking the evaluations of a study as far as that is possible before anything is asked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from goldpan.errors import ErrorGatherer
from goldpan.evaluation.field_gold import gold_remedy
from goldpan.evaluation.judged import judges_of
from goldpan.evaluation.read import feature_values
from goldpan.evaluation.run import check_predicted_features, evaluated_features
from goldpan.records.first_rows import first_records
from goldpan.records.read import iter_records
from goldpan.records.source_rows import place_of
from goldpan.study.load import Project
from goldpan.waves.collect.record_fields import RecordFields, check_fields_exist, field_path


def check_evaluations(project: Project) -> Iterator[str]:
    """Look for the features and fields that evaluations name; yields a line about each, and raises in the end
    what is wrong.

    Raises:
        StudyError: a feature or a field is not there, or no figure measures it.
        TaskError, SourceError: a task or a source cannot be read, or gold in a field is no value.
    """
    wrong = ErrorGatherer()
    for name, settings in project.study.evaluations.items():
        with wrong.gather():
            where = f"evaluations.{name}"
            features = evaluated_features(project, name)
            check_predicted_features(project, name, features)
            count = len(feature_values(settings, features, where))
            paths = map(field_path, settings.gold.values())
            check_fields_exist(project, settings.source or [], paths, f"{where}.gold")
            check_gold_values(project, name)
            count += len(judges_of(project, name))
            yield f"evaluation {name}: {count} features, {len(settings.predictions)} predictions"
    wrong.finish()


def check_gold_values(project: Project, name: str) -> None:
    """Read the gold in fields of the first rows of an evaluation's sources: what is none would stop the
    evaluation only after all predictions were paid for.

    Raises:
        StudyError, TaskError: as `evaluated_features`.
        SourceError: a source cannot be read so far, or values that are none of their features.
    """
    settings = project.study.evaluations[name]
    judges_of(project, name)
    sources = settings.source or []
    if not sources:
        return
    place = place_of(project, sources)
    where, required = f"evaluations.{name}.gold", settings.every_record
    fields = RecordFields(evaluated_features(project, name), settings.gold, place, where, required)
    with tempfile.TemporaryDirectory(prefix="goldpan-gold-") as folder:
        for source in sources:
            for path in first_records(project, source, Path(folder)):
                for record in iter_records(path):
                    if "skip" not in record:
                        fields.values(record)
    fields.check(f"{gold_remedy(settings)}; or name another field in {where}")
