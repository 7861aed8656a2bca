"""The order in which a page is read: columns one after the other, lines from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from goldpan.records.pdf.characters import TextRun

_MIN_LINES = 4
"""Lines on each side of a gutter, with lines beside them, without which there are no columns."""
_MIN_WORDS = 3
_MIN_SHARE = 0.2
"""Of the width of the text that a column takes at least."""
_MOST_CROSSING = 0.35
"""Of all runs that may cross a gutter: titles, figures, lines of one column above and below."""


def lines_in_order(runs: Sequence[TextRun]) -> list[TextRun]:
    """The lines of a page as they are read.

    Where there are columns they come one after the other, between what goes across them. Else the order of
    the file is kept, for whoever wrote it mostly knew; only where it jumps about, lines are read downwards.

    Args:
        runs: in the order of the file.
    """
    gutter = _gutter(runs)
    if gutter is None:
        return _lines(_downwards(runs))
    ordered: list[TextRun] = []
    for band in _bands(runs, gutter):
        if band.across:
            ordered += lines_in_order(band.across)
        ordered += lines_in_order(band.left) + lines_in_order(band.right)
    return ordered


@dataclass
class _Band:
    """What goes across the columns, and what stands in them below it."""

    across: list[TextRun]
    left: list[TextRun]
    right: list[TextRun]


def _gutter(runs: Sequence[TextRun]) -> float | None:
    """Where from the left the gap between two columns is; None where there is one column."""
    if len(runs) < 2 * _MIN_LINES:
        return None
    start, end = min(run.left for run in runs), max(run.right for run in runs)
    width = end - start
    if width <= 0:
        return None
    best: tuple[int, float, float] | None = None
    for place, gap in _gaps(runs, start, width):
        crossing = sum(1 for run in runs if run.left < place < run.right)
        candidate = (crossing, -gap, place)
        if (best is None or candidate < best) and _is_gutter(runs, place, crossing, width):
            best = candidate
    return None if best is None else best[2]


def _gaps(runs: Sequence[TextRun], start: float, width: float) -> list[tuple[float, float]]:
    """Places (and widths) at which the fewest runs stand around, candidates for a gutter."""
    bins = min(400, int(width) + 1)
    step = width / bins
    change = [0] * (bins + 2)
    for run in runs:
        change[max(0, int((run.left - start) / step))] += 1
        change[min(bins, int((run.right - start) / step)) + 1] -= 1
    covered, cover = [], 0
    for number in range(bins):
        cover += change[number]
        covered.append(cover)
    gaps = []
    number = 0
    while number < bins:
        until = number
        while until < bins and covered[until] == covered[number]:
            until += 1
        middle = (number + until) / 2 / bins
        if 0.15 < middle < 0.85 and covered[number] <= _MOST_CROSSING * len(runs):
            gaps.append((start + middle * width, (until - number) * step))
        number = until
    return gaps


def _is_gutter(runs: Sequence[TextRun], place: float, crossing: int, width: float) -> bool:
    if crossing > _MOST_CROSSING * len(runs):
        return False
    left = [run for run in runs if run.right <= place]
    right = [run for run in runs if run.left >= place]
    if not (_is_column(left, width) and _is_column(right, width)):
        return False
    top, bottom = max(_top(left), _top(right)), min(_bottom(left), _bottom(right))
    return all(
        sum(1 for run in side if top <= (run.top + run.bottom) / 2 <= bottom) >= _MIN_LINES
        for side in (left, right)
    )


def _is_column(runs: Sequence[TextRun], width: float) -> bool:
    """Whether these are lines of text, and not the cells of a table or labels in a figure."""
    if len(runs) < _MIN_LINES:
        return False
    words = median(run.text.count(" ") + 1 for run in runs)
    return words >= _MIN_WORDS and median(run.right - run.left for run in runs) >= _MIN_SHARE * width


def _top(runs: Sequence[TextRun]) -> float:
    return min(run.top for run in runs)


def _bottom(runs: Sequence[TextRun]) -> float:
    return max(run.bottom for run in runs)


def _bands(runs: Sequence[TextRun], gutter: float) -> list[_Band]:
    """The page cut at what goes across the gutter, from top to bottom."""
    across = sorted((run for run in runs if run.left < gutter < run.right), key=_middle)
    edges = [_middle(run) for run in across]
    bands = [_Band([], [], []) for _ in range(len(across) + 1)]
    for run, band in zip(across, bands[1:], strict=True):
        band.across.append(run)
    for run in runs:
        if run.left < gutter < run.right:
            continue
        band = bands[sum(1 for edge in edges if edge <= _middle(run))]
        (band.left if run.right <= gutter else band.right).append(run)
    # Lines across that follow each other belong together.
    merged: list[_Band] = []
    for band in bands:
        last = merged[-1] if merged else None
        if last is not None and band.across and not last.left and not last.right:
            last.across += band.across
            last.left, last.right = band.left, band.right
        else:
            merged.append(band)
    return merged


def _middle(run: TextRun) -> float:
    return (run.top + run.bottom) / 2


def _downwards(runs: Sequence[TextRun]) -> list[TextRun]:
    """Runs in the order of the file, or from top to bottom where that jumps up again and again."""
    jumps = sum(1 for before, run in pairwise(runs) if _middle(run) < before.top)
    if jumps <= max(2, len(runs) // 4):
        return list(runs)
    return sorted(runs, key=lambda run: (round(run.top / max(run.height / 2, 1)), run.left))


def _lines(runs: Sequence[TextRun]) -> list[TextRun]:
    """Runs of one line put together again, where they follow each other."""
    lines: list[TextRun] = []
    for run in runs:
        if lines and lines[-1].row == run.row:
            lines[-1] = lines[-1].extended(run, " ")
        else:
            lines.append(run)
    return lines
