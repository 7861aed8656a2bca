"""Which records are relevant, as far as a gold set or a field of the records says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from goldpan.errors import AnswerError, SourceError, StudyError
from goldpan.files import iter_rows
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.source_rows import place_of
from goldpan.records.splits import SplitName, split_of
from goldpan.statistics.scales import value_text
from goldpan.study.filter import GoldThreshold, HeadChoice
from goldpan.study.load import Project
from goldpan.study.wave import Split
from goldpan.tasks.features import Binary
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.cell_values import is_empty, read_cell
from goldpan.waves.collect.record_fields import field_path
from goldpan.waves.gold.gold_set import read_gold
from goldpan.waves.items import Item, read_items

_YES = ["yes"]
_SHARES, _SEED = Split(), 0
_YES_OR_NO = Binary(type="binary", name="relevant", description="Whether the record is relevant.")


@dataclass(frozen=True)
class Judged:
    """What the gold says of a record.

    Attributes:
        is_relevant: whether it should be kept; None where nobody can tell.
        split: which split it is in.
        stratum, inclusion_probability: how it was drawn.
    """

    is_relevant: bool | None
    split: SplitName
    stratum: str = "all"
    inclusion_probability: float = 1.0


def gold_inputs(project: Project, settings: GoldThreshold, head: HeadChoice | None) -> list[str]:
    """The artifacts that say what is relevant, and what a head was trained on."""
    paths = project.paths
    of_wave = [*paths.gold_splits(settings.wave), paths.sample(settings.wave)] if settings.wave else []
    return [*of_wave, *([paths.head(head.name, "labels.jsonl")] if head else [])]


def drawn_items(project: Project, wave: str, where: str) -> list[Item]:
    """All items that the wave of a gold set has drawn, resolved or not."""
    return list(read_items(project.left(project.paths.sample(wave), where)).values())


def judged_records(project: Project, stage: str, settings: GoldThreshold, where: str) -> dict[str, Judged]:
    """What the gold says, by the records' ids.

    Args:
        project: of the filter.
        stage: the filter, whose records are looked at where they have the gold in a field.
        settings: which gold.
        where: place of the settings in the study, for errors.

    Raises:
        StudyError: there is no such feature or field.
        SourceError: a field holds neither yes nor no, where these are asked for.
    """
    if settings.wave is None:
        return _of_field(project, stage, settings, where)
    judged = {}
    known: dict[str, None] = {}
    assert settings.feature is not None
    for item in read_gold(project.left(path, where) for path in project.paths.gold_splits(settings.wave)):
        known.update(dict.fromkeys(item.resolutions))
        if settings.feature in item.labels:
            value = item.labels[settings.feature]
            is_relevant = None if value is None else _is_positive(value, settings.positive)
            judged[item.id] = Judged(is_relevant, item.split, item.stratum, item.inclusion_probability)
    if settings.feature not in known:
        raise StudyError(
            f"the gold set of the wave `{settings.wave}` has no feature `{settings.feature}`;"
            f" {suggestion(settings.feature, known)}",
            where=f"{where}.feature",
        )
    return judged


def _of_field(project: Project, stage: str, settings: GoldThreshold, where: str) -> dict[str, Judged]:
    assert settings.field is not None
    field = field_path(settings.field)
    judged, known = {}, dict[str, None]()
    has_field = False
    place = place_of(project, project.study.sources_of(stage))
    for record in _usable(project, stage):
        is_there, value = look_up(record["data"], field)
        has_field |= is_there
        known.update(dict.fromkeys(record["data"]))
        if not is_empty(value):
            is_relevant = _read(value, settings, record, place)
            judged[record["id"]] = Judged(is_relevant, split_of(record["id"], _SHARES, _SEED))
    if not has_field:
        raise StudyError(
            f"no record has a field `{field}`; {suggestion(field, known) or 'there are no records'}",
            where=f"{where}.field",
        )
    return judged


def _read(value: Any, settings: GoldThreshold, record: Record, place: Callable[[Record], str]) -> bool | None:
    if settings.positive != _YES:
        return _is_positive(value, settings.positive)
    try:
        return read_cell(_YES_OR_NO, value, cannot_tell=True).value
    except AnswerError as error:
        raise SourceError(
            f"record `{record['id']}`, field `{settings.field}`: {error.what}",
            where=place(record),
            remedy="correct the value, or say under `positive` which values mean relevant",
        ) from None


def _is_positive(value: Any, positive: list[str]) -> bool:
    """Whether a value, or one of several labels, is among those that mean relevant."""
    values = value if isinstance(value, list) else [value]
    return any(value_text(one_value).strip() in positive for one_value in values)


def _usable(project: Project, stage: str) -> Iterator[Record]:
    records = iter_records(project.left(project.paths.stage_records(stage), f"stages.{stage}"))
    return (record for record in records if "skip" not in record)


def records_with_gold(project: Project, stage: str, judged: Mapping[str, Judged]) -> Iterator[Record]:
    """The records of a filter that the gold says something of, in their order."""
    return (record for record in _usable(project, stage) if record["id"] in judged)


def trained_on(project: Project, head: HeadChoice | None, where: str) -> set[str]:
    """Ids of the records that a filter's head was trained on: it scores these better than others."""
    if head is None:
        return set()
    path = project.left(project.paths.head(head.name, "labels.jsonl"), where)
    return {row["id"] for _, row in iter_rows(path, SourceError) if row["split"] == "train"}
