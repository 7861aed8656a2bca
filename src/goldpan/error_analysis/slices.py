"""The worst slices: rows that have something in common and are wrong more often than all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.parts import Slice, Slices
from goldpan.error_analysis.rows import listed_row
from goldpan.error_analysis.slice_candidates import SliceCandidate, slice_candidates
from goldpan.evaluation.formatting import percent
from goldpan.statistics.figures import Estimate, too_few
from goldpan.statistics.interval import clopper_pearson_interval, newcombe_interval
from goldpan.statistics.many_shares import higher_shares
from goldpan.statistics.permutations import out_of_reach
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.study.error_analysis import ErrorAnalysis

_KEPT = 100
"""Slices that the report keeps beside the significant ones."""
_NAMED = 3
_METHOD = (
    "One-sided; each slice against all other rows by the exact hypergeometric test, corrected for all slices"
    " by {replicates:,} permutations of right and wrong (minP, step-down: Westfall and Young 1993)"
)
_METHOD_OF_GROUPS = (
    "One-sided; each slice against all other rows by its score over the group-robust standard error,"
    " corrected for all slices by {replicates:,} changes of the groups' signs (Kline and Santos 2012;"
    " step-down)"
)


def worst_slices(items: ErrorItems, settings: ErrorAnalysis, alpha: float | None = None) -> Slices:
    """The slices in which predictions are wrong more often than elsewhere.

    Looked at are values of the fields of the records, quarters of their numbers and of the lengths of their
    texts, files and sources; not two of these together, of which there are so many that none would be found.
    Fields that hold the gold are looked at only where the study names them: what a label is taken for stands
    among the pairs of labels.

    Args:
        items: the evaluated rows of one feature and one model.
        settings: what the study says.
        alpha: how often any slice may be reported where none differs; default `settings.alpha`.
    """
    alpha = settings.alpha if alpha is None else alpha
    wrong = np.array([not item.is_right for item in items.items], dtype=bool)
    reason = _why_not(wrong) or out_of_reach(alpha)
    if reason:
        return Slices(finding=reason, reason=reason, overall=error_rate(items.items), alpha=alpha)
    records = [_as_record(item) for item in items.items]
    labels = {f"data.{field}" for field in items.label_fields}
    candidates = slice_candidates(records, settings.slices, settings.smallest_slice, labels)
    groups = group_numbers(items.items)
    overall = error_rate(items.items)
    if not candidates:
        reason = (
            f"No slice has {settings.smallest_slice} of the {len(wrong):,} evaluated rows in it and as many"
            " outside: label more rows, or lower `smallest_slice`."
        )
        return Slices(finding=reason, reason=reason, overall=overall, alpha=alpha)
    adjusted, replicates = higher_shares(
        [candidate.rows for candidate in candidates], wrong, groups, alpha, settings.seed
    )
    measured = [
        _measured(candidate, items.items, wrong, groups, float(p_value), alpha)
        for candidate, p_value in zip(candidates, adjusted, strict=True)
    ]
    order = sorted(range(len(measured)), key=lambda place: _order(measured[place]))
    found = sum(of.is_significant for of in measured)
    kept = order[: max(_KEPT, found)]
    method = _METHOD if groups is None else _METHOD_OF_GROUPS
    rows = [
        listed_row(
            items,
            items.items[row],
            "slices",
            measured[place].error_rate.value or 0.0,
            _why(measured[place]),
            name=measured[place].name,
            show=settings.show,
        )
        for place in order[:found]
        for row in candidates[place].rows[wrong[candidates[place].rows]].tolist()
    ]
    return Slices(
        finding=_finding([measured[place] for place in order[:found]], len(measured)),
        notes=tuple(_notes(groups, found, len(measured))),
        rows=tuple(rows),
        slices=tuple(measured[place] for place in kept),
        looked_at=len(measured),
        overall=overall,
        alpha=alpha,
        method=method.format(replicates=replicates),
    )


def error_rate(items: Sequence[ErrorItem]) -> Estimate:
    """The share of rows that are wrong, each counted once, with its interval."""
    return share_of_rows(items, [not item.is_right for item in items])


def share_of_rows(items: Sequence[ErrorItem], counted: Sequence[bool]) -> Estimate:
    """The share of rows that are counted, with its interval; of rows in groups it is one of groups."""
    return _rate(np.array(counted, dtype=bool), group_numbers(items)).estimate


def group_numbers(items: Sequence[ErrorItem]) -> np.ndarray | None:
    """The number of each row's group, shape (n,); None where no two rows are of one group."""
    names = [item.group or item.item_id for item in items]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return None if len(numbers) == len(names) else np.array([numbers[name] for name in names])


