"""The answers of a wave, collected: what agreement, merging and gold sets are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import orjson

from goldpan.files import document_as, of_known_keys, replacing, rows_as, write_json
from goldpan.report_provenance import ReportInput
from goldpan.waves.collect.filled import Repair, ShownOtherwise, UnreadColumn
from goldpan.waves.items import without_empty
from goldpan.waves.sampling.targeted import ListCount, Targeted

_REMEDY = "delete the file and run again: it is made from the filled sheets"

RatingsByFeature = dict[str, dict[str, dict[str, Any]]]
"""feature -> item id -> annotator -> answer; None is "cannot tell", an unanswered item has no entry."""


@dataclass
class AnnotatorStatus:
    """How far one annotator is.

    Attributes:
        assigned: items given out to this annotator.
        answered: of these, items with an answer to every feature.
        started: items with some but not all answers.
        left: items without any.
        unassigned: items answered that were not given out to this annotator.
        repeats_assigned, repeats_answered: second showings, likewise.
        seconds: time spent, where the tool measures it.
        files: where the answers came from.
    """

    assigned: int
    answered: int = 0
    started: int = 0
    left: int = 0
    unassigned: int = 0
    repeats_assigned: int = 0
    repeats_answered: int = 0
    seconds: float | None = None
    files: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to answer."""
        return self.answered >= self.assigned and self.repeats_answered >= self.repeats_assigned


@dataclass
class WaveStatus:
    """What `status.json` says about a collected wave.

    Attributes:
        state: `complete` when every annotator has answered everything, else `partial`.
        blind, layout: how the sheets were given out.
        annotators: how far each is.
        repairs: cells that were taken for the only answer they can mean.
        exclusive: items where an annotator said yes to several features of which one may hold.
        ignored: files in the folder that are no sheets.
        set_aside: annotator -> rows of the sheets with answers that belong to an earlier draw of the wave.
        sheets: the files with answers; none where an earlier goldpan collected them.
        edited: ids of the records with answers that are (or may be) about an older text.
        superseded: annotator -> answers about what a record said before it was edited, where a later one
            about the new text differs and counts.
        shown_otherwise: rows of tables that show another text than was given out under their id.
        not_read: filled columns of tables that the sheets were not given out with.
        trial: source -> its limit, where the items were drawn from its first rows only.
        order: how items came on the sheets, as `order` of the wave.
        targeted: how its sample is a targeted one; None where it is none.
    """

    study: str
    wave: str
    state: Literal["complete", "partial"]
    blind: bool
    layout: str
    codebook_hash: str
    annotators: dict[str, AnnotatorStatus]
    repairs: list[Repair] = field(default_factory=list)
    exclusive: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    set_aside: dict[str, int] = field(default_factory=dict)
    sheets: list[ReportInput] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    trial: dict[str, int] = field(default_factory=dict)
    superseded: dict[str, int] = field(default_factory=dict)
    shown_otherwise: list[ShownOtherwise] = field(default_factory=list)
    not_read: list[UnreadColumn] = field(default_factory=list)
    order: str = "drawn"
    targeted: Targeted | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, as earlier versions wrote it where the sample is not targeted."""
        return without_empty(asdict(self), "targeted")


@dataclass(frozen=True)
class JoinedAnswer:
    """One row of `answers.jsonl`: all that one annotator said about one showing of an item.

    `outdated` tells that one of the values is about what the record said in an earlier draw. `spans` has, by
    extraction, a list for each of its objects: where it is marked in the item, see `spans.Span`.
    """

    item_id: str
    annotator: str
    showing: Literal[1, 2]
    values: dict[str, Any]
    flag: bool
    note: str
    seconds: float | None
    files: list[str]
    outdated: bool = False
    spans: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)


@dataclass
class CollectedWave:
    """The answers of a wave."""

    answers: list[JoinedAnswer]
    status: WaveStatus

    @property
    def ratings(self) -> RatingsByFeature:
        """First answers: feature -> item id -> annotator -> answer."""
        return self._by_feature(1)

    @property
    def repeats(self) -> RatingsByFeature:
        """Answers to second showings, in the same shape."""
        return self._by_feature(2)

    @property
    def seconds(self) -> dict[str, dict[str, float]]:
        """Time spent: annotator -> item id -> seconds (first showings)."""
        times: dict[str, dict[str, float]] = {}
        for answer in self._first():
            if answer.seconds is not None:
                times.setdefault(answer.annotator, {})[answer.item_id] = answer.seconds
        return times

    @property
    def flags(self) -> dict[str, list[str]]:
        """Flagged items: item id -> annotators."""
        flagged: dict[str, list[str]] = {}
        for answer in self._first():
            if answer.flag:
                flagged.setdefault(answer.item_id, []).append(answer.annotator)
        return flagged

    @property
    def notes(self) -> dict[str, dict[str, str]]:
        """What annotators wrote: item id -> annotator -> note."""
        written: dict[str, dict[str, str]] = {}
        for answer in self._first():
            if answer.note:
                written.setdefault(answer.item_id, {})[answer.annotator] = answer.note
        return written

    def _first(self) -> Iterator[JoinedAnswer]:
        return (answer for answer in self.answers if answer.showing == 1)

    def _by_feature(self, showing: int) -> RatingsByFeature:
        ratings: RatingsByFeature = {}
        for answer in self.answers:
            if answer.showing == showing:
                for feature, value in answer.values.items():
                    ratings.setdefault(feature, {}).setdefault(answer.item_id, {})[answer.annotator] = value
        return ratings


def write_collected(collected: CollectedWave, answers_file: Path, status_file: Path) -> None:
    """Write `answers.jsonl` and `status.json`."""
    with replacing(answers_file) as handle:
        for answer in collected.answers:
            row = asdict(answer)
            if not answer.spans:
                del row["spans"]
            handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    write_json(status_file, collected.status.as_json())


def read_collected(answers_file: Path, status_file: Path) -> CollectedWave:
    """Read what `write_collected` wrote.

    Raises:
        ReconciliationError, SourceError: one of the files is damaged.
    """
    answers = list(rows_as(answers_file, partial(of_known_keys, JoinedAnswer), "a collected answer", _REMEDY))
    return CollectedWave(answers, document_as(status_file, _status, "the status of a wave", _REMEDY))


def _targeted(raw: dict[str, Any]) -> Targeted:
    counts = [of_known_keys(ListCount, count) for count in raw.get("by_list", [])]
    return of_known_keys(Targeted, {**raw, "by_list": counts})


def _status(document: dict[str, Any]) -> WaveStatus:
    people = document["annotators"].items()
    annotators = {name: of_known_keys(AnnotatorStatus, person) for name, person in people}
    repairs = [of_known_keys(Repair, repair) for repair in document["repairs"]]
    sheets = [of_known_keys(ReportInput, sheet) for sheet in document.get("sheets", [])]
    shown = [of_known_keys(ShownOtherwise, row) for row in document.get("shown_otherwise", [])]
    not_read = [of_known_keys(UnreadColumn, column) for column in document.get("not_read", [])]
    targeted = document.get("targeted")
    parts = {
        "targeted": _targeted(targeted) if targeted else None,
        "annotators": annotators,
        "repairs": repairs,
        "sheets": sheets,
        "shown_otherwise": shown,
        "not_read": not_read,
    }
    return of_known_keys(WaveStatus, {**document, **parts})
