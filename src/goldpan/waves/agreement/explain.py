"""What a reader of the numbers must know: why two coefficients differ, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goldpan.statistics.bands import band
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.waves.agreement.explain_differences import notes_on_differences
from goldpan.waves.agreement.formatting import coefficient_title, four_decimals
from goldpan.waves.agreement.ratings import CodedRatings
from goldpan.waves.agreement.report import MOST_ANNOTATORS_IN_FULL, ConfusionMatrix, FeatureAgreement

_HIGH_CHANCE = 2 / 3
_HIGH_AGREEMENT = 0.8
_WIDE = 0.3
_MOST_NAMED = 10


def annotated(result: FeatureAgreement, coded: CodedRatings) -> FeatureAgreement:
    """The result with its notes."""
    notes = [
        *_coverage(result),
        *_abstentions(result, coded),
        *_unused_labels(result),
        *_weighting(result),
        *(_one_label_only(result) or _prevalence(result)),
        *notes_on_differences(result),
        *_width(result),
    ]
    return replace(result, notes=tuple(notes))


def _coverage(result: FeatureAgreement) -> list[str]:
    if not result.annotators:
        return ["Nobody answered."]
    if len(result.annotators) == 1:
        return ["Agreement needs two annotators; there is only one."]
    notes = []
    if 0 < result.paired_items < FEWEST_UNITS:
        have = "item has" if result.paired_items == 1 else "items have"
        notes.append(
            f"Only {result.paired_items} {have} two answers to compare: with fewer than {FEWEST_UNITS} the "
            "coefficients have no intervals, and say next to nothing."
        )
    if result.pairs_in_brief:
        notes.append(
            f"With more than {MOST_ANNOTATORS_IN_FULL} annotators each pair has kappa and its standard "
            "error, without an interval; run the command on two or a few of them for more."
        )
    alone = result.items - result.paired_items
    return (
        notes
        if not alone
        else [
            *notes,
            f"{alone:,} of {result.items:,} items have fewer than two answers to compare; "
            "they say nothing about agreement.",
        ]
    )


def _abstentions(result: FeatureAgreement, coded: CodedRatings) -> list[str]:
    total = int(coded.abstained.sum())
    if not total:
        return []
    if result.kind == "nominal":
        return [f"{total:,} answers are abstentions; they count as a label of their own."]
    return [f"{total:,} answers are abstentions; they can be compared with no other answer and are left out."]


def _unused_labels(result: FeatureAgreement) -> list[str]:
    """Which labels nobody gave, and what AC1 and PABAK would be if they could not have been given."""
    unused = [label.label for label in result.labels if not any(label.counts)]
    if not unused or not any(any(label.counts) for label in result.labels):
        return []
    size, used = len(result.labels), len(result.labels) - len(unused)
    named = ", ".join(f"`{label}`" for label in unused[:_MOST_NAMED])
    more = f" and {len(unused) - _MOST_NAMED} more" if len(unused) > _MOST_NAMED else ""
    were = "was" if len(unused) == 1 else "were"
    note = f"{len(unused)} of {size} labels {were} given by nobody: {named}{more}."
    ac1 = result.coefficient("gwet_ac1")
    uniform = result.coefficient("pabak") or result.coefficient("randolph_kappa")
    if used < 2 or not ac1 or not uniform or ac1.observed is None or ac1.expected is None:
        return [note]
    # Chance agreement of AC1 is a sum over labels given, divided by the labels that could be given less one.
    chance = ac1.expected * (size - 1) / (used - 1)
    narrow_ac1 = (ac1.observed - chance) / (1 - chance)
    narrow_uniform = (ac1.observed - 1 / used) / (1 - 1 / used)
    return [
        f"{note} {coefficient_title(ac1)} ({ac1.value:.4f}) and {coefficient_title(uniform)} "
        f"({uniform.value:.4f}) rise with every label that could be given: without these they would be "
        f"{narrow_ac1:.4f} and {narrow_uniform:.4f}. Compare them only between features with as many labels."
    ]


def _weighting(result: FeatureAgreement) -> list[str]:
    """Why unweighted and quadratic kappa differ, in this data's own numbers."""
    plain, quadratic = (result.coefficient(f"cohen_kappa{weighting}") for weighting in ("", "_quadratic"))
    matrix = result.pairs[0].confusion if result.pairs else None
    if plain is None or quadratic is None or matrix is None or plain.value is None or quadratic.value is None:
        return []
    near, apart = _next_to_each_other(matrix)
    if not apart:
        return []
    return [
        f"The labels are ordered. Unweighted kappa ({plain.value:.4f}) counts every disagreement alike. "
        f"Quadratic kappa ({quadratic.value:.4f}) counts it by the square of its distance on the scale, "
        "of numbers by their values: half the largest distance costs a quarter of the largest disagreement.",
        f"Of the {apart:,} disagreements {near:,} ({near / apart:.0%}) are between labels next to each other."
        " Quadratic kappa says how well the order of the items is reproduced, unweighted kappa how well the"
        " exact label is.",
    ]


