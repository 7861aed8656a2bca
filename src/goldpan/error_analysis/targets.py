"""What a wave can be drawn from: the records of each list of an error analysis, of each feature and model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from goldpan.error_analysis.parts import AnalysisPart
from goldpan.error_analysis.report import ErrorReport
from goldpan.study.wave import ErrorList
from goldpan.waves.sampling.targeted import TargetList

_BY_ID: tuple[ErrorList, ...] = ("confusion", "clusters", "unstable")


def target_lists(report: ErrorReport) -> list[dict[str, Any]]:
    """The lists of a report as its JSON has them for waves, see `waves.sampling.targeted.read_targets`.

    Of slices it is what their records have in common, by which also records that nobody labelled are listed;
    of the others the ids of records. Suspects are about the gold: they are of no model.
    """
    targets = []
    for feature in report.features:
        for model in feature.models:
            conditions = dict.fromkeys(known.condition for known in model.slices.significant)
            targets.append(TargetList("slices", feature.feature, (), tuple(conditions), model.model))
            targets += [
                TargetList(name, feature.feature, _ids(name, model.parts), model=model.model)
                for name in _BY_ID
            ]
        targets.append(TargetList("suspects", feature.feature, _ids("suspects", [feature.suspects])))
    return [target.as_json() for target in targets]


def _ids(name: ErrorList, parts: Iterable[AnalysisPart]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.id for part in parts for row in part.listed() if row.list == name))
