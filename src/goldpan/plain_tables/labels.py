"""One label in several spellings: what stands in the cells of a table that people keep.

White space around a label is taken off without a word, and so is the apostrophe that protects a formula.
Characters that nobody sees are taken out, and named. Else two spellings are one label where they can hardly
be anything else, and every such case is told in a note:

- they differ in case, width, joiners or white space within only;
- they are one number: `1` and `1.0`, `1,5` and `1.5`, `50%` and `0.5`; `1.250` and `1250` where other labels
  have a decimal comma;
- they are words for yes or for no: `yes`, `TRUE`, `ja` beside `nein`, and `1` where all labels are such;
- a spreadsheet made one of the other: `1-2` became `01-Feb`.

What may be one label, but need not be, stays apart and is told as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from goldpan.cells import unprotect
from goldpan.plain_tables.notes import few
from goldpan.plain_tables.numbers import NumberFormat
from goldpan.statistics.scales import is_number, value_text
from goldpan.visible_text import code_points, visible, with_code_points
from goldpan.waves.sheets.spreadsheet import Reading, as_number, fold, readings, share_a_reading
from goldpan.waves.sheets.yes_and_no import are_of_one_kind, means_yes, surely_meant

_RANGE = re.compile(r"\d{1,4}[-/.]\d{1,4}", re.ASCII)
_LETTERS = {"y": True, "n": False}
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_LIKE_A_NUMBER = re.compile(r"[+-−]?\d[\d.,'’ \u00a0\u2009\u202f_]*", re.ASCII)
_WORD = re.compile(r"[a-z]+")
_MOST_LABELS = 500
"""Different cells beyond which they are texts or measurements: nobody asks which are words or dates."""
_MOST_SHOWN = 5


@dataclass
class Labels:
    """The labels of one feature.

    Attributes:
        of_cell: cell as it stands -> its label.
        notes: what was taken for what, or may be something else; sentences.
        yes_or_no: whether all labels are words for yes or no, or 1 and 0.
    """

    of_cell: dict[str, str]
    notes: list[str] = field(default_factory=list)
    yes_or_no: bool = False

    def written(self, label: str) -> str:
        """The label as `merge` writes it: 1 or 0 where all labels are words for yes or no."""
        truth = _means_yes(label) if self.yes_or_no else None
        return label if truth is None else str(int(truth))

    def merge(self, targets: Mapping[str, str]) -> None:
        """Take some labels for others."""
        self.of_cell = {cell: targets.get(label, label) for cell, label in self.of_cell.items()}


def labels_of(counts: Mapping[str, int], declared: Sequence[str] = (), exact: bool = False) -> Labels:
    """The labels that stand in the cells of one feature.

    Args:
        counts: cell -> how often it occurs, in the order of the table; no empty cells.
        declared: labels that are spelled as wanted.
        exact: whether spellings are labels of their own, whatever they look like.
    """
    labels = Labels({cell: unprotect(cell.strip()).strip() for cell in counts})
    if not exact:
        _leave_out_invisible(labels, declared)
        weights = _Weights(counts, declared)
        _merge_folded(labels, weights)
        _merge_numbers(labels, weights)
        if len(set(labels.of_cell.values())) <= _MOST_LABELS:
            _merge_yes_and_no(labels, weights)
            _merge_dates(labels, weights)
    distinct = set(labels.of_cell.values())
    labels.yes_or_no = 0 < len(distinct) <= _MOST_LABELS and _are_all_yes_or_no(distinct)
    return labels


@dataclass(frozen=True)
class _Weights:
    """Which of several spellings is the label: a declared one, else the most frequent, else the first."""

    counts: Mapping[str, int]
    declared: Sequence[str]

    def of(self, labels: Labels) -> dict[str, float]:
        """label -> how much speaks for it; declared labels stand first."""
        weights: dict[str, float] = dict.fromkeys(self.declared, float("inf"))
        for cell, label in labels.of_cell.items():
            weights[label] = weights.get(label, 0.0) + self.counts[cell]
        return weights


def _leave_out_invisible(labels: Labels, declared: Sequence[str]) -> None:
    """Take out characters that nobody sees, and name them."""
    targets = {
        label: unprotect(visible(label).strip()).strip()
        for label in labels.of_cell.values()
        if label not in declared and visible(label) != label
    }
    shown = [f"`{with_code_points(label)}` is taken as `{target}`" for label, target in targets.items()]
    if shown:
        labels.notes.append(f"{few(shown)}: in these stand characters that nobody sees")
    labels.merge(targets)


def _merge_folded(labels: Labels, weights: _Weights) -> None:
    weight = weights.of(labels)
    groups = _groups(weight, fold)
    targets = {
        label: max(group, key=weight.__getitem__)
        for group in groups
        if len(group) > 1 and not _is_declared(group, weights)
        for label in group
    }
    _take(labels, targets, "differ in case, width, joiners or white space only")


def _is_declared(group: Iterable[str], weights: _Weights) -> bool:
    """Whether people have said that these are labels of their own."""
    return sum(label in weights.declared for label in group) > 1


def _merge_numbers(labels: Labels, weights: _Weights) -> None:
    weight = weights.of(labels)
    numbers = NumberFormat.of(weight)
    ambiguous = {label for label in weight if numbers.is_ambiguous(label)}
    if points := {label for label in ambiguous if "," not in label}:
        labels.notes.append(
            f"{_listed(points)} may be thousands, and are read with a decimal point; write them without"
            " a point"
        )
    if commas := ambiguous - points:
        labels.notes.append(
            f"{_listed(commas)} may be thousands or have a decimal comma, and stay as they are; write "
            "them without a comma"
        )
    values = {label: value for label in weight if (value := numbers.value(label)) is not None}
    targets: dict[str, str] = {}
    for group in _groups(values, values.__getitem__):
        if _is_declared(group, weights) or all(label.endswith(("%", "％")) for label in group):
            continue
        if len(group) > 1 or not is_number(group[0]):
            declared = next((label for label in group if label in weights.declared), None)
            targets |= dict.fromkeys(group, declared or value_text(values[group[0]]))
    _take(labels, targets, "are numbers, taken by their value")
    others = {label for label in weight if label not in values and label not in ambiguous}
    if len(set(values.values())) > 2 and (
        odd := {label for label in others if _LIKE_A_NUMBER.fullmatch(label)}
    ):
        labels.notes.append(f"{_listed(odd)} cannot be read as numbers, which the other labels are")


def _means_yes(label: str) -> bool | None:
    """Whether a label means yes where all mean yes or no; None for any other."""
    if (number := as_number(label)) is not None:
        return bool(number) if number in (0, 1) else None
    folded = fold(label)
    return _LETTERS.get(folded, means_yes(folded))


def _are_all_yes_or_no(labels: Iterable[str]) -> bool:
    """Whether labels all mean yes or no, one of them surely: a lone `n` or `da` may be anything."""
    folded = {fold(label) for label in labels}
    letters = folded & _LETTERS.keys()
    surely = surely_meant(folded).keys() | {word for word in folded if as_number(word) is not None}
    return (
        all(_means_yes(word) is not None for word in folded) and len(letters) != 1 and bool(surely or letters)
    )


def _merge_yes_and_no(labels: Labels, weights: _Weights) -> None:
    present = weights.of(labels)
    folded = {label: fold(label) for label in present}
    # A lone `n` may be anything; beside a `y`, or beside words for yes and no, it is a no.
    letters = _LETTERS if _LETTERS.keys() <= set(folded.values()) else {}
    surely = letters | surely_meant(folded.values())
    possibly = {label: truth for label in present if (truth := _means_yes(label)) is not None}
    words = {label for label in possibly if as_number(label) is None}
    all_are_such = len(possibly) == len(present) and _are_all_yes_or_no(present)
    if not words or not (surely or all_are_such):
        return
    meanings = possibly
    if len(possibly) < len(present):
        meanings = {label: truth for label, truth in possibly.items() if folded[label] in surely | _LETTERS}
        if unclear := possibly.keys() - meanings.keys():
            labels.notes.append(
                f"{_listed(unclear)} may mean the same as {_listed(meanings)}, but there are other labels, "
                f"too, so {'they' if unclear & words else 'the numbers'} stay apart"
            )
    numbers = meanings.keys() - words
    sides = [[label for label in meanings if meanings[label] is truth] for truth in (True, False)]
    apart = any(_is_declared(side, weights) for side in sides)
    kinds_differ = bool(numbers) or not _are_spelled_alike(folded[label] for label in meanings)
    if (kinds_differ or max(map(len, sides)) > 1) and not apart:
        usual = {True: "1", False: "0"} if numbers else {True: "yes", False: "no"}
        declared = {truth: label for label, truth in meanings.items() if label in weights.declared}
        targets = {label: (usual | declared)[truth] for label, truth in meanings.items()}
        _take(labels, targets, "are words for yes and no")


def _are_spelled_alike(words: Iterable[str]) -> bool:
    present = set(words)
    return present <= _LETTERS.keys() or are_of_one_kind(present)


def _merge_dates(labels: Labels, weights: _Weights) -> None:
    weight = weights.of(labels)
    times = {label: readings_as_times for label in weight if (readings_as_times := _times(label))}
    # What was typed looks like a range or a fraction; what a spreadsheet makes of it has a month or a year.
    typed = {label for label in times if _RANGE.fullmatch(label)}
    if len(typed) == len(times):
        return
    alike = {
        label: [other for other in times if other != label and share_a_reading(times[label], times[other])]
        for label in times.keys() - typed
    }
    targets: dict[str, str] = {}
    unclear = []
    for label, others in alike.items():
        meant = [other for other in others if other in typed]
        if len(meant) == 1:
            targets[label] = meant[0]
        elif len(others) == 1 and alike[others[0]] == [label]:
            targets[label] = max(label, others[0], key=lambda spelling: (weight[spelling], spelling))
        elif others or any(reading[1] is None for reading in times[label]):
            unclear.append(label)
    _take(labels, targets, "seem to be labels that a spreadsheet turned into dates or times")
    if unclear:
        labels.notes.append(
            f"{_listed(unclear)} look like labels that a spreadsheet turned into dates; see what was typed "
            "there, and format the column as text before"
        )


def _times(label: str) -> frozenset[Reading]:
    """The dates and times that a label may be."""
    words = _WORD.findall(fold(label))
    if any(not any(month.startswith(word) for month in _MONTHS) for word in words):
        return frozenset()
    return frozenset(reading for reading in readings(label) if reading[0] in ("date", "time"))


def _groups(labels: Iterable[str], key: Callable[[str], object]) -> list[list[str]]:
    groups: dict[object, list[str]] = {}
    for label in labels:
        groups.setdefault(key(label), []).append(label)
    return list(groups.values())


def _take(labels: Labels, targets: Mapping[str, str], why: str) -> None:
    """Take labels for others, and note which and why."""
    occurring = set(labels.of_cell.values())
    changed = [label for label, target in targets.items() if label != target and label in occurring]
    if not changed:
        return
    shown = []
    for label in changed[:_MOST_SHOWN]:
        # Only where it is a joiner that makes the difference is there one to be named.
        joiners = code_points(label) != code_points(targets[label])
        names = [with_code_points(name, joiners) for name in (label, targets[label])]
        shown.append(f"`{names[0]}` is taken as `{names[1]}`")
    more = f", and {len(changed) - _MOST_SHOWN} more" if len(changed) > _MOST_SHOWN else ""
    labels.notes.append(f"{', '.join(shown)}{more}: these {why}")
    labels.merge(targets)


def _listed(labels: Iterable[str]) -> str:
    names = sorted(labels)
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_SHOWN]) + more
