"""How far a wave is: who has answered how much, and what is still to be decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from goldpan.waves.collect.collected import AnnotatorStatus
from goldpan.waves.collect.filled import ShownOtherwise, UnreadColumn
from goldpan.waves.merging.merged import Merged, resolution_counts
from goldpan.waves.merging.wave import to_decide
from goldpan.waves.steps.changes import known_changes
from goldpan.waves.steps.run import WaveRun


@dataclass(frozen=True)
class FeatureProgress:
    """How far one feature is.

    Attributes:
        feature: its name.
        compared: items with two answers or more.
        disagreed: of these, items on which the answers differ.
        resolutions: how items came to their label, or why they have none yet, and how many.
        to_decide: ids of the items that a person has to decide.
    """

    feature: str
    compared: int
    disagreed: int
    resolutions: dict[str, int]
    to_decide: list[str]


@dataclass(frozen=True)
class WaveProgress:
    """How far a wave is.

    Attributes:
        wave: its name.
        state: `not drawn` while there is no sample, `partial` until everybody has answered everything, then
            `complete`.
        items: size of the sample.
        annotators: how far each is.
        features: how far each feature is.
        changes: what has changed in the study and its tasks since the wave was given out, and in the corpus
            as the last run saw it.
        set_aside: annotator -> answered rows that belong to an earlier draw.
        superseded: annotator -> answers that others about a newer text of the record have replaced.
        shown_otherwise: rows of tables that show another text than was given out under their id.
        not_read: filled columns of tables that the sheets were not given out with.
    """

    wave: str
    state: Literal["not drawn", "partial", "complete"]
    items: int = 0
    annotators: dict[str, AnnotatorStatus] = field(default_factory=dict)
    features: tuple[FeatureProgress, ...] = ()
    changes: list[str] = field(default_factory=list)
    set_aside: dict[str, int] = field(default_factory=dict)
    superseded: dict[str, int] = field(default_factory=dict)
    shown_otherwise: list[ShownOtherwise] = field(default_factory=list)
    not_read: list[UnreadColumn] = field(default_factory=list)

    @property
    def is_decided(self) -> bool:
        """Whether no disagreement waits for a person."""
        return not any(feature.to_decide for feature in self.features)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


def progress_of(run: WaveRun) -> WaveProgress:
    """How far a wave is, by the filled sheets as they lie in its folder now; nothing is written.

    Raises:
        SheetError: a filled sheet cannot be used.
    """
    if run.drawn is None:
        return WaveProgress(run.name, "not drawn")
    collected = run.read_sheets()
    rows = run.merged(collected)
    return WaveProgress(
        wave=run.name,
        state=collected.status.state,
        items=len(run.items),
        annotators=collected.status.annotators,
        features=tuple(
            _feature_progress(feature.name, [row for row in rows if row.feature == feature.name])
            for feature in run.codebook.features
        ),
        changes=known_changes(run).notes_with_remedy(),
        set_aside=collected.status.set_aside,
        superseded=collected.status.superseded,
        shown_otherwise=collected.status.shown_otherwise,
        not_read=collected.status.not_read,
    )


def _feature_progress(name: str, rows: Iterable[Merged]) -> FeatureProgress:
    rows = list(rows)
    return FeatureProgress(
        feature=name,
        compared=sum(row.annotator_agreement is not None for row in rows),
        disagreed=sum(row.annotator_agreement is False for row in rows),
        resolutions=resolution_counts(rows),
        to_decide=[row.item_id for row in to_decide(rows)],
    )
