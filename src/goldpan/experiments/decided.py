"""What people decided, whoever asked them, as a golden set takes it over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from goldpan.study.load import Project
from goldpan.tasks.features import Feature
from goldpan.waves.gold.gold_set import GoldItem


class DecidedLabels(Protocol):
    """Labels of people, from a wave or from elsewhere."""

    @property
    def project(self) -> Project:
        """The study in which they were decided."""

    @property
    def title(self) -> str:
        """What they are called in messages, such as "wave `first`"."""

    @property
    def stage(self) -> str | None:
        """The stage or module whose rows people saw."""

    @property
    def features(self) -> list[str]:
        """What people were asked for."""

    @property
    def items(self) -> Sequence[GoldItem]:
        """Rows with at least one label, by the record's id."""

    @property
    def open(self) -> Sequence[str]:
        """Ids of rows without any."""

    @property
    def hash(self) -> str:
        """The same for the same labels."""

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the labels are from, for the row that takes one over."""

    def asked_otherwise(self, name: str, feature: Feature) -> bool:
        """Whether a feature was another question than `feature` is."""

    def undecided(self, item: GoldItem, feature: str) -> str | None:
        """Why a feature of a row is not decided; None where it is."""
