"""Labels of a merged table that somebody has changed since `merge` wrote them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from goldpan.plain_tables.merged_sheet import shown_label
from goldpan.plain_tables.notes import few
from goldpan.plain_tables.table import TableAnswers
from goldpan.waves.answer_text import LIST_SEPARATOR, RANK_SEPARATOR
from goldpan.waves.merging.merged import Merged, Resolution
from goldpan.waves.sheets.spreadsheet import fold

_FIRST = (Resolution.MAJORITY_A_LLM, Resolution.ANNOTATOR_A)
_SECOND = (Resolution.MAJORITY_B_LLM, Resolution.ANNOTATOR_B)


def set_by_hand(rows: Sequence[Merged], answers: TableAnswers) -> tuple[list[Merged], list[str]]:
    """Merged rows in which a label that its resolution cannot give is an adjudicated one.

    The soft label of such a row is all on its label, for that of the answers would contradict it.

    Args:
        rows: as they were read.
        answers: of the annotators.

    Returns:
        The rows, and a note for each feature that names the changed ones.
    """
    checked: list[Merged] = []
    changed: dict[str, list[str]] = {}
    for row in rows:
        expected = None if row.resolution == Resolution.ADJUDICATED else _expected(row, answers)
        label = shown_label(row.feature, row.final_label)
        if not row.resolved or expected is None or fold(label) in map(fold, expected):
            checked.append(row)
            continue
        checked.append(replace(row, resolution=Resolution.ADJUDICATED, soft_label={label: 1.0}))
        by_merging = f"`{row.resolution}` gives `{expected[0]}`" if expected else f"was `{row.resolution}`"
        place = f"{answers.files[row.item_id]}, item `{row.item_id}`"
        changed.setdefault(row.feature, []).append(f"{place} (`{label}`; {by_merging})")
    notes = [
        f"{feature}: {len(places):,} labels were set by hand in the merged table and count as adjudicated: "
        f"{few(places)}"
        for feature, places in changed.items()
    ]
    return checked, notes


def _expected(row: Merged, answers: TableAnswers) -> list[str] | None:
    """The labels that a row can have by its resolution; None where that cannot be told."""
    labels = answers.labels[row.feature]
    shown = {
        name: shown_label(row.feature, None if label is None else labels.written(label))
        for name, label in row.answers.items()
    }
    highest = max(row.soft_label.values(), default=0.0)
    likeliest = [label for label, share in row.soft_label.items() if share >= highest]
    if not answers.header:
        # With a row for each item and feature the order of the annotators is lost, and a label of a wave's
        # table may be a set, of which the majority decides each member.
        is_set = any(sign in label for label in shown.values() for sign in (LIST_SEPARATOR, RANK_SEPARATOR))
        return None if is_set else [*dict.fromkeys([*shown.values(), *likeliest])]
    if row.resolution == Resolution.DAWID_SKENE:
        return likeliest or None
    if row.resolution in (*_FIRST, *_SECOND):
        by_llm = row.resolution in (Resolution.MAJORITY_A_LLM, Resolution.MAJORITY_B_LLM)
        annotators = answers.annotators_of(row.feature) if by_llm else tuple(answers.annotators)
        name = annotators[int(row.resolution in _SECOND)]
        return [shown[name]] if name in shown else None
    return [label for label, count in Counter(shown.values()).items() if 2 * count > len(shown)]
