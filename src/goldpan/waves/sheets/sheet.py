"""One annotator's sheet, before it takes the form of a file: which items, in which order, what is shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldpan.errors import StudyError
from goldpan.records.draw import RANK_RANGE, rank
from goldpan.records.look_up import look_up
from goldpan.stages.shown_fields import with_fields_of_items
from goldpan.study.base import NAME_PATTERN, person_name
from goldpan.study.wave import Language, Wave
from goldpan.tasks.nearest import suggestion
from goldpan.waves.codebook import Codebook
from goldpan.waves.items import Item

SIDE_BY_SIDE = "side_by_side"
"""Stands for the annotator in the id of the sheet that all annotators fill in together."""

ADJUDICATION = "adjudication"
"""Stands for the annotator in the id of an adjudication page."""

_NAME = re.compile(NAME_PATTERN)
_SHORT_HASH = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class SheetId:
    """What each row of a sheet carries: study, wave, annotator and the codebook it was answered by.

    As text: `study/wave/annotator/0123456789ab`, with `/2` behind it on the sheets of the second redraw.
    """

    study: str
    wave: str
    annotator: str
    codebook: str
    redraw: int = 0

    def __str__(self) -> str:
        redraw = f"/{self.redraw}" if self.redraw else ""
        return f"{self.study}/{self.wave}/{self.annotator}/{self.codebook}{redraw}"

    @classmethod
    def parse(cls, text: str) -> SheetId | None:
        """The id that `text` is, if it is one."""
        parts = text.strip().split("/")
        redraw = parts.pop() if len(parts) == 5 else "0"
        if not (redraw.isascii() and redraw.isdecimal()):
            return None
        if len(parts) != 4 or not _SHORT_HASH.fullmatch(parts[3]) or not all(map(_NAME.match, parts[:2])):
            return None
        try:
            # Some systems write letters with their accents apart.
            return cls(parts[0], parts[1], person_name(parts[2]), parts[3], int(redraw))
        except ValueError:
            return None


def redraw_of(sheet_id: str) -> int:
    """How often the wave had been drawn anew when the sheet with this id was given out."""
    parsed = SheetId.parse(sheet_id)
    return parsed.redraw if parsed else 0


@dataclass(frozen=True)
class GivenBefore:
    """What new sheets go by after a redraw.

    Attributes:
        redraw: how often the wave was drawn anew.
        answered: annotator -> ids on sheets that need no answer any more; they are not on the new sheet.
    """

    redraw: int = 0
    answered: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class SheetRow:
    """One item on a sheet.

    Attributes:
        item_id: the item's id, or its repeat id where it is shown for the second time.
        fields: what is shown of the record, by name, as JSON values.
        llm: the LLM's predictions by feature; empty on a blind sheet.
        place: where it comes if those of which the LLM was least sure come first, from 0; None where that
            is not offered.
    """

    item_id: str
    fields: dict[str, Any]
    llm: dict[str, dict[str, Any]] = field(default_factory=dict)
    place: int | None = None


@dataclass(frozen=True)
class Sheet:
    """All that one annotator gets.

    Attributes:
        id: what each of its rows carries.
        codebook: what is asked.
        field_names: fields shown on any sheet of the wave, the same on all of them.
        rows: in the order they are shown.
        blind: whether it hides the LLM's answers and the other annotators'.
        language: of the page's own words.
        is_targeted: whether the items were chosen for what they are, which the guide says.
    """

    id: SheetId
    codebook: Codebook
    field_names: list[str]
    rows: list[SheetRow]
    blind: bool
    language: Language = "en"
    is_targeted: bool = False


def make_sheet(
    study: str,
    name: str,
    wave: Wave,
    annotator: str,
    items: Sequence[Item],
    codebook: Codebook,
    predictions: Mapping[str, Mapping[str, Any]] | None = None,
    given_before: GivenBefore | None = None,
    uncertain_first: Mapping[str, float] | None = None,
) -> Sheet:
    """The sheet of one annotator.

    Items come in an order of the annotator's own, in that of the corpus without `shuffle`, or by
    `uncertain_first`. An item shown
    twice comes once in the first half of the order and once in the second, always half of the order apart.

    Args:
        study, name, wave: the study's name, the wave's name, and the wave.
        annotator: who gets it.
        items: the whole sample, in the order of the corpus.
        codebook: what is asked.
        predictions: the LLM's predictions by item id, for a sheet that is not blind.
        given_before: what the wave's earlier draws gave out; None where there were none.
        uncertain_first: places of the items from 0 to 1, for a wave with an `order` of its own.

    Raises:
        StudyError: `show` names a field that no record has, or predictions are given for a blind sheet.
    """
    if predictions is not None and wave.blind:
        raise StudyError("a blind sheet cannot show the LLM's answers", where=f"waves.{name}")
    before = given_before or GivenBefore()
    mine = [item for item in items if annotator in item.annotators]
    own_places = {
        item.item_id: _place(wave, annotator, item) if wave.shuffle else number / len(mine)
        for number, item in enumerate(mine)
    }
    chosen = own_places
    if wave.order == "uncertain" and uncertain_first is not None:
        chosen = {name: uncertain_first[name] for name in own_places}
    placed = _placed(mine, annotator, chosen, wave.shuffle)
    offered: dict[str, int] = {}
    if wave.order == "choice" and uncertain_first is not None:
        other = _placed(mine, annotator, uncertain_first, wave.shuffle)
        offered = {shown_as: number for number, (shown_as, _) in enumerate(other)}
    rows = [
        SheetRow(
            shown_as,
            shown_fields(item.data, wave.show),
            dict((predictions or {}).get(item.item_id, {})),
            offered.get(shown_as),
        )
        for shown_as, item in placed
        if shown_as not in before.answered.get(annotator, ())
    ]
    sheet_id = SheetId(study, name, annotator, codebook.short_hash, before.redraw)
    names, is_targeted = field_names(items, wave, name), wave.among is not None
    return Sheet(sheet_id, codebook, names, rows, wave.blind, wave.language, is_targeted)


def _placed(
    items: Sequence[Item], annotator: str, places: Mapping[str, float], shuffle: bool
) -> list[tuple[str, Item]]:
    """Items in the order of their places, each with the id it is shown by; some come twice."""
    placed: list[tuple[float, str, Item]] = []
    for item in items:
        own = places[item.item_id]
        if annotator in item.repeated_by:
            # Without shuffling the first showing keeps its place and the second comes after all items.
            first, second = (own / 2, (own + 1) / 2) if shuffle else (own, 1 + own)
            placed += [(first, item.item_id, item), (second, item.repeat_id, item)]
        else:
            placed.append((own, item.item_id, item))
    return [(shown_as, item) for _, shown_as, item in sorted(placed, key=lambda entry: entry[:2])]


def make_side_by_side_sheet(
    study: str,
    name: str,
    wave: Wave,
    items: Sequence[Item],
    codebook: Codebook,
    predictions: Mapping[str, Mapping[str, Any]],
    given_before: GivenBefore | None = None,
    uncertain_first: Mapping[str, float] | None = None,
) -> Sheet:
    """The one sheet that all annotators of a wave fill in together, beside the LLM's answers; never blind.

    After a redraw it has the items that any of them has not answered.

    Raises:
        StudyError: `show` names a field that no record has.
    """
    before = given_before or GivenBefore()
    ordered = items
    if wave.order == "uncertain" and uncertain_first is not None:
        ordered = sorted(items, key=lambda item: (uncertain_first[item.item_id], item.item_id))
    elif wave.shuffle:
        ordered = sorted(items, key=lambda item: (_place(wave, SIDE_BY_SIDE, item), item.item_id))
    rows = [
        SheetRow(item.item_id, shown_fields(item.data, wave.show), dict(predictions.get(item.item_id, {})))
        for item in ordered
        if not all(item.item_id in before.answered.get(annotator, ()) for annotator in wave.annotators)
    ]
    sheet_id = SheetId(study, name, SIDE_BY_SIDE, codebook.short_hash, before.redraw)
    names, is_targeted = field_names(items, wave, name), wave.among is not None
    return Sheet(sheet_id, codebook, names, rows, blind=False, is_targeted=is_targeted)


def _place(wave: Wave, annotator: str, item: Item) -> float:
    """Where an item comes in an annotator's own order, from 0 to 1."""
    return rank(wave.seed, "order", annotator, item.item_id) / RANK_RANGE


def shown_fields(data: Mapping[str, Any], show: list[str] | None) -> dict[str, Any]:
    """The fields of a record that annotators see; those it does not have are left out."""
    if show is None:
        return dict(data)
    looked_up = ((path, look_up(data, path)) for path in with_fields_of_items(show, data))
    return {path: value for path, (has, value) in looked_up if has}


def field_names(items: Sequence[Item], wave: Wave, name: str) -> list[str]:
    """The fields shown on the sheets of a wave: those of `show`, or all that any record of the sample has.

    Raises:
        StudyError: `show` names a field that no record of the sample has.
    """
    known = dict.fromkeys(key for item in items for key in item.data)
    if wave.show is None:
        return list(known)
    show = with_fields_of_items(wave.show, known)
    for path in show:
        if items and not any(look_up(item.data, path)[0] for item in items):
            raise StudyError(
                f"show: no record of the sample has `{path}`; {suggestion(path, known)}",
                where=f"waves.{name}",
            )
    return show
