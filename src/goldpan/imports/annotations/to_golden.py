"""Annotations of other tools as right answers of a module's golden set: a new version of it, as of a wave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from goldpan.errors import StudyError
from goldpan.experiments.data_set import DataSet
from goldpan.experiments.golden import take_into_golden
from goldpan.experiments.golden_version import GoldenVersion
from goldpan.files import canonical_json, sha256_hex
from goldpan.imports.annotations.annotators import check_one_annotator, name_here, with_fields_of_map
from goldpan.imports.annotations.exported import ToolExport
from goldpan.imports.annotations.golden_rows import GoldenRows
from goldpan.imports.annotations.joining import chosen_key
from goldpan.imports.annotations.map_check import check_names_of_map
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.imports.annotations.outcome import ImportOutcome
from goldpan.imports.annotations.reading import AnnotationReader, OurRows, TakenAnnotation
from goldpan.imports.annotations.values import ValueReader
from goldpan.records.model import Record
from goldpan.study.load import Project
from goldpan.tasks.features import Feature
from goldpan.tasks.task import load_task
from goldpan.waves.answer_text import answer_text
from goldpan.waves.gold.gold_set import GoldItem

_NEW = "new rows"
_DIFFER, _NOT_ADDED = "annotators of the row differ", "of a new row that is not added"


@dataclass(frozen=True)
class ImportedLabels:
    """Labels from exports, as a golden set takes them over; see `DecidedLabels`.

    Attributes:
        project, module: whose golden set it is.
        asked: the features that any annotation has an answer to.
        items: rows with annotations.
        origin: where they are from, as JSON values.
    """

    project: Project
    module: str
    asked: Mapping[str, Feature]
    items: list[GoldItem]
    origin: dict[str, Any]

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return "the import"

    @property
    def stage(self) -> str:
        """The module whose rows people saw."""
        return self.module

    @property
    def features(self) -> list[str]:
        """What people were asked for."""
        return list(self.asked)

    @property
    def open(self) -> list[str]:
        """Ids of rows without any label: what the export does not have is not known to be open."""
        return []

    @cached_property
    def hash(self) -> str:
        """The same for the same labels of the same rows."""
        rows = [[item.id, item.labels, item.resolutions] for item in self.items]
        return sha256_hex(canonical_json(rows))

    @property
    def provenance(self) -> dict[str, Any]:
        """Where labels are from, for the row that takes one over."""
        return {"imported": self.origin, "gold": self.hash}

    def asked_otherwise(self, name: str, feature: Feature) -> bool:
        """Whether a feature was another question: what a tool asked is not known here."""
        return False

    def undecided(self, item: GoldItem, feature: str) -> str | None:
        """Why a feature of a row is not decided; None where it is."""
        if feature not in item.labels:
            return item.resolutions.get(feature, "the import has no answer to it")
        return "people cannot tell" if item.labels[feature] is None else None


def import_into_golden(
    project: Project,
    module: str,
    exports: Sequence[ToolExport],
    settings: AnnotationMap,
    *,
    key: str | None = None,
    annotator: str | None = None,
    adds_rows: bool = False,
    leaves_out: bool = False,
    writes: bool = True,
) -> tuple[ImportOutcome, GoldenVersion]:
    """Write what exports say as a new version of a module's golden set.

    Of several annotators of a row all must agree; where they do not, it stays as it is.

    Args:
        project, module: whose golden set it is.
        exports: what was read.
        settings: how they fit its task.
        key: as `--key`.
        annotator: who said all of it; None where the exports tell, or nobody needs to know.
        adds_rows: whether rows that the golden set lacks are added.
        leaves_out: whether what does not fit is left out, where it is an error otherwise.
        writes: whether the version is written.

    Raises:
        StudyError: the module has no golden set of its own.
        SheetError: nothing can be joined, or something does not fit.
    """
    data_set, features = golden_features(project, module)
    outcome = ImportOutcome.of(exports)
    annotations = list(with_fields_of_map(exports, settings))
    join_key = chosen_key(key, settings, annotations, ("id",))
    outcome.key = str(join_key)
    values = ValueReader(features, settings, cannot_tell=True)
    check_one_annotator(annotator, annotations, settings, ())
    rows = GoldenRows(join_key, data_set, settings, adds_rows)
    shown = [data_set.shown(record)["data"] for record in rows.records]
    outcome.notes += check_names_of_map(settings, annotations, shown)
    reader = AnnotationReader(
        rows,
        OurRows(
            shown,
            lambda record: data_set.shown(record)["data"],
            lambda record: data_set.shown(record)["data"],
        ),
        lambda annotation: annotator if annotator is not None else name_here(annotation, settings, ()),
        values,
        settings,
        outcome,
    )
    taken = reader.read(annotations)
    outcome.tell_of(values, reader.times, reader.compared)
    outcome.check_adds_up()
    outcome.check_fits(leaves_out)
    if any(one.read.spans for one in taken):
        outcome.notes.append("where places are marked is not kept: a golden set has objects without offsets")
    if any(one.annotation.note or one.annotation.flag for one in taken):
        outcome.notes.append("notes and flags are not kept: a golden set has no place for them")
    if rows.metadata_left:
        left = ", ".join(f"`{name}`" for name in rows.metadata_left)
        outcome.notes.append(
            f"new rows do not get {left}: `metadata` of a golden row says where its answers are from"
        )
        outcome.unused = {name: n for name, n in outcome.unused.items() if name not in rows.metadata_left}
    labels = ImportedLabels(
        project,
        module,
        {
            name: feature
            for name, feature in features.items()
            if any(name in one.read.values for one in taken)
        },
        _items(taken, features),
        _origin(exports, outcome.key, taken),
    )
    if not labels.items:
        raise StudyError(
            "no annotation has an answer to what the module is measured by",
            where=str(project.study_file),
            remedy=f"name the questions for {', '.join(features)} in a map",
        )
    version = take_into_golden(project, module, labels, writes=writes)
    _take_back(outcome, taken, labels.items, version)
    (outcome.written if version.is_new else outcome.unchanged).append(version.file)
    return outcome, version


def _take_back(
    outcome: ImportOutcome,
    taken: Sequence[TakenAnnotation[Record]],
    items: Sequence[GoldItem],
    version: GoldenVersion,
) -> None:
    """Count those annotations as left out of which nothing went into the golden set: of rows on which
    annotators differ in all, and of new rows that are not added."""
    why = {item.id: _DIFFER for item in items if not item.labels}
    for item in items:
        if item.stratum == _NEW and item.id not in version.added:
            why.setdefault(item.id, _NOT_ADDED)
    for one in taken:
        if reason := why.get(one.row["id"]):
            outcome.taken -= 1
            outcome.left_out[reason] += 1
    outcome.not_taken = {name: version.kept.get(name, reason) for name, reason in why.items()}
    outcome.check_adds_up()


def golden_features(project: Project, module: str) -> tuple[DataSet, Mapping[str, Feature]]:
    """The data set of a module, and the features that its rows have right answers to.

    Raises:
        StudyError: there is no such module.
    """
    project.named("module", project.study.asked_stages, module)
    data_set = DataSet(project, module, load_task)
    return data_set, data_set.fields.features


def _items(taken: Sequence[TakenAnnotation[Record]], features: Mapping[str, Feature]) -> list[GoldItem]:
    """Each row that annotations are about, with the labels on which all of them agree, by id."""
    by_row: dict[str, list[TakenAnnotation[Record]]] = {}
    for one in taken:
        by_row.setdefault(one.row["id"], []).append(one)
    items = []
    for _, of_row in sorted(by_row.items()):
        labels: dict[str, Any] = {}
        resolutions: dict[str, str] = {}
        for feature in features:
            said = [one for one in of_row if feature in one.read.values]
            answers = {canonical_json(one.read.values[feature]): one for one in said}
            if len(answers) == 1:
                labels[feature] = said[0].read.values[feature]
            elif answers:
                resolutions[feature] = (
                    f"annotators differ: {_told_apart(answers.values(), features[feature])}"
                )
        if labels or resolutions:
            items.append(_item(of_row, labels, resolutions))
    return items


def _told_apart(answers: Iterable[TakenAnnotation[Record]], feature: Feature) -> str:
    texts = (
        (one.annotator or "somebody", answer_text(feature, one.read.values[feature.name])) for one in answers
    )
    return "; ".join(f"{who} says {text}" for who, text in texts)


def _item(
    of_row: Sequence[TakenAnnotation[Record]], labels: dict[str, Any], resolutions: dict[str, str]
) -> GoldItem:
    record = of_row[0].row
    return GoldItem(
        item_id=record["id"],
        id=record["id"],
        source=record["source"],
        file=record["file"],
        split="train",
        group=record["id"],
        stratum=_NEW if not record["source"] else "",
        inclusion_probability=1.0,
        annotators=tuple(sorted({one.annotator for one in of_row if one.annotator})),
        labels=labels,
        soft_labels={},
        resolutions=resolutions,
        data=record["data"],
    )


def _origin(
    exports: Sequence[ToolExport], key: str, taken: Sequence[TakenAnnotation[Record]]
) -> dict[str, Any]:
    """Where labels are from: the files and their formats, the key, how many people, and the last day."""
    people = {one.annotator for one in taken if one.annotator}
    last = max((one.answered_at for one in taken if one.answered_at), default=None)
    return {
        "files": [{"name": e.file, "format": e.format, "sha256": e.sha256} for e in exports],
        "key": key,
        **({"annotators": len(people)} if people else {}),
        **({"date": last[:10]} if last else {}),
    }
