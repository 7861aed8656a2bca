"""Checking the waves of a study as far as that is possible before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.study.load import Project
from goldpan.waves.collect.record_fields import check_fields_exist, field_path
from goldpan.waves.sheets.doccano import pickable_labels
from goldpan.waves.steps.answered_table import table_fields
from goldpan.waves.steps.run import WaveRun


def check_waves(project: Project) -> Iterator[str]:
    """Load what every wave of a study asks; yields a line about each, and raises in the end what is wrong.

    Raises:
        StudyError: a feature is not there or differs between the tasks of a stage, the guidelines cannot be
            read, or a format cannot ask for a feature.
        TaskError: a task cannot be loaded.
    """
    wrong = ErrorGatherer()
    for name in project.study.waves:
        with wrong.gather():
            yield _check_wave(project, name)
    wrong.finish()


def _check_wave(project: Project, name: str) -> str:
    wave = project.study.waves[name]
    run = WaveRun(project, name)
    try:
        codebook = run.study_codebook
    except OSError as error:
        raise StudyError(
            f"the guidelines cannot be read: {error.strerror}",
            where=f"waves.{name}.guidelines",
            remedy="paths start from the project root",
        ) from None
    run.left_out_values(wave, codebook.by_name)
    if wave.from_ is not None:
        fields = map(field_path, table_fields(wave.from_, codebook.by_name).values())
        check_fields_exist(project, wave.from_.source, fields, f"waves.{name}.from")
    if wave.show:
        check_fields_exist(project, project.study.sources_of_wave(name), wave.show, f"waves.{name}.show")
    if "doccano" in wave.formats:
        try:
            pickable_labels(codebook)
        except StudyError as error:
            error.where = f"waves.{name}.formats"
            raise
    return f"wave {name}: {len(codebook.features)} features, {len(wave.annotators)} annotators"
