"""One label in several spellings: what stands in the cells of a table that people keep.

White space around a label is taken off without a word, and so is the apostrophe that protects a formula. Else
two spellings are one label where they can hardly be anything else, and every such case is told in a note:

- they differ in case, width or white space within only;
- they are one number: `1` and `1.0`, `1,5` and `1.5`, `50%` and `0.5`;
- they are words for yes or for no: `yes`, `TRUE`, and `1` where all labels are such;
- a spreadsheet made one of the other: `1-2` became `01-Feb`.

What may be one label, but need not be, stays apart and is told as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from goldpan.cells import unprotect
from goldpan.statistics.scales import is_number, value_text
from goldpan.waves.sheets.spreadsheet import Reading, as_number, fold, readings, share_a_reading

_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_RANGE = re.compile(r"\d{1,4}[-/.]\d{1,4}", re.ASCII)
_ANSWERS = {"yes": True, "no": False}
_LETTERS = {"y": True, "n": False}
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_EXACT_DIGITS = 15
"""Digits that a number of a spreadsheet holds; two longer ones may differ and yet be one number to it."""
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
        weights = _Weights(counts, declared)
        _merge_folded(labels, weights)
        _merge_numbers(labels, weights)
        if len(set(labels.of_cell.values())) <= _MOST_LABELS:
            _merge_yes_and_no(labels, weights)
            _merge_dates(labels, weights)
    distinct = set(labels.of_cell.values())
    labels.yes_or_no = (
        0 < len(distinct) <= _MOST_LABELS
        and all(_means_yes(label) is not None for label in distinct)
        and len({fold(label) for label in distinct} & _LETTERS.keys()) != 1
    )
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


def _merge_folded(labels: Labels, weights: _Weights) -> None:
    weight = weights.of(labels)
    groups = _groups(weight, fold)
    targets = {
        label: max(group, key=weight.__getitem__)
        for group in groups
        if len(group) > 1 and not _is_declared(group, weights)
        for label in group
    }
    _take(labels, targets, "differ in case, width or white space only")


def _is_declared(group: Iterable[str], weights: _Weights) -> bool:
    """Whether people have said that these are labels of their own."""
    return sum(label in weights.declared for label in group) > 1


def _merge_numbers(labels: Labels, weights: _Weights) -> None:
    weight = weights.of(labels)
    commas = [label for label in weight if _DECIMAL_COMMA.fullmatch(label)]
    # `1,250` may be a thousand and some; another cell with `1,5` says that the comma is a decimal one.
    ambiguous = set()
    if not any(not _THOUSANDS.fullmatch(label) for label in commas):
        ambiguous = {label for label in weight if _THOUSANDS.fullmatch(label)}
    if ambiguous:
        labels.notes.append(
            f"{_listed(ambiguous)} may be thousands or have a decimal comma, and stay as they are; write "
            "them without a comma"
        )
    values = {
        label: value for label in weight if label not in ambiguous and (value := _number(label)) is not None
    }
    targets: dict[str, str] = {}
    for group in _groups(values, values.__getitem__):
        if _is_declared(group, weights) or not any(as_number(label) is not None for label in group):
            continue
        if len(group) > 1 or not is_number(group[0]):
            declared = next((label for label in group if label in weights.declared), None)
            targets |= dict.fromkeys(group, declared or value_text(values[group[0]]))
    _take(labels, targets, "are numbers, taken by their value")


def _number(label: str) -> float | None:
    if sum(character.isdecimal() for character in label) > _EXACT_DIGITS:
        return None
    text = fold(label)
    value = as_number(text)
    if value is None and text.endswith("%") and (percent := as_number(text[:-1].strip())) is not None:
        value = percent / 100
    return value if value is not None and abs(value) < 10**_EXACT_DIGITS else None


def _word_means_yes(label: str) -> bool | None:
    """Whether a word such as `yes` or `FALSE` means yes; None for any other."""
    if (folded := fold(label)) in _ANSWERS:
        return _ANSWERS[folded]
    return next((value for kind, value, *_ in readings(folded) if kind == "truth"), None)


def _means_yes(label: str) -> bool | None:
    """The same where `y`, `n`, `1` and `0` are such words, too."""
    if (number := as_number(label)) is not None:
        return bool(number) if number in (0, 1) else None
    return _LETTERS.get(fold(label), _word_means_yes(label))


def _merge_yes_and_no(labels: Labels, weights: _Weights) -> None:
    present = weights.of(labels)
    # A lone `n` may be anything; beside a `y`, or beside such words, it is a no.
    has_letters = _LETTERS.keys() <= {fold(label) for label in present}
    if not has_letters and all(_word_means_yes(label) is None for label in present):
        return
    meanings = {label: truth for label in present if (truth := _means_yes(label)) is not None}
    numbers = {label for label in meanings if as_number(label) is not None}
    if numbers and len(meanings) < len(present):
        words = meanings.keys() - numbers
        labels.notes.append(
            f"{_listed(numbers)} may mean the same as {_listed(words)}, but there are other labels, too, so "
            "the numbers stay apart"
        )
        meanings = {label: truth for label, truth in meanings.items() if label not in numbers}
        numbers = set()
    kinds = {"number" if label in numbers else _vocabulary(label) for label in meanings}
    sides = [[label for label in meanings if meanings[label] is truth] for truth in (True, False)]
    apart = any(_is_declared(side, weights) for side in sides)
    if max(*map(len, sides), len(kinds)) > 1 and not apart:
        usual = {True: "1", False: "0"} if numbers else {True: "yes", False: "no"}
        declared = {truth: label for label, truth in meanings.items() if label in weights.declared}
        targets = {label: (usual | declared)[truth] for label, truth in meanings.items()}
        _take(labels, targets, "are words for yes and no")


def _vocabulary(word: str) -> str:
    folded = fold(word)
    return "letter" if folded in _LETTERS else "answer" if folded in _ANSWERS else "truth"


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
    shown = [f"`{label}` is taken as `{targets[label]}`" for label in changed[:_MOST_SHOWN]]
    more = f", and {len(changed) - _MOST_SHOWN} more" if len(changed) > _MOST_SHOWN else ""
    labels.notes.append(f"{', '.join(shown)}{more}: these {why}")
    labels.merge(targets)


def _listed(labels: Iterable[str]) -> str:
    names = sorted(labels)
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_SHOWN]) + more
