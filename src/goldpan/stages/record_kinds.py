"""What the records of a stage hold, so what filters and prompts may name, told from study and tasks alone."""

from __future__ import annotations

from collections.abc import Mapping

from goldpan.errors import StudyError
from goldpan.records.model import OF_ITEM
from goldpan.stages.features import all_features_of_stage, features_of_stage
from goldpan.study.load import Project
from goldpan.study.model import Study
from goldpan.study.stage_input import PARENT, Input
from goldpan.tasks.features import Extraction, Feature, Multilabel
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.where import RECORD_KINDS, Where
from goldpan.tasks.where_types import (
    ANYTHING,
    COUNT,
    OBJECTS,
    TEXT,
    ValueKind,
    item_kind,
    joined_kinds,
    kinds_of,
    object_kind,
)

Kinds = dict[str, ValueKind]

OF_PARTS: Mapping[str, ValueKind] = {
    **dict.fromkeys(("item", "count", "proposed_by", "outer", "children", "neighbours", "rows"), ANYTHING),
    "parent": TEXT,
}
"""Names of a record that only some stages have, where it is not known which stage it is."""
KINDS_OF_ANY_RECORD: Mapping[str, ValueKind] = {**RECORD_KINDS, **OF_PARTS}


def where_of(project: Project, stage: str) -> Where | None:
    """The filter of a stage, checked against all that it may name; None where there is none.

    Raises:
        WhereError: it names what is not there, or compares what cannot be compared.
        StudyError, TaskError: as of `check_stage_input`.
    """
    settings = project.study.stages[stage].input
    if settings.where is None:
        return None
    features = [feature for name in settings.stages for feature in all_features_of_stage(project, name)]
    return Where.parse(settings.where, features, record=_incoming(project, stage))


def check_stage_input(project: Project, stage: str) -> None:
    """Check that what a stage explodes and groups by is there.

    Raises:
        StudyError: a feature to be exploded or a field is not there, or not such a one.
        TaskError: a task of an earlier stage cannot be loaded.
    """
    settings = project.study.stages[stage].input
    if not settings.stages:
        return
    kinds = _incoming(project, stage)
    for name in settings.stages:
        _check_names_differ(project, stage, name, kinds)
    if settings.group and settings.group.by != PARENT:
        _kind_at(project, stage, settings.group.by)


def kinds_of_records(project: Project, stage: str) -> Kinds:
    """The names that the records of a stage have, and of what kind each is.

    Raises:
        StudyError, TaskError: as of `check_stage_input`.
    """
    settings = project.study.stages[stage].input
    kinds = _incoming(project, stage)
    if settings.group:
        kinds = _grouped(project, stage, settings, kinds)
    if settings.neighbours:
        kinds["neighbours"] = object_kind({"before": OBJECTS, "after": OBJECTS})
    return kinds


def kinds_of_children(project: Project, stage: str) -> Kinds:
    """The names that each of the `children` has of which a stage gathers its records.

    Raises:
        StudyError, TaskError: as of `check_stage_input`.
    """
    settings = project.study.stages[stage].input
    incoming = _incoming(project, stage)
    of_item = {"item", "count", "proposed_by"}
    kinds = {name: kind for name, kind in incoming.items() if name in of_item}
    answers = _fields(incoming["answers"])
    if settings.group is None or settings.group.by == PARENT:
        of_items = project.study.stages_about_items(settings.stages[0])
        answers = {name: kind for name, kind in answers.items() if name in of_items}
    elif "item" not in incoming:
        kinds["data"] = incoming["data"]
    return {**kinds, "id": TEXT, "answers": object_kind(answers)}


def exploded_of(study: Study, stage: str, earlier: str) -> set[str]:
    """The features of an earlier stage that were exploded on the way to a stage, and are gone since."""
    on_the_way = (study.stages[name].input for name in study.stages_to(stage))
    return {settings.explode for settings in on_the_way if settings.explode and earlier in settings.stages}


def _incoming(project: Project, stage: str) -> Kinds:
    """Of the rows that a filter looks at: exploded already, not yet grouped."""
    settings = project.study.stages[stage].input
    if not settings.stages:
        return {**RECORD_KINDS, "answers": object_kind({})}
    kinds = kinds_of_records(project, settings.stages[0])
    own = {name: kinds_of(all_features_of_stage(project, name)) for name in settings.stages}
    if settings.explode:
        lists = [_listing(project, stage, name, settings.explode) for name in settings.stages]
        for feature in lists:
            _check_by(stage, settings, feature)
        if "item" in kinds:
            kinds["outer"] = object_kind({name: kinds.pop(name) for name in OF_ITEM if name in kinds})
        (kinds["item"],) = joined_kinds(("item", item_kind(feature)) for feature in lists).values()
        kinds |= {"parent": TEXT, "count": COUNT}
        if len(lists) > 1:
            kinds["proposed_by"] = ValueKind("labels", labels=settings.stages)
        for named in own.values():
            named.pop(settings.explode, None)
    kinds["answers"] = object_kind(
        {**_fields(kinds["answers"]), **{k: object_kind(v) for k, v in own.items()}}
    )
    return kinds


