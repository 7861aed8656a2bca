"""What is read from one filled sheet, before sheets are joined; and the errors met on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from goldpan.errors import SheetError
from goldpan.study.wave import Wave
from goldpan.tasks.nearest import suggestion
from goldpan.waves.codebook import Codebook
from goldpan.waves.items import Item
from goldpan.waves.sheets.sheet import SIDE_BY_SIDE, SheetId

_MOST_LISTED = 10
_MOST_IDS = 3


@dataclass
class SheetAnswer:
    """What one annotator said about one item in one place.

    Attributes:
        item_id: as it stands on the sheet: an item id or a repeat id.
        annotator: who said it.
        file, place: where it stands, such as `ann.csv` and `row 3`.
        values: answers by feature; None is "cannot tell", a feature without an answer is absent.
        flag: the annotator marked the item.
        note: what the annotator wrote beside it.
        seconds: time spent on it, where the tool measures it.
        redraw: how often the wave had been drawn anew when the sheet was given out.
        spans: where extracted objects are marked in the item: feature -> a list for each object.
    """

    item_id: str
    annotator: str
    file: str
    place: str
    values: dict[str, Any]
    flag: bool = False
    note: str = ""
    seconds: float | None = None
    redraw: int = 0
    spans: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """File and place, for messages."""
        return f"{self.file}, {self.place}"


@dataclass(frozen=True)
class Repair:
    """A cell that a spreadsheet or a typist changed, and the one answer it can mean."""

    where: str
    feature: str
    found: str
    taken_as: str


@dataclass(frozen=True)
class ShownOtherwise:
    """A row of a sheet that shows something else than the record given out under its id.

    Attributes:
        where: file and row.
        item_id: as it stands on the row.
        columns: those with another text than was given out.
    """

    where: str
    item_id: str
    columns: list[str]


@dataclass(frozen=True)
class UnreadColumn:
    """A column that the sheet was not given out with, and that somebody has filled in.

    Attributes:
        file, name: where it is.
        cells: how many are filled in.
    """

    file: str
    name: str
    cells: int


@dataclass
class FilledSheet:
    """One file of answers."""

    file: str
    answers: list[SheetAnswer] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    shown_otherwise: list[ShownOtherwise] = field(default_factory=list)
    not_read: list[UnreadColumn] = field(default_factory=list)


class ForeignSheetError(ValueError):
    """A sheet's id is none, or that of another wave, codebook or annotator.

    Args:
        what: what is wrong with it.
        remedy: what to do about it; the answers in the file need no correction.
    """

    def __init__(self, what: str, remedy: str):
        self.remedy = remedy
        super().__init__(what)


class Problems:
    """Gathers what is wrong with one file, so that the user sees all of it at once."""

    def __init__(self, file: str):
        self.file = file
        # What is wrong with a row of several annotators is found for each of them.
        self._found: dict[tuple[str, str], None] = {}
        self._remedies: dict[str | None, None] = {}

    def add(self, where: str, what: str, remedy: str | None = None) -> None:
        """Note one problem at a place of the file, such as `row 3`; empty for the whole file.

        Args:
            where, what: the place and the problem.
            remedy: of this problem, where it is not that of all others in the file.
        """
        self._found[where, what] = None
        self._remedies[remedy] = None

    def raise_if_any(self, remedy: str) -> None:
        """Raise a SheetError with the first ten problems and the number of the others, if there are any."""
        if not self._found:
            return
        remedy = "; ".join(own or remedy for own in self._remedies)
        if len(self._found) == 1:
            ((where, what),) = self._found
            raise SheetError(what, where=f"{self.file}, {where}" if where else self.file, remedy=remedy)
        lines = [f"{where}: {what}" if where else what for where, what in islice(self._found, _MOST_LISTED)]
        if len(self._found) > _MOST_LISTED:
            lines.append(f"and {len(self._found) - _MOST_LISTED} more")
        count = len(self._found)
        raise SheetError("\n  ".join([f"{count} things are wrong:", *lines]), where=self.file, remedy=remedy)


@dataclass(frozen=True)
class GivenOut:
    """The wave as it was given out, which every filled sheet is checked against.

    Attributes:
        study, name, wave: the study's name, the wave's name, and the wave with the fields its sheets show.
        codebook: what was asked.
        items: the sample by item id.
        earlier_items: ids that stand on sheets of an earlier draw and on none of this one.
        earlier_annotators: who got sheets of an earlier draw and none of this one.
        edited_records: ids of the records of which an earlier draw had another text.
        edits: record id -> the redraws by which its text became another one; those of earlier goldpans are
            not known.
        redraws: how often the wave was drawn anew.
    """

    study: str
    name: str
    wave: Wave
    codebook: Codebook
    items: Mapping[str, Item]
    earlier_items: frozenset[str] = frozenset()
    earlier_annotators: frozenset[str] = frozenset()
    edited_records: frozenset[str] = frozenset()
    edits: Mapping[str, Sequence[int]] = field(default_factory=dict)
    redraws: int = 0

    def text_version(self, record_id: str, redraw: int | None = None) -> int:
        """Which text of a record the sheets of a redraw show, counted from 0; by default the newest one."""
        edits = self.edits.get(record_id, ())
        return len(edits) if redraw is None else sum(edit <= redraw for edit in edits)

    def shows_newest_text(self, record_id: str, redraw: int) -> bool:
        """Whether the sheets of a redraw are known to show a record as it is in this draw."""
        if record_id in self.edits:
            return self.text_version(record_id, redraw) == self.text_version(record_id)
        return record_id not in self.edited_records

    def is_earlier(self, item_id: str, annotator: str) -> bool:
        """Whether an answer belongs to what a redraw has left out of the wave."""
        return item_id in self.earlier_items or annotator in self.earlier_annotators

    def annotator(self, sheet_id: str) -> str:
        """The annotator (or `side_by_side`) named by the id of a sheet.

        Raises:
            ForeignSheetError: the id is none, or that of another wave, codebook or annotator.
        """
        parsed = self.sheet_id(sheet_id)
        known = [*self.wave.annotators, *([SIDE_BY_SIDE] if self.wave.layout == SIDE_BY_SIDE else [])]
        if parsed.annotator not in known and parsed.annotator not in self.earlier_annotators:
            raise ForeignSheetError(
                f"the wave has no annotator `{parsed.annotator}`; {suggestion(parsed.annotator, known)}",
                f"take the file out of the folder, or add `{parsed.annotator}` to the wave's `annotators`",
            )
        return parsed.annotator

    def sheet_id(self, text: str) -> SheetId:
        """The id of a sheet of this wave, whoever filled it in.

        Raises:
            ForeignSheetError: the id is none, or that of another wave or codebook.
        """
        parsed = SheetId.parse(text)
        if parsed is None:
            raise ForeignSheetError(
                f"{text!r} is not the id of a sheet (expected {self._expected()})",
                "sheet ids must stay as they were given out",
            )
        if (parsed.study, parsed.wave) != (self.study, self.name):
            raise ForeignSheetError(
                f"this is a sheet of the wave `{parsed.wave}` of `{parsed.study}`,"
                f" not of `{self.name}` of `{self.study}`",
                "put the file into the folder of its own wave",
            )
        accepted = (self.codebook.hash, *self.wave.accept_codebooks)
        if not any(known_hash.startswith(parsed.codebook) for known_hash in accepted):
            raise ForeignSheetError(
                f"it was answered by the codebook {parsed.codebook}, but the wave's is now"
                f" {self.codebook.short_hash}",
                f"if the answers still hold, add `accept_codebooks: [{parsed.codebook}]` to the wave;"
                " otherwise move this file out of the folder, and have the new sheets filled in",
            )
        return parsed

    def _expected(self) -> str:
        """The ids of the sheets that were given out last, all of them where they are few."""
        names = [SIDE_BY_SIDE] if self.wave.layout == SIDE_BY_SIDE else self.wave.annotators
        short_hash = self.codebook.short_hash
        ids = [str(SheetId(self.study, self.name, name, short_hash, self.redraws)) for name in names]
        more = f" or that of another of {len(ids)} annotators" if len(ids) > _MOST_IDS else ""
        return " or ".join(ids[: 1 if more else _MOST_IDS]) + more


class SheetIdCheck:
    """Finds the annotator of each row of a file; what is wrong with an id is noted once.

    Args:
        given_out: the wave.
        problems: where wrong ids are noted.
    """

    def __init__(self, given_out: GivenOut, problems: Problems):
        self._given_out, self._problems = given_out, problems
        self._known: dict[str, str | None] = {}

    def annotator(self, sheet_id: str, place: str) -> str | None:
        """The annotator named by the id of a sheet; None when it is wrong."""
        if sheet_id not in self._known:
            try:
                self._known[sheet_id] = self._given_out.annotator(sheet_id)
            except ForeignSheetError as error:
                self._known[sheet_id] = None
                self._problems.add(place, str(error), error.remedy)
        return self._known[sheet_id]
