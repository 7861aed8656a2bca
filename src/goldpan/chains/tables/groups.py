"""What the rows of a group say together: counts, shares and means, with their intervals.

A record of an earlier stage counts once in a group, however many items of it are there. What was not answered
counts in no share and no mean; the counts beside them say how many that are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldpan.chains.tables.columns import TableColumn
from goldpan.chains.tables.joined import ChainRow, StageResult
from goldpan.statistics.interval import Interval, wilson_interval
from goldpan.statistics.mean import RunningMean
from goldpan.tasks.features import Binary, Classification, Extraction, Feature, Multilabel, Score


@dataclass(frozen=True)
class GroupFigure:
    """A share or a mean of one group.

    Attributes:
        of: of how many answers, or of how many records for the share that was asked.
        value: None without any.
        interval: None where there are too few.
    """

    of: int
    value: float | None
    interval: Interval | None


@dataclass
class _FeatureCounts:
    """The answers of one feature in one group."""

    feature: Feature
    answers: int = 0
    labels: Counter[Any] = field(default_factory=Counter)
    mean: RunningMean = field(default_factory=RunningMean)

    def add(self, value: Any) -> None:
        """Take one answer."""
        if value is None:
            return
        self.answers += 1
        if isinstance(self.feature, Score):
            self.mean.add(value)
        if isinstance(self.feature, Extraction):
            self.labels["items"] += len(value)
        elif isinstance(self.feature, Multilabel):
            self.labels.update(set(value))
        elif isinstance(self.feature, Binary | Classification) or is_yes_or_no(self.feature):
            self.labels[value] += 1

    def share(self, label: Any) -> GroupFigure:
        """The share of the answers that are, or that have, a label."""
        return _share(self.labels[label], self.answers)

    def mean_figure(self, feature: Score) -> GroupFigure:
        """The mean of the scores; of those that are 0 or 1 it is a share."""
        if is_yes_or_no(feature):
            return self.share(1)
        mean = self.mean.mean if self.answers else None
        return GroupFigure(self.answers, mean, self.mean.interval(feature.min, feature.max))


@dataclass
class _StageCounts:
    """What the records of one group came to in one stage."""

    features: list[_FeatureCounts]
    records: int = 0
    ok: int = 0
    skipped: int = 0
    filtered: int = 0
    last_id: str | None = None

    def add(self, result: StageResult) -> None:
        """Take the result of a row; that of a record which several rows have is taken once.

        Rows of one record follow each other, so it is enough to remember the last.
        """
        if result.id == self.last_id:
            return
        self.last_id = result.id
        self.records += 1
        self.ok += result.state == "ok"
        self.skipped += result.state == "skipped"
        self.filtered += result.is_filtered
        for counts in self.features:
            counts.add(result.answers.get(counts.feature.name))

    @property
    def asked(self) -> int:
        """Records that were not left out."""
        return self.records - self.skipped

    def asked_share(self) -> GroupFigure:
        """The share that filters let through, of the records that they decided on."""
        return _share(self.asked, self.asked + self.filtered)


def is_yes_or_no(feature: Feature) -> bool:
    """Whether a score is 0 or 1 and nothing else."""
    return isinstance(feature, Score) and feature.integer and (feature.min, feature.max) == (0, 1)


def _share(count: int, of: int) -> GroupFigure:
    return GroupFigure(of, count / of if of else None, wilson_interval(count, of))


class RowGroup:
    """The rows of one group.

    Args:
        features: stage -> its features that have figures, for the stages of the chain.
        filtered: stages whose records a filter has a say in.
        shared: columns whose value the group has where all its rows share it.
    """

    def __init__(
        self,
        features: Mapping[str, Sequence[Feature]],
        filtered: frozenset[str],
        shared: Sequence[TableColumn] = (),
    ):
        self._filtered, self._shared = filtered, shared
        self._values: dict[str, list[Any]] = {column.name: [] for column in shared}
        self.rows = self.items = 0
        self._files: set[tuple[str, str]] = set()
        self._cost: float | None = 0.0
        self._stages = {
            stage: _StageCounts([_FeatureCounts(feature) for feature in of_stage])
            for stage, of_stage in features.items()
        }

    def add(self, row: ChainRow) -> None:
        """Take one row."""
        self.rows += 1
        self.items += "item" in row.record
        self._files.add((row.record["source"], row.record["file"]))
        cost = row.cost_usd
        self._cost = None if self._cost is None or cost is None else self._cost + cost
        for stage, result in row.results.items():
            self._stages[stage].add(result)
        for column in self._shared:
            values, value = self._values[column.name], column.get(row)
            # Two that differ are enough to know.
            if len(values) < 2 and value is not None and value not in values:
                values.append(value)

    def cells(self, with_items: bool) -> dict[str, Any]:
        """TableColumn -> value, the same columns for all groups of a table."""
        cells: dict[str, Any] = {
            name: values[0] if len(values) == 1 else None for name, values in self._values.items()
        }
        cells["rows"] = self.rows
        if with_items:
            cells["items"] = self.items
        cells["files"] = len(self._files)
        for name, counts in self._counts():
            cells[name] = counts
        cells["cost_usd"] = self._cost
        return cells

    def _counts(self) -> Iterator[tuple[str, Any]]:
        for stage, counts in self._stages.items():
            yield f"{stage}.records", counts.records
            yield f"{stage}.ok", counts.ok
            yield f"{stage}.skipped", counts.skipped
            yield f"{stage}.failed", counts.records - counts.ok - counts.skipped
            if stage in self._filtered:
                yield f"{stage}.filtered", counts.filtered
                yield from _figure_cells(f"{stage}.asked_share", counts.asked_share())
            for of_feature in counts.features:
                yield from _feature_cells(f"{stage}.{of_feature.feature.name}", of_feature)

    def figures(self) -> Iterator[tuple[str, GroupFigure, float, float]]:
        """(column, figure, low and high end of its scale) of all that a plot shows."""
        for stage, counts in self._stages.items():
            if stage in self._filtered:
                yield f"{stage}.asked_share", counts.asked_share(), 0.0, 1.0
            for of_feature in counts.features:
                name, feature = f"{stage}.{of_feature.feature.name}", of_feature.feature
                if isinstance(feature, Score):
                    yield f"{name}.mean", of_feature.mean_figure(feature), feature.min, feature.max
                elif isinstance(feature, Binary):
                    yield f"{name}.share", of_feature.share(True), 0.0, 1.0


def _feature_cells(name: str, counts: _FeatureCounts) -> Iterator[tuple[str, Any]]:
    feature = counts.feature
    if isinstance(feature, Score):
        yield f"{name}.answers", counts.answers
        yield from _figure_cells(f"{name}.mean", counts.mean_figure(feature))
    elif isinstance(feature, Binary):
        yield f"{name}.answers", counts.answers
        yield f"{name}.true", counts.labels[True]
        yield from _figure_cells(f"{name}.share", counts.share(True))
    elif isinstance(feature, Classification | Multilabel):
        yield f"{name}.answers", counts.answers
        for label in feature.label_list:
            yield f"{name}.{label}", counts.labels[label]
            yield from _figure_cells(f"{name}.{label}.share", counts.share(label))
    elif isinstance(feature, Extraction):
        yield f"{name}.items", counts.labels["items"]


def _figure_cells(name: str, figure: GroupFigure) -> Iterator[tuple[str, Any]]:
    yield name, figure.value
    yield f"{name}_low", None if figure.interval is None else figure.interval.low
    yield f"{name}_high", None if figure.interval is None else figure.interval.high
