"""Targeted samples: waves that are drawn only from rows that an error analysis has listed.

Such a row was listed for being wrong, doubtful or in a bad slice. What is measured on the sample is true of
these rows only. An inclusion probability is that within the list; nothing may be weighted up by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
_REMEDY = "run again: snakemake makes it anew; nothing is asked or paid again"


@dataclass(frozen=True)
class TargetList:
    """What an error analysis lists of one feature.

    Attributes:
        list: which of its lists.
        feature: its name.
        ids: of the listed records.
        slices: in place of ids, what the records of significant slices have in common.
    """

    list: ErrorList
    feature: str
    ids: tuple[str, ...] = ()
    slices: tuple[RecordSlice, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, see `read_targets`."""
        return {
            "list": self.list,
            "feature": self.feature,
            "ids": list(self.ids),
            "slices": [condition.as_json() for condition in self.slices],
        }


def read_targets(path: Path, among: FromErrors, where: str) -> list[TargetList]:
    """What a wave is drawn from, of the JSON of an error analysis.

    Args:
        path: the JSON.
        among: which of its lists the wave wants.
        where: place of that in the study, for errors.

    Raises:
        SourceError: the file is damaged, or of an earlier format.
        StudyError: the analysis is of no such feature, or lists nothing of what is wanted.
    """

    def read(document: Mapping[str, Any]) -> list[TargetList]:
        return [
            TargetList(
                list=_list_name(said["list"]),
                feature=said["feature"],
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
    wanted = [
        target for target in targets if target.list in among.lists and among.feature in (None, target.feature)
    ]
    if not any(target.ids or target.slices for target in wanted):
        raise StudyError(
            f"the error analysis `{among.errors}` has found nothing to draw from: its lists"
            f" {', '.join(among.lists)} are empty",
            where=where,
            remedy=f"look at its page ({path.with_suffix('.html')}); draw from other `lists`, or from all"
            " records (without `among`)",
        )
    return wanted


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
        self._answered = answered
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

    def _is_listed(self, row: FeatureRow, data: Mapping[str, Any]) -> bool:
        if row["id"] in self._ids:
            return True
        record = {"source": row["source"], "file": row["file"], "data": data}
        return any(condition.holds(record) for condition in self._slices)


@dataclass(frozen=True)
class Targeted:
    """That a sample is a targeted one, as `sample.json` says it.

    Attributes:
        errors: the error analysis.
        lists: which of its lists the items were drawn from.
        feature: the feature that the lists are about; None where that made no difference.
    """

    errors: str
    lists: list[str]
    feature: str | None = None

    @property
    def note(self) -> str:
        """What a reader of any figure of the sample must know."""
        return (
            f"Targeted sample: the items were drawn from rows that the error analysis `{self.errors}` has"
            f" listed ({', '.join(self.lists)}{f'; {self.feature}' if self.feature else ''}) for being wrong,"
            " doubtful or in a bad slice. Figures are of these rows only: they say nothing about the corpus,"
            " and nothing is weighted up to it. Inclusion probabilities are those within the list."
        )


def targeted_by(among: FromErrors | None) -> Targeted | None:
    """How a wave is a targeted sample; None where it is none."""
    if among is None:
        return None
    return Targeted(among.errors or "", list(among.lists), among.feature)
