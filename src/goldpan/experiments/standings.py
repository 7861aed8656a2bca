"""How runs stand beside each other, each on each feature, and which of them may be ranked together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldpan.experiments.figures import baseline_of, grade, main_figure, value_of_figure
from goldpan.experiments.paired import Right, p_value_of
from goldpan.experiments.run import FeatureMetrics, Run
from goldpan.files import canonical_json


@dataclass(frozen=True)
class Standing:
    """A run on one feature that it measures.

    Attributes:
        run: which.
        prompt_version: as it is counted now.
        metrics: of the feature.
    """

    run: Run
    prompt_version: int
    metrics: FeatureMetrics

    @property
    def figure(self) -> dict[str, Any] | None:
        """The main figure of the feature."""
        return main_figure(self.metrics.figures)

    @property
    def figure_name(self) -> str | None:
        """Name of the main figure."""
        return self.figure["name"] if self.figure else None

    @property
    def value(self) -> float | None:
        """Value of the main figure; None where it is undefined."""
        return value_of_figure(self.figure)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of its 95 % interval, if it has one."""
        between = self.figure["raw"]["interval"] if self.figure else None
        return (between["low"], between["high"]) if between else None

    @property
    def majority(self) -> dict[str, Any] | None:
        """The main figure of the majority baseline over the same rows."""
        return baseline_of(self.metrics)

    @property
    def letter(self) -> str:
        """See `figures.grade`."""
        return grade(self.value)

    @property
    def evaluated(self) -> int:
        """Rows that the figure is about."""
        evaluated: int = self.metrics.items["evaluated"]
        return evaluated


@dataclass(frozen=True)
class Ranked:
    """A place in a ranking.

    Attributes:
        place: 1 for the best; equal values share one; None without a value.
        number: of the run among those that it is ranked with, in the order of time, from 1.
        standing: what stands there.
        p_against_first: McNemar's exact p of it and the best one; None of that one itself, and where the two
            did not evaluate the very same rows.
    """

    place: int | None
    number: int
    standing: Standing
    p_against_first: float | None


@dataclass(frozen=True)
class Board:
    """Runs that may be ranked together: the same data and limit, measured by the same gold and figure.

    Attributes:
        feature, figure: what was measured; no figure where none is defined.
        data_hash: of the files that were asked about.
        limit: source -> rows, of trials.
        standings: in the order in which the runs were recorded.
    """

    feature: str
    figure: str | None
    data_hash: str
    limit: Mapping[str, int]
    standings: tuple[Standing, ...]

    @property
    def studies(self) -> list[str]:
        """In which studies the runs were first made."""
        return list(dict.fromkeys(standing.run.study for standing in self.standings))

    def ranked(self, right: Callable[[Run], Right] = lambda run: {}) -> list[Ranked]:
        """The runs, the best first; of equal ones the earlier first, those without a value last.

        Args:
            right: which rows of a run are right; without it no two runs are tested.
        """
        numbered = list(enumerate(self.standings, 1))
        best = sorted(numbered, key=lambda of: (of[1].value is None, -(of[1].value or 0.0), of[0]))
        first = best[0][1]
        values = [standing.value for _, standing in best]
        firsts = right(first.run) if len(best) > 1 else {}
        return [
            Ranked(
                place=None if standing.value is None else values.index(standing.value) + 1,
                number=number,
                standing=standing,
                p_against_first=None
                if standing is first or standing.value is None
                else p_value_of(firsts, right(standing.run), self.feature),
            )
            for number, standing in best
        ]


def standings_of(runs: Sequence[Run], versions: Mapping[tuple[str, str], int]) -> Iterator[Standing]:
    """A standing for each run and each feature that it measures, in the order of the runs.

    Args:
        runs: as they were recorded.
        versions: see `run.prompt_versions`.
    """
    for run in runs:
        for metrics in run.metrics:
            yield Standing(run, versions[run.module, run.prompt_hash], metrics)


def boards_of(standings: Sequence[Standing]) -> list[Board]:
    """The standings in boards: whole runs before trials, then the board of most rows, so that a few rows that
    were drawn do not come before all of them."""
    boards: dict[bytes, list[Standing]] = {}
    for standing in standings:
        run = standing.run
        key = canonical_json(
            [
                *(run.data_hash, run.limit, run.what.get("gold")),
                *(standing.metrics.feature, standing.figure_name),
            ]
        )
        boards.setdefault(key, []).append(standing)

    def place(key: bytes) -> tuple[bool, int]:
        return bool(boards[key][0].run.limit), -max(standing.evaluated for standing in boards[key])

    return [
        Board(
            feature=boards[key][0].metrics.feature,
            figure=boards[key][0].figure_name,
            data_hash=boards[key][0].run.data_hash,
            limit=boards[key][0].run.limit,
            standings=tuple(boards[key]),
        )
        for key in sorted(boards, key=place)
    ]