def _why_not(wrong: np.ndarray) -> str | None:
    if not len(wrong):
        return "No row is evaluated, so there is nothing to look at."
    if not wrong.any():
        return f"All {len(wrong):,} evaluated rows are right."
    if wrong.all():
        return f"All {len(wrong):,} evaluated rows are wrong, so no slice is worse than the others."
    return None


def _as_record(item: ErrorItem) -> dict[str, Any]:
    return {"source": item.source, "file": item.file, "data": item.data}


@dataclass(frozen=True)
class _Rate:
    """A share of wrong rows, with the number of independent rows that bears it."""

    estimate: Estimate
    share: float
    effective: float


def _rate(wrong: np.ndarray, groups: np.ndarray | None) -> _Rate:
    """Rows of one group may be alike: they bear as much as fewer rows that were drawn one by one would."""
    if not len(wrong):
        return _Rate(Estimate(None, reason="undefined: no row"), 0.0, 0.0)
    share, effective, units = float(wrong.mean()), float(len(wrong)), len(wrong)
    if groups is not None:
        sums = np.bincount(groups, wrong - share)
        units = len(np.unique(groups))
        variance = share * (1 - share)
        if variance > 0 and units > 1:
            by_groups = float(sums @ sums) * units / (units - 1)
            effective = min(effective, len(wrong) ** 2 * variance / max(by_groups, 1e-12))
        elif variance == 0:
            # All alike: nothing tells how alike rows of one group are, so that each group counts once.
            effective = float(units)
    if units < FEWEST_UNITS:
        return _Rate(Estimate(share, reason=too_few(units, "row" if groups is None else "group")), share, 0.0)
    return _Rate(Estimate(share, clopper_pearson_interval(share * effective, effective)), share, effective)


def _measured(
    candidate: SliceCandidate,
    items: Sequence[ErrorItem],
    wrong: np.ndarray,
    groups: np.ndarray | None,
    p_value: float,
    alpha: float,
) -> Slice:
    mask = np.zeros(len(items), dtype=bool)
    mask[candidate.rows] = True
    inside = _rate(wrong[mask], None if groups is None else groups[mask])
    outside = _rate(wrong[~mask], None if groups is None else groups[~mask])
    interval = newcombe_interval(
        inside.share * inside.effective,
        inside.effective,
        outside.share * outside.effective,
        outside.effective,
    )
    reason = None if interval else inside.estimate.reason or outside.estimate.reason
    return Slice(
        condition=candidate.condition,
        items=len(candidate.rows),
        wrong=int(wrong[mask].sum()),
        error_rate=inside.estimate,
        outside=outside.estimate,
        difference=Estimate(inside.share - outside.share, interval, reason),
        p_adjusted=p_value,
        is_significant=p_value <= alpha,
        aliases=candidate.aliases,
    )


def _order(of: Slice) -> tuple[Any, ...]:
    return (not of.is_significant, of.p_adjusted, -(of.difference.value or 0.0), -of.items, of.name)


def _why(of: Slice) -> str:
    return (
        f"{percent(of.error_rate.value)} of {of.items:,} rows with {of.name} are wrong, of the others"
        f" {percent(of.outside.value)}"
    )


def _finding(found: Sequence[Slice], looked_at: int) -> str:
    if not found:
        slices = (
            "The one slice that was looked at has no"
            if looked_at == 1
            else f"None of {looked_at:,} slices has"
        )
        return f"{slices} significantly more errors than the rows outside of it."
    named = "; ".join(
        f"{of.name} ({percent(of.error_rate.value)} against {percent(of.outside.value)})"
        for of in found[:_NAMED]
    )
    more = f"; and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    have = "has" if len(found) == 1 else "have"
    return f"{len(found):,} of {looked_at:,} slices {have} more errors than the rows outside: {named}{more}."


def _notes(groups: np.ndarray | None, found: int, looked_at: int) -> list[str]:
    notes = [
        "Intervals are those of each slice by itself; only the p-value knows that many were looked at.",
        "Slices of two fields together are not looked at.",
    ]
    if groups is not None:
        notes.append(
            f"Rows come in {int(groups.max()) + 1:,} groups that may be alike: tests and intervals take"
            " groups, not rows, as drawn one by one."
        )
    if found > 1:
        notes.append("Slices overlap: one may be worse only because it holds rows of another.")
    return notes
