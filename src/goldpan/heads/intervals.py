"""Figures of a head with their intervals: a bootstrap over groups of records.

Records of one group are alike, so groups are drawn and not records. As for agreement (see
`goldpan.statistics.bootstrap`), two pseudo-records are added before replicates are drawn: any true value
with any predicted one that occurs. Without them 50 right of 50 would have the interval [1, 1].

A handful of groups, drawn again and again, does not show how much groups differ: below `FEWEST_GROUPS` there
are no intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goldpan.heads.measures import Answers, figure_names, figure_values
from goldpan.heads.targets import Target
from goldpan.statistics.bootstrap import PSEUDO_ITEMS, REPLICATES, percentile_interval
from goldpan.statistics.coefficient import Interval, finite, rounded

METHOD = "bootstrap over groups with two pseudo-records, expanded percentiles"
FEWEST_GROUPS = 5
_POOL = 256
_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True)
class Figure:
    """A number with its interval; None where it is undefined, as the rank correlation of a constant is.

    There is no interval where there are too few groups.
    """

    value: float | None
    interval: Interval | None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "value": rounded(self.value),
            "interval": None if self.interval is None else self.interval.as_json(),
        }


class Sample:
    """Records that a head is measured on, with their groups.

    Args:
        target: which is measured.
        groups: of the n records.
        seed: of the replicates; the same records and seed give the same intervals.
    """

    def __init__(self, target: Target, groups: Sequence[str], seed: int) -> None:
        self.target, self._seed = target, seed
        _, places = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
        self._places = places
        self.records, self.groups = len(places), int(places.max()) + 1 if len(places) else 0
        generator = np.random.default_rng([seed, 1])
        self._true_rows, self._predicted_rows = generator.integers(0, self.records, size=(2, _POOL))

    def figures(self, answers: Answers) -> dict[str, Figure]:
        """All figures of some predictions."""
        with_pool = self._with_pool(answers)
        replicates = np.concatenate(
            [figure_values(self.target, with_pool, weights) for weights in self._draws()]
        )
        values = figure_values(self.target, answers, np.ones((1, self.records)))[0]
        return self._named(values, replicates)

    def differences(self, answers: Answers, other: Answers) -> dict[str, Figure]:
        """All figures of some predictions less those of others of the same records, drawn together."""
        one, two = self._with_pool(answers), self._with_pool(other)
        replicates = np.concatenate(
            [
                figure_values(self.target, one, weights) - figure_values(self.target, two, weights)
                for weights in self._draws()
            ]
        )
        all_alike = np.ones((1, self.records))
        values = figure_values(self.target, answers, all_alike) - figure_values(self.target, other, all_alike)
        return self._named(values[0], replicates)

    def _with_pool(self, answers: Answers) -> Answers:
        """The records and then the pseudo-records."""
        true, predicted = answers.take(self._true_rows), answers.take(self._predicted_rows)
        return answers.joined(replace(predicted, true_score=true.true_score, true_label=true.true_label))

    def _draws(self) -> Iterator[np.ndarray]:
        """Weights of records and pseudo-records, [b, n + pool], some replicates at a time."""
        generator = np.random.default_rng([self._seed, 2])
        size = self.groups + _POOL
        chances = np.concatenate([np.ones(self.groups), np.full(_POOL, PSEUDO_ITEMS / _POOL)])
        chances /= chances.sum()
        chunk = max(1, _CHUNK_CELLS // (self.records + size))
        for start in range(0, REPLICATES, chunk):
            drawn = generator.multinomial(self.groups, chances, size=min(chunk, REPLICATES - start))
            yield np.concatenate([drawn[:, self._places], drawn[:, self.groups :]], axis=1).astype(np.float64)

    def _named(self, values: np.ndarray, replicates: np.ndarray) -> dict[str, Figure]:
        found = {}
        for place, name in enumerate(figure_names(self.target)):
            value = finite(values[place])
            interval = None
            if value is not None and self.groups >= FEWEST_GROUPS:
                interval = percentile_interval(replicates[:, place], value, self.groups)
            found[name] = Figure(value, None if interval is None else replace(interval, method=METHOD))
        return found
