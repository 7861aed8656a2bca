"""What a run is at a tracker, and the protocol behind which the kinds of trackers stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from goldpan.experiments.run import Run
from goldpan.providers.keys import Keys
from goldpan.providers.patience import Patience
from goldpan.study.tracker import Tracker

RUN, CONTENT = "goldpan_run", "goldpan_content"
"""Metadata that says which run a thing is, and, once all of it is there, with which content."""
GOLD, FEATURES, MODULE = "goldpan_gold", "goldpan_features", "goldpan_module"
"""Metadata by which rows become a golden set or the table of a run again."""


@dataclass(frozen=True)
class TrackedRow:
    """A row of a run.

    Attributes:
        id: of the record.
        state, reason: what it came to.
        input: its fields, nested; texts and lists.
        output, expected: feature -> answer and right answer.
        reasoning: feature -> why the model says so.
        scores: feature -> 1 for right, 0 for wrong, of those that were evaluated.
        metadata: further fields, and what earlier stages answered.
    """

    id: str
    state: str
    reason: str
    input: Any
    output: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    reasoning: dict[str, str] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackedRun:
    """A run as it is uploaded.

    Attributes:
        run: as the history has it.
        content: `content_sha256` of its file.
        name: of the experiment there.
        data_name: of the data set there, the same for all runs on the same rows.
        rows: of the run.
        golden: its rows as a golden set has them: `id`, `input`, `expected`, `metadata`.
        files: name -> content of the run's files.
    """

    run: Run
    content: str
    name: str
    data_name: str
    rows: list[TrackedRow]
    golden: list[dict[str, Any]]
    files: dict[str, bytes]

    def metadata(self) -> dict[str, Any]:
        """What the experiment says of itself; its content is said last, when all rows are there."""
        run = self.run
        return {
            RUN: run.id,
            MODULE: run.module,
            "module_name": run.name,
            "study": run.study,
            "model": run.model,
            "params": run.params,
            "provider": run.service,
            "prompt_version": run.prompt_version,
            "prompt_hash": run.prompt_hash,
            "data_hash": run.data_hash,
            "limit": run.limit,
            "samples": run.samples,
            "records": run.records,
            "states": run.states,
            "cost_usd": run.cost_usd,
            "recorded_at": run.recorded_at,
            "git": run.git,
            "goldpan_version": run.goldpan_version,
            "baseline": run.baseline,
            "metrics": {metrics.feature: metrics.figures for metrics in run.metrics},
            GOLD: gold_fields(run),
            FEATURES: [feature for prompt in run.prompts for feature in prompt.features],
        }


@dataclass(frozen=True)
class Remote:
    """An experiment or a data set at a tracker.

    Attributes:
        id, name: there.
        what: which of the two.
        metadata: what it says of itself.
        url: where people look at it, as far as the listing says.
    """

    id: str
    name: str
    what: Literal["experiment", "data set"]
    metadata: dict[str, Any]
    url: str | None = None

    @property
    def run(self) -> str | None:
        """The id of the run that it says it is, also where another tool has uploaded it."""
        said = self.metadata.get(RUN) or self.metadata.get("local_id")
        return said if isinstance(said, str) else None

    @property
    def is_by_goldpan(self) -> bool:
        """Whether goldpan has made it, and so says when all of it is there."""
        return RUN in self.metadata


@dataclass(frozen=True)
class Contents:
    """What a tracker holds of an experiment or a data set.

    Attributes:
        events: its rows, as `event_of_row` and `event_of_golden` make them, or as another tool has put them.
        metadata: what it says of itself.
        left_out: why -> how many events are no rows that could be kept.
    """

    events: list[dict[str, Any]]
    metadata: dict[str, Any]
    left_out: dict[str, int] = field(default_factory=dict)


class TrackingService(ABC):
    """A tracker that can be called. Calls raise ProviderError once they have failed for too long.

    Attributes:
        kind: as the study says it.
        credentials: the environment variables that hold keys to it.
        service: which one it is: address and project, without credentials.
    """

    kind: ClassVar[str]
    credentials: ClassVar[tuple[str, ...]]
    service: str

    @abstractmethod
    def __init__(self, settings: Tracker, keys: Keys, patience: Patience):
        """Nobody is asked yet. Raises ProviderError where a key or an address is missing or cannot be one."""

    @classmethod
    @abstractmethod
    def needed_variables(cls, settings: Tracker) -> list[str]:
        """The environment variables without which these settings cannot be called."""

    @classmethod
    @abstractmethod
    def service_of(cls, settings: Tracker, keys: Keys) -> str:
        """`service` of these settings, without a key. Raises ProviderError where no address is known."""

    @abstractmethod
    def experiments(self) -> Iterator[Remote]:
        """All that the project holds."""

    @abstractmethod
    def data_sets(self) -> Iterator[Remote]:
        """All that the project holds; empty where the kind has no rows in data sets."""

    @abstractmethod
    def create(self, tracked: TrackedRun, name: str) -> Remote:
        """An experiment of this name, without rows; that which is there where an answer was lost."""

    @abstractmethod
    def put(self, remote: Remote, tracked: TrackedRun) -> None:
        """Put the rows and figures there. What is there of an earlier try or content is replaced."""

    @abstractmethod
    def complete(self, remote: Remote, tracked: TrackedRun) -> None:
        """Say that all of it is there."""

    @abstractmethod
    def url(self, remote: Remote) -> str | None:
        """Where people look at it."""

    @abstractmethod
    def contents(self, remote: Remote) -> Contents:
        """What an experiment or data set holds."""


def gold_fields(run: Run) -> dict[str, str]:
    """feature -> field of a record in which its right answer stands."""
    return {feature: place for part in run.what.get("gold", []) for feature, place in part["fields"].items()}
