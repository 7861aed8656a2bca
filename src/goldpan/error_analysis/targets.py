"""What a wave can be drawn from: the records of each list of an error analysis, feature by feature."""

from __future__ import annotations

from typing import Any

from goldpan.error_analysis.report import ErrorReport
from goldpan.study.wave import ErrorList
from goldpan.waves.sampling.targeted import TargetList


def target_lists(report: ErrorReport) -> list[dict[str, Any]]:
    """The lists of a report as its JSON has them for waves, see `waves.sampling.targeted.read_targets`.

    Of slices it is what their records have in common, by which also records that nobody labelled are listed;
    of the others the ids of records.
    """
    targets = []
    for feature in report.features:
        conditions = {known.condition: None for model in feature.models for known in model.slices.significant}
        ids: dict[ErrorList, dict[str, None]] = {
            "confusion": {},
            "clusters": {},
            "suspects": {},
            "unstable": {},
        }
        parts = [part for model in feature.models for part in model.parts]
        for part in (*parts, feature.suspects):
            for row in part.listed():
                if row.list != "slices":
                    ids[row.list][row.id] = None
        targets.append(TargetList("slices", feature.feature, slices=tuple(conditions)))
        targets += [TargetList(name, feature.feature, tuple(listed)) for name, listed in ids.items()]
    return [target.as_json() for target in targets]
