"""Targeted samples: waves that are drawn only from rows that an error analysis has listed.

Such a row was listed for being wrong, doubtful or in a bad slice. What is measured on the sample is true of
these rows only. An inclusion probability is that within the list; nothing may be weighted up by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

from goldpan.errors import StudyError
from goldpan.files import document_as
from goldpan.records.record_slice import RecordSlice
from goldpan.stages.rows import FeatureRow
from goldpan.study.wave import ErrorList, FromErrors
from goldpan.waves.sampling.answered import Answered

TARGETS = "targets"
"""Key of the JSON of an error analysis under which its target lists stand."""
NOT_LISTED = "not listed by the error analysis"
_REMEDY = "run again: it is made anew; nothing is asked or paid again"


@dataclass(frozen=True)
class TargetList:
    """What an error analysis lists of one feature.

    Attributes:
        list: which of its lists.
        feature: its name.
        ids: of the listed records.
        slices: in place of ids, what the records of significant slices have in common.
        model: whose predictions it is about; empty where it is about the gold.
    """

    list: ErrorList
    feature: str
    ids: tuple[str, ...] = ()
    slices: tuple[RecordSlice, ...] = ()
    model: str = ""

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, see `read_targets`."""
        return {
            "list": self.list,
            "feature": self.feature,
            "model": self.model,
            "ids": list(self.ids),
            "slices": [condition.as_json() for condition in self.slices],
        }

    def lists(self, record: Mapping[str, Any]) -> bool:
        """Whether a record (with `id`, `source`, `file` and `data`) is on it."""
        return record["id"] in self._ids or any(condition.holds(record) for condition in self.slices)

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(self.ids)


def read_targets(
    path: Path, among: FromErrors, where: str, features: Collection[str] | None = None
) -> list[TargetList]:
    """What a wave is drawn from, of the JSON of an error analysis.

    Args:
        path: the JSON.
        among: which of its lists the wave wants.
        where: place of that in the study, for errors.
        features: those whose lists are wanted where `among` names none, as the evaluation calls them; None
            for all.

    Raises:
        SourceError: the file is damaged, or of an earlier format.
        StudyError: the analysis is of no such feature, or lists nothing of what is wanted.
    """

    def read(document: Mapping[str, Any]) -> list[TargetList]:
        return [
            TargetList(
                list=_list_name(said["list"]),
                feature=said["feature"],
                model=said["model"],
                ids=tuple(said["ids"]),
                slices=tuple(RecordSlice(**condition) for condition in said["slices"]),
            )
            for said in document[TARGETS]
        ]

    targets = document_as(path, read, "an error analysis", _REMEDY)
    known = sorted({target.feature for target in targets})
    if among.feature is not None and among.feature not in known:
        raise StudyError(
            f"the error analysis `{among.errors}` lists nothing of a feature `{among.feature}`;"
            f" it is about: {', '.join(known) or 'none'}",
            where=f"{where}.feature",
        )
    if among.feature is not None:
        features = [among.feature]
    models = None if among.predictions is None else ["", *among.predictions]
    wanted = [
        target
        for target in targets
        if target.list in among.lists
        and (features is None or target.feature in features)
        and (models is None or target.model in models)
    ]
    if not any(target.ids or target.slices for target in wanted):
        raise StudyError(
            f"the error analysis `{among.errors}` has found nothing to draw from: its lists"
            f" {', '.join(among.lists)} are empty{_of(features, among.predictions)}",
            where=where,
            remedy=f"look at its page ({path.with_suffix('.html')}); name other `lists`, `predictions` or"
            " `feature`, or draw from all records (without `among`)",
        )
    return wanted


def _of(features: Collection[str] | None, predictions: Collection[str] | None) -> str:
    """Whose lists, in words."""
    return (f" for {', '.join(features)}" if features is not None else "") + (
        f" of the predictions {', '.join(predictions)}" if predictions is not None else ""
    )


def _list_name(said: str) -> ErrorList:
    if said not in get_args(ErrorList):
        raise KeyError(f"there is no list {said!r}")
    return cast(ErrorList, said)


