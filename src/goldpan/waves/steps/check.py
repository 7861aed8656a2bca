"""Checking the waves of a study as far as that is possible before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.stages.features import all_features_of_stage, features_of_stage
from goldpan.stages.record_kinds import kinds_of_records
from goldpan.stages.shown_fields import TELLING
from goldpan.study.load import Project
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.where_types import missing_part
from goldpan.waves.collect.record_fields import check_fields_exist, field_path
from goldpan.waves.sampling.strata import ANSWERED, LEFT_OUT, MISSING, Strata
from goldpan.waves.sheets.doccano import pickable_labels
from goldpan.waves.steps.answered_table import table_fields
from goldpan.waves.steps.left_out_values import left_out_values
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
    if wave.left_out is not None:
        left_out_values(wave.left_out, codebook.by_name, f"waves.{name}")
    if wave.from_ is not None:
        fields = map(field_path, table_fields(wave.from_, codebook.by_name).values())
        check_fields_exist(project, wave.from_.source, fields, f"waves.{name}.from")
    for key in wave.stratify.by if wave.stratify else []:
        if key.startswith("answers."):
            _check_earlier_answer(project, name, key)
    if wave.stratify and wave.stage:
        _check_strata(project, name, wave.stage)
    if wave.show:
        _check_shown(project, name, wave.show)
    if "doccano" in wave.formats:
        try:
            pickable_labels(codebook)
        except StudyError as error:
            error.where = f"waves.{name}.formats"
            raise
    return f"wave {name}: {len(codebook.features)} features, {len(wave.annotators)} annotators"


def _check_strata(project: Project, name: str, stage: str) -> None:
    """Check that strata are by features that there are, and that strata of records that were left out are
    spelt as they are; which others there will be is known once the stage is answered."""
    wave, where = project.study.waves[name], f"waves.{name}"
    features = {feature.name: feature for feature in all_features_of_stage(project, stage)}
    Strata(wave.stratify, features, where, has_left_out=wave.left_out is not None)
    numbers = wave.stratify.allocation if wave.stratify else None
    known = [ANSWERED, MISSING, *LEFT_OUT.values()]
    for stratum in numbers if isinstance(numbers, dict) else ():
        if stratum.startswith("(") and " | " not in stratum and stratum not in known:
            raise StudyError(
                f"stratify.allocation: there is no stratum `{stratum}`; {suggestion(stratum, known)}",
                where=where,
            )


def _check_shown(project: Project, name: str, show: list[str]) -> None:
    """Check that what annotators are to see is a field of the source, or of the items that the wave is of."""
    stage, where = project.study.waves[name].stage, f"waves.{name}.show"
    of_items = stage is not None and "item" in project.study.parts_of(stage)
    fields = [field for field in show if not (of_items and field.split(".")[0] in ("item", *TELLING))]
    check_fields_exist(project, project.study.sources_of_wave(name), fields, where)
    if stage and of_items:
        kinds = kinds_of_records(project, stage)
        for path in (field.split(".") for field in show if field not in fields):
            if missing_part(kinds, path) is not None:
                known = [f"item.{field}" for field in kinds["item"].fields or ()]
                wanted = ".".join(path)
                raise StudyError(f"the items have no `{wanted}`; {suggestion(wanted, known)}", where=where)


def _check_earlier_answer(project: Project, name: str, key: str) -> None:
    """Check that `answers.STAGE.FEATURE` names a stage before the wave's, and one of its features."""
    where, wave = f"waves.{name}.stratify.by", project.study.waves[name]
    _, stage, feature = key.split(".", 2)
    earlier = project.study.stages_to(wave.stage)[1:] if wave.stage else []
    if stage not in earlier:
        raise StudyError(
            f"`{stage}` is no stage before the wave's; {suggestion(stage, earlier) or 'there is none'}",
            where=where,
            remedy="the wave's own answers are `features.NAME`",
        )
    known = [one.name for one in features_of_stage(project, stage)]
    if feature not in known:
        raise StudyError(
            f"the stage `{stage}` has no feature `{feature}`; {suggestion(feature, known)}", where=where
        )
