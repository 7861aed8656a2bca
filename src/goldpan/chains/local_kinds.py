"""The kinds of stages that ask nobody, and what works on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from goldpan.chains.filter.keywords import filtered
from goldpan.chains.gather import check_gathered, gathered
from goldpan.chains.predictions import Predictions, Unknown
from goldpan.records.model import Record
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage, GatherStage


def _nothing_else(project: Project, settings: Any) -> list[str]:
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
            must be there; takes project and settings.
        check: raises what is wrong that can be told before anything runs; takes as `predict`, no records.
    """

    predict: Callable[[Project, str, Any, Iterator[Record]], Iterator[Predictions | Unknown]]
    inputs: Callable[[Project, Any], list[str]] = _nothing_else
    check: Callable[[Project, str, Any], object] = _nothing_wrong


LOCAL_KINDS: dict[type, LocalKind] = {
    FilterStage: LocalKind(filtered),
    GatherStage: LocalKind(gathered, check=check_gathered),
}
"""Settings of a local stage -> what works on it."""


def local_inputs(project: Project, stage: str) -> list[str]:
    """Files besides its records that the features of a local stage are made from."""
    settings = project.study.local_stages[stage]
    return LOCAL_KINDS[type(settings)].inputs(project, settings)
