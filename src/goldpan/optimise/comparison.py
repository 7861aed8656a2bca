"""Candidates against the first prompt on the same rows: the metric with intervals, and a paired test.

Whoever picks the best of m prompts picks luck as well: among prompts that are all alike, the best of ten is
"significantly better" far more often than one time in twenty. So the test is corrected by the distribution of
the largest of the m statistics under the hypothesis that it makes no difference which prompt answered
(Westfall and Young 1993, "Resampling-Based Multiple Testing", single step). Under it the answers of the first
prompt and those of a candidate to a row may be swapped; they are swapped for all candidates alike, so that
candidates which mostly say the same count as few. With one candidate, one feature and the metric accuracy
this is McNemar's exact test, which is then computed as such. Rows of one group are swapped together.

What this cannot correct for is a search that climbs by dev: where each prompt is made from the best so far
and inherits its luck, up to a quarter of searches without any true improvement would end in a proposal
(simulated: 40 and 100 rows, 12 and 24 prompts). So rewrites and sets of examples are all made from the first
prompt, and dspy searches on train. gepa takes its parents from a whole front of rows, by which it stays below
one in twenty. The test split, which no search sees, has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldpan.errors import ReconciliationError
from goldpan.optimise.candidate import ScoredAnswers
from goldpan.optimise.problem import SearchRow
from goldpan.optimise.resampled_metric import LabelSums, ResampledMetric, estimate_of
from goldpan.statistics.figures import Estimate
from goldpan.statistics.joined_measures import Difference
from goldpan.statistics.marginal_homogeneity import exact_mcnemar_p_value
from goldpan.study.optimised import Metric

LEVEL_OF_TEST = 0.05
SWAPS = 9999
_CHUNK_CELLS = 4_000_000
_NOTHING = 1e-9


@dataclass(frozen=True)
class ComparedRows:
    """The rows that prompts are compared on.

    Attributes:
        metric: of the search.
        gold: of each feature that counts, the right answer as shown of each of n rows.
        groups: of each row.
        seed: of what is drawn.
    """

    metric: Metric
    gold: Mapping[str, tuple[str, ...]]
    groups: tuple[str, ...]
    seed: int = 0

    @classmethod
    def of(
        cls, metric: Metric, rows: Sequence[SearchRow], scored: ScoredAnswers, seed: int = 0
    ) -> ComparedRows:
        """Those of the rows that were answered, in the order of the answers."""
        by_id = {row.id: row for row in rows}
        answered = [by_id[name] for name in scored.ids]
        gold = {name: tuple(row.gold[name] for row in answered) for name in scored.right}
        return cls(metric, gold, tuple(row.group for row in answered), seed)

    @property
    def is_grouped(self) -> bool:
        """Whether some rows have a group in common."""
        return len(set(self.groups)) < len(self.groups)


@dataclass(frozen=True)
class PairedTests:
    """Candidates against the first prompt.

    Attributes:
        p_values: two-sided, of each of m candidates alone.
        corrected: those that hold for all of them together.
        how: the test, in words.
    """

    p_values: tuple[float, ...]
    corrected: tuple[float, ...]
    how: str


def in_order(scored: ScoredAnswers, ids: Sequence[str]) -> ScoredAnswers:
    """The same answers in the order of these ids.

    Raises:
        ReconciliationError: they are about other rows.
    """
    if scored.ids == tuple(ids):
        return scored
    place_of = {name: place for place, name in enumerate(scored.ids)}
    if place_of.keys() != set(ids) or len(place_of) != len(scored.ids):
        raise ReconciliationError("two prompts were not asked about the same rows", where="a search")
    order = [place_of[name] for name in ids]
    return replace(
        scored,
        ids=tuple(ids),
        right={name: tuple(row[place] for place in order) for name, row in scored.right.items()},
        predicted={name: tuple(row[place] for place in order) for name, row in scored.predicted.items()},
        scores=tuple(scored.scores[place] for place in order),
        valid=tuple(scored.valid[place] for place in order),
    )


def metric_estimate(rows: ComparedRows, scored: ScoredAnswers) -> Estimate:
    """The metric of some answers, with a 95 % interval.

    A share of right rows has that of Clopper and Pearson; all else, and rows in groups, a bootstrap with
    pseudo-rows (see `statistics.bootstrap`).
    """
    return estimate_of(rows.groups, rows.seed, lambda codes: _resampled(rows, scored, codes))


def metric_difference(rows: ComparedRows, first: ScoredAnswers, second: ScoredAnswers) -> Estimate:
    """The metric of the second answers less that of the first, from a paired bootstrap."""
    if first.right == second.right and first.predicted == second.predicted:
        return Estimate(0.0, reason="no interval: they answer alike")
    return estimate_of(
        rows.groups,
        rows.seed,
        lambda codes: Difference(_resampled(rows, second, codes), _resampled(rows, first, codes)),
    )


def paired_tests(
    rows: ComparedRows, first: ScoredAnswers, candidates: Sequence[ScoredAnswers], swaps: int = SWAPS
) -> PairedTests:
    """Test whether each candidate's metric differs from that of the first prompt.

    Args:
        rows: n rows.
        first: the answers of the first prompt to them.
        candidates: the answers of m others, in the same order of rows.
        swaps: how many are drawn.
    """
    if not candidates:
        return PairedTests((), (), "nothing to compare")
    is_exact = rows.metric == "accuracy" and len(rows.gold) == 1 and not rows.is_grouped
    exact = [_mcnemar(first, candidate) for candidate in candidates] if is_exact else []
    if is_exact and len(candidates) == 1:
        return PairedTests((exact[0],), (exact[0],), "McNemar's exact test on the same rows")
    observed, swapped = _statistics(rows, first, candidates, swaps)
    alone = exact or [_share_of_swaps(swapped[:, place], value) for place, value in enumerate(observed)]
    largest = swapped.max(1)
    corrected = [_share_of_swaps(largest, value) for value in observed]
    units = "groups of rows" if rows.is_grouped else "rows"
    test = "McNemar's exact test" if is_exact else f"a test by {swaps:,} random swaps of answers"
    how = f"{test} on the same {units}"
    if len(candidates) > 1:
        how += (
            f", corrected for {len(candidates)} candidates by the largest statistic of {swaps:,} random swaps"
        )
    return PairedTests(tuple(alone), tuple(max(pair) for pair in zip(alone, corrected, strict=True)), how)


def _mcnemar(first: ScoredAnswers, second: ScoredAnswers) -> float:
    (before,), (after,) = (np.array(list(scored.right.values()), dtype=bool) for scored in (first, second))
    return exact_mcnemar_p_value(int((before & ~after).sum()), int((after & ~before).sum()))


def _share_of_swaps(swapped: np.ndarray, observed: float) -> float:
    """The p-value of a statistic: the share of swaps, as they came among them, with one as large."""
    return float(1 + (swapped >= observed - _NOTHING).sum()) / (1 + len(swapped))


def _statistics(
    rows: ComparedRows, first: ScoredAnswers, candidates: Sequence[ScoredAnswers], swaps: int
) -> tuple[np.ndarray, np.ndarray]:
    """|difference| of each candidate in units of its spread under swaps, (m,), and under swaps, (b, m)."""
    _, group_of_row = np.unique(np.array(rows.groups, dtype=object).astype(str), return_inverse=True)
    generator = np.random.default_rng((rows.seed, len(rows.groups)))
    groups = int(group_of_row.max()) + 1
    own = np.arange(len(rows.groups)).repeat(2).reshape(-1, 2)
    before, *after = (_resampled(rows, scored, own) for scored in (first, *candidates))
    kept = np.ones((1, len(own)))
    observed = np.array([(one.values(kept) - before.values(kept))[0, 0] for one in after])
    swapped = np.empty((swaps, len(candidates)))
    chunk = max(1, _CHUNK_CELLS // len(own))
    for start in range(0, swaps, chunk):
        size = min(chunk, swaps - start)
        swap = generator.integers(0, 2, size=(size, groups)).astype(float)[:, group_of_row]
        for place, one in enumerate(after):
            theirs = one.values_of(1 - swap, before, swap)
            ours = before.values_of(1 - swap, one, swap)
            swapped[start : start + size, place] = (theirs - ours)[:, 0]
    spread = np.sqrt((swapped**2).mean(0))
    # Where no swap makes a difference there is none.
    spread = np.where(spread > _NOTHING, spread, np.inf)
    return np.abs(observed) / spread, np.abs(swapped) / spread


def _resampled(rows: ComparedRows, scored: ScoredAnswers, codes: np.ndarray) -> ResampledMetric:
    parts = [
        LabelSums(rows.metric, rows.gold[name], scored.predicted[name], scored.right[name])
        for name in rows.gold
    ]
    return ResampledMetric(rows.metric, parts, codes)
