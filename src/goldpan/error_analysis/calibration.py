"""Where a model's confidence is higher than it is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.parts import CalibrationErrors, OverconfidentBin
from goldpan.error_analysis.slices import group_numbers
from goldpan.evaluation.calibration import Calibration, calibration
from goldpan.evaluation.formatting import percent
from goldpan.evaluation.predictions import OK
from goldpan.statistics.sampling_design import equal_design

FEWEST_FOR_BINS = 50
"""With fewer rows the bins say next to nothing."""


def calibration_errors(items: ErrorItems, alpha: float) -> CalibrationErrors:
    """Whether a model is right as often as it says, and in which bins of confidence it is not.

    A bin is tested one-sided by the binomial distribution of its mean confidence, which is at least as wide
    as that of its own confidences (Hoeffding 1956, Ann Math Stat 27:713-721), with Holm's correction for the
    number of bins. Rows of one group may be wrong together, so bins of these are shown and not tested.

    Args:
        items: the evaluated rows of one feature and one model.
        alpha: level of the test.
    """
    answered = [item for item in items.items if item.state == OK]
    sure = [item for item in answered if item.confidence is not None]
    if not sure:
        reason = (
            "No confidence is known: the answers have none, and no row was asked several times."
            if answered
            else "No row has an answer."
        )
        return CalibrationErrors(finding=reason, reason=reason, alpha=alpha)
    groups = group_numbers(sure)
    confidence = np.array([item.confidence for item in sure], dtype=float)
    right = np.array([item.is_right for item in sure], dtype=bool)
    design = equal_design(len(sure), None if groups is None else [item.group for item in sure])
    measured = calibration(confidence, right, design, len(answered) - len(sure))
    bins = _overconfident(measured, alpha, is_tested=groups is None)
    return CalibrationErrors(
        finding=_finding(measured, bins),
        notes=tuple(_notes(sure, measured, is_grouped=groups is not None)),
        calibration=measured,
        overconfident=bins,
        alpha=alpha,
    )


def _overconfident(measured: Calibration, alpha: float, *, is_tested: bool) -> tuple[OverconfidentBin, ...]:
    from scipy.stats import binom

    # A bin has a value: it holds an item.
    accuracies = [float(of.accuracy.value or 0.0) for of in measured.bins]
    raw = np.array(
        [
            binom.cdf(round(accuracy * of.items), of.items, min(of.confidence, 1.0))
            for of, accuracy in zip(measured.bins, accuracies, strict=True)
        ]
    )
    adjusted = _holm(raw) if is_tested else np.ones(len(raw))
    found = [
        OverconfidentBin(
            bin=of,
            gap=of.confidence - accuracy,
            p_adjusted=float(p_value),
            is_significant=bool(p_value <= alpha),
        )
        for of, accuracy, p_value in zip(measured.bins, accuracies, adjusted, strict=True)
        if of.confidence > accuracy
    ]
    return tuple(sorted(found, key=lambda of: -of.gap))


def _holm(p_values: np.ndarray) -> np.ndarray:
    """P-values corrected for their number (Holm 1979, Scand J Stat 6:65-70)."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def _finding(measured: Calibration, bins: Sequence[OverconfidentBin]) -> str:
    significant = [of for of in bins if of.is_significant]
    error = (
        f"The calibration error is {measured.ece:.3f}; a perfectly calibrated model would show"
        f" {measured.ece_if_calibrated:.3f} on these {measured.items:,} rows."
    )
    if not significant:
        return f"{error} In no range of confidence is the model right less often than it says."
    worst = significant[0]
    more = f", and in {len(significant) - 1} more" if len(significant) > 1 else ""
    return (
        f"{error} Too sure between {worst.bin.low:.1f} and {worst.bin.high:.1f}{more}: it says"
        f" {percent(worst.bin.confidence)} and is right in {percent(worst.bin.accuracy.value or 0.0)} of"
        f" {worst.bin.items:,} rows."
    )


def _notes(sure: Sequence[ErrorItem], measured: Calibration, *, is_grouped: bool) -> list[str]:
    notes = []
    if len(sure) < FEWEST_FOR_BINS:
        notes.append(
            f"Only {len(sure):,} rows have a confidence: with fewer than {FEWEST_FOR_BINS} a bin holds too"
            " few to see anything but the grossest error."
        )
    if measured.without:
        notes.append(f"{measured.without:,} answered rows have no confidence and are left out.")
    if is_grouped:
        notes.append("Rows of one group may be wrong together, so bins are not tested.")
    if len({item.confidence for item in sure}) == 1:
        notes.append("All confidences are the same, so they tell no row from another.")
    return notes
