"""Agreement on all features of a collected wave."""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.records.limit import trial_text
from goldpan.statistics.scales import scale_of
from goldpan.waves.agreement.item_groups import ItemGroups
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.collected import CollectedWave, WaveStatus

_MOST_NAMED = 20
ORDERS = {
    "uncertain": "Items came in the order of the LLM's confidence, the least sure first among those it"
    " answered alike. Whoever stopped early has answered the harder ones.",
    "choice": "Annotators could have the items first of which the LLM was least sure, among those it answered"
    " alike. Whoever did and stopped early has answered the harder ones.",
}
"""What is to be said of a wave's order."""


def measure_wave(
    collected: CollectedWave,
    codebook: Codebook,
    annotators: Sequence[str],
    groups: ItemGroups | None = None,
) -> AgreementReport:
    """Agreement between the people of a wave; the LLM is not one of them.

    Args:
        collected: the answers.
        codebook: what was asked.
        annotators: all of the wave, in its order.
        groups: of its items, by `gold.group`.

    Raises:
        SheetError: an answer does not fit its feature.
    """
    ratings, repeats = collected.ratings, collected.repeats
    features = [
        FeatureRatings(
            feature=feature.name,
            scale=scale_of(feature),
            ratings=ratings.get(feature.name, {}),
            annotators=tuple(annotators),
            repeats=repeats.get(feature.name, {}),
            groups=groups,
        )
        for feature in codebook.features
    ]
    return AgreementReport(
        title=f"Agreement in wave {collected.status.wave} of {collected.status.study}",
        features=tuple(measure(feature) for feature in features),
        blind=collected.status.blind,
        notes=tuple(wave_notes(collected.status)),
        inputs=tuple(collected.status.sheets),
    )


def wave_notes(status: WaveStatus) -> list[str]:
    """What a reader must know about how the wave was made: who is not done, whether sheets were shared."""
    notes = [] if status.targeted is None else [status.targeted.note]
    if status.layout == "side_by_side":
        notes.append("Annotators worked side by side in one sheet and could see each other's answers.")
    if status.order in ORDERS:
        notes.append(ORDERS[status.order])
    if status.trial:
        notes.append(
            f"The items were drawn from {trial_text(status.trial)}; what is measured on them says nothing"
            " about the other rows."
        )
    for name, annotator in status.annotators.items():
        if not annotator.is_complete:
            left = annotator.assigned - annotator.answered
            notes.append(f"Partial: {name} has not fully answered {left:,} of {annotator.assigned:,} items.")
    for name, count in status.set_aside.items():
        notes.append(f"Set aside: {count:,} answered rows by {name} belong to an earlier draw of the wave.")
    for name, count in status.superseded.items():
        notes.append(
            f"Superseded: {count:,} answers by {name} are about what a record said before it was edited;"
            " the later ones about the new text count."
        )
    if status.shown_otherwise:
        rows = len(status.shown_otherwise)
        notes.append(
            f"Shown otherwise: {rows:,} rows of filled sheets show another text than was given out under"
            " their ids; their answers count for the ids. `goldpan waves status` names the rows."
        )
    if status.edited:
        notes.append(
            f"Edited: {len(status.edited):,} answered records said something else in an earlier draw of the"
            f" wave, and answers from then are about that: {', '.join(status.edited[:_MOST_NAMED])}"
            f"{', ...' if len(status.edited) > _MOST_NAMED else ''}."
        )
    return notes
