"""Texts of a record by the paths that a stage names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from goldpan.errors import StudyError
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.stages.record_kinds import kinds_of_records
from goldpan.study.load import Project
from goldpan.tasks.where_types import missing_part, what_is_missing


def text_at(record: Record, path: str) -> str:
    """The text at a path of a record such as `item.raw_name`; empty where there is none."""
    value = look_up(cast(dict[str, Any], record), path)[1]
    if isinstance(value, str):
        return value
    # A name such as 1990 may have been read as a number.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def first_text(record: Record, paths: Sequence[str]) -> str:
    """The first of several texts that is not blank."""
    return next((text for path in paths if (text := text_at(record, path)).strip()), "")


def check_paths(project: Project, stage: str, key: str, paths: Iterable[str]) -> None:
    """Check that the records of a stage have what its settings name.

    Args:
        key: of the settings, for the error.

    Raises:
        StudyError: a part of a path is not there; the nearest name is said.
    """
    kinds = kinds_of_records(project, stage)
    for path in paths:
        parts = path.split(".")
        missing = missing_part(kinds, parts)
        if missing is None:
            continue
        raise StudyError(
            what_is_missing(kinds, parts[:missing]),
            where=f"{project.study_file}: stages.{stage}.{key}",
            remedy="write a path such as `item.FIELD`, `data.FIELD` or `answers.STAGE.FEATURE`",
        )