class AnsweredAndListed:
    """What a targeted sample is drawn from: the answers of a stage, of which only listed rows can be drawn.

    Args:
        answered: the rows of the stage.
        targets: what is listed.
    """

    def __init__(self, answered: Answered, targets: list[TargetList]):
        self._answered, self._targets = answered, targets
        self._ids = frozenset(name for target in targets for name in target.ids)
        self._slices = tuple(condition for target in targets for condition in target.slices)

    def rows(self, *, with_data: bool) -> Iterator[tuple[FeatureRow, dict[str, Any]]]:
        """Each record's answers with its data; a row that is not listed says so as its state."""
        for row, data in self._answered.rows(with_data=with_data or bool(self._slices)):
            shown = data if with_data else {}
            if row["state"] != "ok" or self._is_listed(row, data):
                yield row, shown
            else:
                yield cast(FeatureRow, {**row, "state": NOT_LISTED}), shown

    def counted(
        self, reason_outside: Callable[[FeatureRow], str | None], drawn: Container[str]
    ) -> ListedRows:
        """How many rows each list has among those that can be drawn.

        Args:
            reason_outside: why a row cannot be drawn; None where it can.
            drawn: ids of the rows that were.
        """
        rows, listed = 0, 0
        of_lists: Counter[int] = Counter()
        drawn_of_lists: Counter[int] = Counter()
        for row, data in self.rows(with_data=True):
            reason = reason_outside(row)
            rows += reason in (None, NOT_LISTED)
            if reason is not None:
                continue
            listed += 1
            record = {"id": row["id"], "source": row["source"], "file": row["file"], "data": data}
            for number, target in enumerate(self._targets):
                if target.lists(record):
                    of_lists[number] += 1
                    drawn_of_lists[number] += row["id"] in drawn
        counts = [
            ListCount(target.list, target.feature, target.model, of_lists[number], drawn_of_lists[number])
            for number, target in enumerate(self._targets)
            if of_lists[number]
        ]
        return ListedRows(rows, listed, counts)

    def _is_listed(self, row: FeatureRow, data: Mapping[str, Any]) -> bool:
        if row["id"] in self._ids:
            return True
        record = {"source": row["source"], "file": row["file"], "data": data}
        return any(condition.holds(record) for condition in self._slices)


@dataclass(frozen=True)
class ListCount:
    """One list that a sample was drawn from. A row may be on several.

    Attributes:
        list, feature, model: which, as of `TargetList`.
        rows: of it that could be drawn.
        sampled: of these, how many were.
    """

    list: str
    feature: str
    model: str
    rows: int
    sampled: int


@dataclass(frozen=True)
class ListedRows:
    """How many rows there were to draw from.

    Attributes:
        answered: rows that could be drawn if all were listed.
        listed: those of them that are.
        by_list: the lists that have some.
    """

    answered: int
    listed: int
    by_list: list[ListCount]


@dataclass(frozen=True)
class Targeted:
    """That a sample is a targeted one, as `sample.json` says it.

    Attributes:
        errors: the error analysis.
        lists: which of its lists the items were drawn from.
        feature: the feature that the lists are about; None where the wave names none of its own.
        predictions: whose lists; None for any.
        answered, listed, by_list: how many rows there were to draw from, see `ListedRows`; `answered` is 0
            where an earlier version did not count them.
    """

    errors: str
    lists: list[str]
    feature: str | None = None
    predictions: list[str] | None = None
    answered: int = 0
    listed: int = 0
    by_list: list[ListCount] = field(default_factory=list)

    @property
    def note(self) -> str:
        """What a reader of any figure of the sample must know."""
        said = (
            f"Targeted sample: the items were drawn from rows that the error analysis `{self.errors}` has"
            f" listed ({', '.join(self.lists)}{f'; {self.feature}' if self.feature else ''}) for being wrong,"
            " doubtful or in a bad slice. Figures are of these rows only: they say nothing about the corpus,"
            " and nothing is weighted up to it. Inclusion probabilities are those within the list."
        )
        if 2 * self.listed > self.answered > 0:
            said += (
                f" {self.listed:,} of {self.answered:,} rows are listed, more than half: a row of this sample"
                " is hardly likelier to be wrong than any other; draw from fewer `lists`, `predictions` or"
                " features."
            )
        return said


def targeted_by(among: FromErrors | None, rows: ListedRows | None) -> Targeted | None:
    """How a wave is a targeted sample, and of how many listed rows; None where it is none."""
    if among is None:
        return None
    targeted = Targeted(among.errors or "", list(among.lists), among.feature, among.predictions)
    if rows is None:
        return targeted
    return replace(targeted, answered=rows.answered, listed=rows.listed, by_list=rows.by_list)