def _next_to_each_other(matrix: ConfusionMatrix) -> tuple[int, int]:
    places = np.arange(len(matrix.labels))
    steps = np.abs(places[:, None] - places[None, :])
    return int(matrix.counts[steps == 1].sum()), int(matrix.counts[steps > 0].sum())


def _one_label_only(result: FeatureAgreement) -> list[str]:
    """Who gives one label only, so that their kappas are 0 whatever the others answer."""
    given = np.array([label.counts for label in result.labels])
    if result.kind not in ("nominal", "ordered") or (given.any(1) if given.size else given).sum() < 2:
        return []
    constant = np.flatnonzero((given > 0).sum(0) == 1)[:_MOST_NAMED]
    if not len(constant):
        return []
    names = ", ".join(
        f"{result.annotators[index].name} gave `{result.labels[int(given[:, index].argmax())].label}` only"
        for index in constant
    )
    if len(result.annotators) > 2:
        return [
            f"{names}. Cohen's kappa of a pair with such an annotator is 0 or undefined by construction, "
            "however often the two agree, and pulls at means over pairs; read the observed agreement."
        ]
    if len(constant) == 2:
        return [f"{names}, so the two never agree, and kappa is 0 by construction."]
    return [
        f"{names}. Against one label only kappa is 0 by construction, however often the two agree "
        f"({four_decimals(result.observed.value)} observed), and says nothing about these annotators. Read "
        "the observed agreement and the agreement by label."
    ]


def _prevalence(result: FeatureAgreement) -> list[str]:
    """Why a coefficient may be low though people agree, for any number of annotators and labels."""
    corrected = result.coefficient("cohen_kappa") or result.coefficient("fleiss_kappa")
    observed = result.observed.value
    if corrected is None or corrected.value is None or corrected.expected is None or observed is None:
        return []
    by_chance = corrected.expected >= _HIGH_CHANCE
    if not by_chance or observed < _HIGH_AGREEMENT or corrected.value > observed / 2:
        return []
    label_counts = [sum(label.counts) for label in result.labels]
    common = result.labels[int(np.argmax(label_counts))]
    index = "" if common.prevalence_index is None else f", prevalence index {common.prevalence_index:.2f}"
    rare = [label for label in result.labels if label is not common and any(label.counts)][:_MOST_NAMED]
    agreement = ", ".join(f"`{label.label}` {_two_decimals(label.specific.value)}" for label in rare)
    return [
        f"Observed agreement is high ({observed:.4f}) and {coefficient_title(corrected)} low "
        f"({corrected.value:.4f}) because {sum(common.counts) / sum(label_counts):.0%} of the answers are "
        f"`{common.label}`{index}, so that agreement by chance is high as well ({corrected.expected:.4f}). "
        f"Read the agreement by label: {agreement}. More items with rare labels (`stratify`) would tell more."
    ]


def _two_decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _width(result: FeatureAgreement) -> list[str]:
    headline = result.coefficient(result.headline) if result.headline else None
    if headline is None or headline.interval is None:
        return []
    low, high = headline.interval.low, headline.interval.high
    if high - low < _WIDE:
        return []
    bands = [band(headline.name, bound) for bound in (low, high)]
    unsettled = f": its band may be {bands[0]} or {bands[1]}" if bands[0] != bands[1] else ""
    return [
        f"With {result.paired_items:,} items {coefficient_title(headline)} may be anything from {low:.2f} to"
        f" {high:.2f}{unsettled}. More items narrow it; `goldpan waves plan` says how many."
    ]
