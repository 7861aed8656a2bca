"""The kinds of stages that ask nobody, and what works on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from goldpan.chains.filter.kind import check_filter, filter_inputs, filtered
from goldpan.chains.gather import check_gathered, gathered
from goldpan.chains.mentions.cluster_stage import check_clusters, clustered, known_table
from goldpan.chains.mentions.locate_stage import check_locate, located
from goldpan.chains.predictions import Predictions, Unknown
from goldpan.records.model import Record
from goldpan.study.load import Project
from goldpan.study.local_stage import ClustersStage, FilterStage, GatherStage, LocateStage


def _nothing_else(project: Project, stage: str, settings: Any) -> list[str]:
    return []


def _nothing_wrong(project: Project, stage: str, settings: Any) -> None:
    pass


@dataclass(frozen=True)
class LocalKind:
    """How a kind of local stage is worked on.

    Attributes:
        predict: what is said of each usable record, in their order; takes the project, name and settings of
            the stage, and records.
        inputs: files besides records that its features are made from, relative to the project root, which
            must be there; takes project, name and settings.
        check: raises what is wrong that can be told before anything runs; takes as `predict`, no records.
        version: of what it does; with another one the features that an earlier goldpan made are stale.
    """

    predict: Callable[[Project, str, Any, Iterator[Record]], Iterator[Predictions | Unknown]]
    inputs: Callable[[Project, str, Any], list[str]] = _nothing_else
    check: Callable[[Project, str, Any], object] = _nothing_wrong
    version: int = 1


LOCAL_KINDS: dict[type, LocalKind] = {
    FilterStage: LocalKind(filtered, filter_inputs, check_filter),
    LocateStage: LocalKind(located, check=check_locate),
    ClustersStage: LocalKind(clustered, known_table, check_clusters),
    GatherStage: LocalKind(gathered, check=check_gathered),
}
"""Settings of a local stage -> what works on it."""


def local_inputs(project: Project, stage: str) -> list[str]:
    """Files besides its records that the features of a local stage are made from."""
    settings = project.study.local_stages[stage]
    return LOCAL_KINDS[type(settings)].inputs(project, stage, settings)


def local_version(project: Project, stage: str) -> int:
    """The version of what works on a local stage."""
    return LOCAL_KINDS[type(project.study.local_stages[stage])].version
