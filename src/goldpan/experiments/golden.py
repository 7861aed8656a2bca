"""What people decided in a wave, taken into the golden set of a module as a new version of it.

The version before stays as it is: what was measured on it can be looked up there. A row that nobody decided
otherwise keeps its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldpan.errors import AnswerError, StudyError
from goldpan.evaluation.coding import FeatureValues
from goldpan.experiments.data_set import DataSet
from goldpan.experiments.decided import DecidedLabels
from goldpan.experiments.golden_row import changed_after, decided_by, decisions, row_line
from goldpan.experiments.golden_version import ChangedAnswer, GoldenVersion
from goldpan.experiments.identity import table_of_modules
from goldpan.files import canonical_json, iter_lines, write_bytes
from goldpan.folder_lock import alone_in
from goldpan.records.look_up import look_up, put
from goldpan.records.model import Record
from goldpan.study.data_versions import newest_version, version_file
from goldpan.study.load import Project
from goldpan.tasks.features import Feature
from goldpan.tasks.task import load_task
from goldpan.waves.collect.cell_values import read_cell
from goldpan.waves.collect.record_fields import field_path
from goldpan.waves.gold.gold_set import GoldItem

_MOST_NAMED = 10


def take_into_golden(
    project: Project, module: str, gold: DecidedLabels, *, writes: bool = True
) -> GoldenVersion:
    """Write what people decided as a new version of a module's golden set; the same gold gives the same
    bytes.

    Args:
        project: the study whose golden set it is.
        module: which.
        gold: what people decided.
        writes: whether the version is written.

    Raises:
        StudyError: the module has no golden set of its own, an id stands twice in it, or the wave is about
            something else.
    """
    golden = _GoldenSet(project, module)
    golden.check_is_about(gold)
    found = GoldenVersion(read=golden.file, notes=golden.notes_on(gold))
    for item in gold.items:
        golden.take(item, gold, found)
    found.not_added = {name for name in found.kept if name not in golden.places}
    found.kept |= dict.fromkeys(gold.open, "no answer to it is decided yet")
    found.count_rows(golden.places, {item.id for item in gold.items} | set(gold.open))
    golden.settle(found, writes)
    return found


class _GoldenSet:
    """The golden set of a module while answers are taken into it.

    Attributes:
        places: id -> place of its row among the lines.
    """

    def __init__(self, project: Project, module: str):
        self.project, self.module = project, module
        settings, table = project.study.modules, table_of_modules(project)
        if settings is None or settings.is_chain or module not in table:
            raise StudyError(
                f"`{module}` has no golden set of its own in study `{project.study.study}`",
                where=str(project.study_file),
                remedy="name a module, and with --study a study that takes a folder of data sets",
            )
        project.named("module", project.study.stages, module)
        self.data_set = DataSet(project, module, load_task)
        self.features: Mapping[str, Feature] = self.data_set.fields.features
        self._fields = {name: field_path(path) for name, path in self.data_set.evaluation.gold.items()}
        self._match = self.data_set.evaluation.match
        self.name = table[module].data or module
        self.folder = settings.data
        self.file = settings.data_file(module, table[module], project.root)
        if project.study.sources[module].files != [self.file]:
            raise StudyError(
                f"the rows of `{module}` do not come from {self.file}",
                where=f"{project.study_file}: sources.{module}",
                remedy="leave `files` out: then the module is asked about its data set",
            )
        self.is_pinned = module in settings.versions
        self._check_is_newest(newest_version(project.root / self.folder, self.name))
        self._records = {record["id"]: record for record in self.data_set.records() if "skip" not in record}
        numbered = list(iter_lines(project.root / self.file))
        self.lines = [line for _, line in numbered]
        self.places, self._no_rows = self._places([number for number, _ in numbered])
        self._inputs = {self.data_set.input(record): name for name, record in self._records.items()}

    def _check_is_newest(self, number: int) -> None:
        """Raise StudyError where a new version would lack what a later one than the study's has."""
        if not self.file.endswith(f"/{version_file(self.name, number)}"):
            raise StudyError(
                f"study `{self.project.study.study}` stays with {self.file}, and there is version {number}",
                where=f"{self.project.study_file}: modules.versions",
                remedy="take answers over by a study that has the newest version",
            )

    def _places(self, numbers: list[int]) -> tuple[dict[str, int], list[int]]:
        """id -> place of its row; and the numbers of the lines without an id. Raises StudyError where an id
        stands twice."""
        places: dict[str, int] = {}
        no_rows = []
        for place, line in enumerate(self.lines):
            try:
                name = str(json.loads(line)["id"])
            except (ValueError, KeyError, TypeError):
                no_rows.append(numbers[place])
                continue
            first = places.setdefault(name, place)
            if first != place:
                raise StudyError(
                    f"the id `{name}` stands twice, in lines {numbers[first]} and {numbers[place]}",
                    where=self.file,
                    remedy="give each row an `id` of its own: which of the two was answered cannot be told",
                )
        return places, no_rows

    def check_is_about(self, gold: DecidedLabels) -> None:
        """Raise StudyError where people were asked about something else than this module."""
        if gold.stage != self.module and gold.stage in table_of_modules(gold.project):
            raise StudyError(
                f"{gold.title} asked about `{gold.stage}`, not about `{self.module}`",
                where=str(gold.project.study_file),
                remedy="name the module that it is about, or another wave",
            )
        if not set(gold.features) & set(self.features):
            raise StudyError(
                f"{gold.title} asked for {', '.join(gold.features)};"
                f" `{self.module}` is measured by {', '.join(self.features)}",
                where=str(gold.project.study_file),
                remedy="name those under `features` of a wave; the task's `expected:` says what is measured",
            )

    def notes_on(self, gold: DecidedLabels) -> list[str]:
        """What is to be known before answers are taken over."""
        others = [name for name in gold.features if name not in self.features]
        missing = [name for name in self.features if name not in gold.features]
        notes = []
        if self._no_rows:
            lines = ", ".join(map(str, self._no_rows[:_MOST_NAMED]))
            lines += ", ..." if len(self._no_rows) > _MOST_NAMED else ""
            notes.append(f"{self.file}: lines {lines} are no rows with an id; they stay as they are")
        if others:
            notes.append(f"not taken over, as the task's `expected:` does not name it: {', '.join(others)}")
        if missing:
            notes.append(
                f"{gold.title} did not ask for {', '.join(missing)}: there the golden set stays as it is"
            )
        changed = [name for name in self.features if gold.asked_otherwise(name, self.features[name])]
        if changed:
            notes.append(f"people were asked otherwise than the task asks now: {', '.join(changed)}")
        return notes

    def take(self, item: GoldItem, gold: DecidedLabels, found: GoldenVersion) -> None:
        """Take the answers to one item into the lines, or note why not."""
        labels, reasons = self._decided(item, gold)
        if reasons:
            found.kept[item.id] = "; ".join(reasons)
        if item.id in self.places:
            self._change(item, labels, gold, found)
        elif not reasons and len(labels) == len(self.features):
            self._add(item, labels, gold, found)
        else:
            found.kept.setdefault(item.id, "it is a new row, and not all of its right answers were asked for")

    def _decided(self, item: GoldItem, gold: DecidedLabels) -> tuple[dict[str, Any], list[str]]:
        """feature -> the answer that can be taken over; and why there are not more."""
        labels: dict[str, Any] = {}
        reasons = []
        for name, feature in self.features.items():
            if name not in gold.features:
                continue
            if reason := gold.undecided(item, name):
                reasons.append(f"`{name}`: {reason}")
                continue
            try:
                labels[name] = read_cell(feature, item.labels[name], cannot_tell=False).value
            except AnswerError as error:
                reasons.append(error.what)
        return labels, reasons

    def _change(
        self, item: GoldItem, labels: Mapping[str, Any], gold: DecidedLabels, found: GoldenVersion
    ) -> None:
        record = self._records.get(item.id)
        if record is None or self._seen_by_people(record) != self._seen_by_people(_as_record(item)):
            found.kept[item.id] = "people saw another input than the golden row of this id has"
            return
        row = json.loads(self.lines[self.places[item.id]])
        right, _ = self.data_set.fields.read(record)
        if any(entry.get("gold") == gold.hash for entry in decisions(row)):
            self._note_edits(item.id, right, labels, row, gold, found)
            return
        was = {}
        for name, label in labels.items():
            if name in right and self._same(name, right[name], label):
                found.confirmed += 1
                continue
            # As it stands there: an answer that the task does not know is one that was there, too.
            was[name] = look_up(row, self._fields[name])[1]
            found.changed.append(ChangedAnswer(item.id, name, was[name], label))
            put(row, self._fields[name], label)
        if was:
            self.lines[self.places[item.id]] = row_line(decided_by(row, gold.provenance | {"was": was}))

    def _note_edits(
        self,
        name: str,
        right: Mapping[str, Any],
        labels: Mapping[str, Any],
        row: Mapping[str, Any],
        gold: DecidedLabels,
        found: GoldenVersion,
    ) -> None:
        """Name the answers of a row that was taken over before which somebody has edited since."""
        later = changed_after(row, gold.hash)
        reasons = []
        for feature, label in labels.items():
            is_as_taken = feature in right and self._same(feature, right[feature], label)
            if not is_as_taken and feature not in later:
                now, taken = (
                    canonical_json(value).decode()
                    for value in (look_up(row, self._fields[feature])[1], label)
                )
                reasons.append(
                    f"`{feature}`: it is {now}, although {taken} was taken over from {gold.title} before"
                )
        if reasons:
            found.kept[name] = "; ".join([*filter(None, [found.kept.get(name)]), *reasons])
        found.taken_before.add(name)

    def _add(
        self, item: GoldItem, labels: Mapping[str, Any], gold: DecidedLabels, found: GoldenVersion
    ) -> None:
        record = _as_record(item)
        same = self._inputs.setdefault(self.data_set.input(record), item.id)
        if same != item.id:
            found.kept[item.id] = f"the same input stands already under the id `{same}`"
            return
        row = {name: value for name, value in item.data.items() if name != "id"}
        for name, label in labels.items():
            put(row, self._fields[name], label)
        self.lines.append(row_line(decided_by({"id": item.id, **row}, gold.provenance)))
        found.added.append(item.id)

    def _seen_by_people(self, record: Record) -> bytes:
        return canonical_json(self.data_set.shown(record)["data"])

    def _same(self, name: str, first: Any, second: Any) -> bool:
        """Whether two answers are the same as far as an evaluation measures them."""
        return FeatureValues(self.features[name], self._match.get(name)).is_same(first, second)

    def settle(self, found: GoldenVersion, writes: bool) -> None:
        """Write the version if it has anything new; says which file has all that was decided.

        Raises:
            StudyError: another command has written a version meanwhile.
        """
        folder = self.project.root / self.folder
        found.is_new = bool(found.changed or found.added)
        # Two commands at once must not write the same version.
        with alone_in(folder):
            number = newest_version(folder, self.name)
            self._check_is_newest(number)
            found.number = number + found.is_new
            if found.is_new and writes:
                content = b"".join(line + b"\n" for line in self.lines)
                write_bytes(folder / version_file(self.name, found.number), content)
        found.file = f"{self.folder}/{version_file(self.name, found.number)}"
        if found.added:
            found.notes.append(
                "new rows: take them out of the data set they are from, if it is one of this module, too;"
                " `goldpan experiments check` calls such rows a leak"
            )
        if self.is_pinned and found.is_new:
            found.notes.append(
                f"study `{self.project.study.study}` stays with {self.file}: `modules.versions` says so"
            )


def _as_record(item: GoldItem) -> Record:
    return Record(id=item.id, source=item.source, file=item.file, line=0, data=item.data)