def _grouped(project: Project, stage: str, settings: Input, incoming: Kinds) -> Kinds:
    assert settings.group is not None
    gathered = {"children": OBJECTS, "rows": COUNT}
    if settings.group.by != PARENT:
        value = _kind_at(project, stage, settings.group.by)
        data = object_kind({settings.group.by.rpartition(".")[2]: value})
        return {**RECORD_KINDS, "data": data, "answers": object_kind({}), **gathered}
    of_items = project.study.stages_about_items(settings.stages[0])
    answers = {name: kind for name, kind in _fields(incoming["answers"]).items() if name not in of_items}
    left_out = (*OF_ITEM, "neighbours", "children", "rows")
    kinds = {name: kind for name, kind in incoming.items() if name not in left_out}
    outer = incoming["outer"].fields if "outer" in incoming else None
    return {**kinds, **(outer or {}), "answers": object_kind(answers), **gathered}


def _fields(kind: ValueKind) -> Mapping[str, ValueKind]:
    return kind.fields or {}


def _listing(project: Project, stage: str, earlier: str, name: str) -> Extraction | Multilabel:
    """The feature of an earlier stage that lists what a stage explodes. Raises StudyError."""
    place = f"{project.study_file}: stages.{stage}.input.explode"
    features = {feature.name: feature for feature in features_of_stage(project, earlier)}
    lists = [name for name, feature in features.items() if isinstance(feature, Extraction | Multilabel)]
    remedy = "name an extraction or a multilabel" + (f": {', '.join(lists)}" if lists else "")
    feature = features.get(name)
    if feature is None:
        known = suggestion(name, lists or features)
        raise StudyError(
            f"the stage `{earlier}` has no feature `{name}`; {known}", where=place, remedy=remedy
        )
    if not isinstance(feature, Extraction | Multilabel):
        raise StudyError(
            f"`{name}` of `{earlier}` is a {feature.type}, of which there are no items",
            where=place,
            remedy=remedy,
        )
    _check_tasks_agree(project, earlier, feature, place)
    return feature


def _check_tasks_agree(project: Project, earlier: str, feature: Feature, place: str) -> None:
    for other in all_features_of_stage(project, earlier):
        if (
            other.name == feature.name
            and isinstance(feature, Extraction)
            and isinstance(other, Extraction)
            and {field.name for field in other.fields} != {field.name for field in feature.fields}
        ):
            raise StudyError(
                f"the items of `{feature.name}` have other fields in one task of `{earlier}` than in another",
                where=place,
                remedy="give the tasks the same fields, or make a stage of each",
            )


def _check_by(stage: str, settings: Input, feature: Extraction | Multilabel) -> None:
    if settings.by is None:
        return
    place = f"stages.{stage}.input.by"
    if isinstance(feature, Multilabel):
        raise StudyError(f"the items of `{feature.name}` are labels, which have no fields", where=place)
    for name in settings.by:
        kind: ValueKind = item_kind(feature)
        for part in name.split("."):
            if part not in _fields(kind):
                known = suggestion(part, _fields(kind))
                raise StudyError(
                    f"the items of `{feature.name}` have no field `{name}`; {known}", where=place
                )
            kind = _fields(kind)[part]


def _kind_at(project: Project, stage: str, path: str) -> ValueKind:
    """The kind of the values that records are grouped by. Raises StudyError where there are none."""
    settings = project.study.stages[stage].input
    kinds = _incoming(project, stage)
    place = f"{project.study_file}: stages.{stage}.input.group.by"
    visible = {**kinds, **kinds_of(features_of_stage(project, settings.stages[0]))}
    kind, named = object_kind(visible), ""
    for part in path.split("."):
        if kind is ANYTHING:
            return ANYTHING
        if kind.fields is None or part not in kind.fields:
            known = suggestion(part, kind.fields or {})
            inside = f"`{named}` has no `{part}`" if named else f"there is no `{part}`"
            raise StudyError(
                f"{inside}; {known}", where=place, remedy="write `parent`, `data.FIELD`, `item.FIELD`"
            )
        kind, named = kind.fields[part], f"{named}.{part}".lstrip(".")
    return kind


def _check_names_differ(project: Project, stage: str, earlier: str, kinds: Kinds) -> None:
    """A feature that is called as a part of the record would hide it in filters."""
    for feature in features_of_stage(project, earlier):
        if feature.name in OF_PARTS and feature.name in kinds:
            raise StudyError(
                f"the feature `{feature.name}` of `{earlier}` is called as a part of `{stage}`'s records",
                where=f"{project.study_file}: stages.{stage}.input",
                remedy="give the feature another name",
            )
