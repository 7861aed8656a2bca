"""Measure agreement on a feature: which coefficients suit its values, and what to say about them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.kappa import MOST_LABELS, cohen_kappa, contingency_table
from goldpan.statistics.scales import Scale, is_number, positions
from goldpan.statistics.weights import QUADRATIC, UNWEIGHTED
from goldpan.waves.agreement import explain
from goldpan.waves.agreement.by_label import agreement_on_label
from goldpan.waves.agreement.closed_labels import (
    LabelSet,
    many_annotators,
    two_annotators,
    without_table,
)
from goldpan.waves.agreement.item_groups import ItemGroups
from goldpan.waves.agreement.open_values import observed_agreement, presence, ranking_alpha, set_alphas
from goldpan.waves.agreement.ratings import CodedRatings, Ratings, code_ratings
from goldpan.waves.agreement.report import (
    MOST_ANNOTATORS_IN_FULL,
    AnnotatorBias,
    AnnotatorCount,
    ConfusionMatrix,
    FeatureAgreement,
    KappaMatrix,
    LabelAgreement,
    PairAgreement,
)
from goldpan.waves.agreement.systematic import (
    Presence,
    Values,
    annotator_biases,
    given_or_not,
    kappa_matrix,
    pair_bias,
    places_of,
)

_IN_BRIEF = f"no interval for pairs of more than {MOST_ANNOTATORS_IN_FULL} annotators"


@dataclass(frozen=True)
class FeatureRatings:
    """What is known about one feature of a wave.

    Attributes:
        feature: its name.
        scale: what kind of values it has.
        ratings: item id -> annotator -> value.
        annotators: whom to compare, in order; None for all that occur, sorted.
        repeats: answers to second showings, for self-agreement; item id -> annotator -> value.
        groups: of the items, if there are any.
    """

    feature: str
    scale: Scale
    ratings: Ratings
    annotators: tuple[str, ...] | None = None
    repeats: Ratings = field(default_factory=dict)
    groups: ItemGroups | None = None


def measure(feature_ratings: FeatureRatings) -> FeatureAgreement:
    """Measure agreement on one feature.

    Undefined coefficients are kept, with None as value and the reason; none is left out silently.

    Raises:
        SheetError: a value does not fit the feature's scale.
    """
    groups = feature_ratings.groups.drawn_together if feature_ratings.groups else None
    coded = code_ratings(feature_ratings.ratings, feature_ratings.scale, feature_ratings.annotators, groups)
    coefficients = _coefficients(coded.codes, coded, feature_ratings.scale)
    result = FeatureAgreement(
        feature=feature_ratings.feature,
        kind=feature_ratings.scale.kind,
        items=int(sum(bool(answers) for answers in feature_ratings.ratings.values())),
        paired_items=coded.paired_items,
        annotators=tuple(
            AnnotatorCount(name, int(answered), int(abstained))
            for name, answered, abstained in zip(
                coded.annotators, coded.answered, coded.abstained, strict=True
            )
        ),
        observed=observed_agreement(coded.codes, len(coded.categories), coded.groups),
        headline=_headline(feature_ratings.scale, len(coded.annotators), coefficients),
        coefficients=tuple(coefficients),
        labels=_by_label(coded, feature_ratings.scale),
        pairs=_pairs(coded, feature_ratings.scale, coefficients),
        repeats=_repeats(feature_ratings),
        biases=_biases(coded, feature_ratings.scale),
        matrix=_matrix(coded, feature_ratings.scale),
        groups=None if coded.groups is None else len(np.unique(coded.groups)),
    )
    result = explain.annotated(result, coded)
    notes = feature_ratings.groups.notes if feature_ratings.groups else ()
    return replace(result, notes=(*notes, *result.notes))


def _coefficients(codes: np.ndarray, coded: CodedRatings, scale: Scale) -> list[Coefficient]:
    if codes.shape[1] < 2:
        return []
    match scale.kind:
        case "sets":
            return set_alphas(codes, coded.categories, coded.groups)  # type: ignore[arg-type]
        case "ranking":
            return ranking_alpha(codes, coded.categories, coded.groups)  # type: ignore[arg-type]
        case "text":
            return []
    size = len(coded.categories)
    labels = _label_set(coded, scale)
    if size > MOST_LABELS:
        reason = (
            f"{size} distinct values; above {MOST_LABELS} no coefficient from a table of them is computed"
        )
        name = "cohen_kappa" if codes.shape[1] == 2 else "fleiss_kappa"
        return [Coefficient(name, None, reason=reason), *without_table(codes, labels, coded.groups)]
    if codes.shape[1] == 2:
        both = (codes >= 0).all(1)
        return two_annotators(codes[both], labels, None if coded.groups is None else coded.groups[both])
    return many_annotators(codes, labels, coded.groups)


def _label_set(coded: CodedRatings, scale: Scale) -> LabelSet:
    if scale.kind != "ordered":
        return LabelSet(len(coded.categories))
    are_numbers = all(map(is_number, coded.categories))
    return LabelSet(len(coded.categories), positions(coded.categories), are_numbers)


def _headline(scale: Scale, annotators: int, coefficients: Sequence[Coefficient]) -> str | None:
    wanted = {
        ("nominal", True): "cohen_kappa",
        ("ordered", True): "cohen_kappa_quadratic",
        ("nominal", False): "krippendorff_alpha_nominal",
        ("ordered", False): "krippendorff_alpha_ordinal",
    }.get((scale.kind, annotators == 2))
    names = [coefficient.name for coefficient in coefficients]
    if wanted in names:
        return wanted
    return names[0] if names else None


def _labels(coded: CodedRatings, scale: Scale) -> list[tuple[str, Presence]]:
    """Each label that can be looked at alone, with where it was given (see `systematic.Presence`)."""
    if scale.kind == "sets" and scale.labels is not None:
        occurring = {member for category in coded.categories for member in category}  # type: ignore[union-attr]
        members = [*scale.labels, *sorted(occurring.difference(scale.labels))]
        return [(member, partial(presence, sets=coded.categories, member=member)) for member in members]
    if not scale.closed or len(coded.categories) > MOST_LABELS:
        return []
    return [(label, partial(_given, code=code)) for code, label in enumerate(coded.labels)]


def _given(codes: np.ndarray, code: int) -> np.ndarray:
    """Where the label of a code was given: 1 or 0, and -1 where missing; shape of `codes`."""
    return np.where(codes >= 0, codes == code, -1)


def _by_label(coded: CodedRatings, scale: Scale) -> tuple[LabelAgreement, ...]:
    if len(coded.annotators) < 2:
        return ()
    return tuple(
        agreement_on_label(label, where(coded.codes), coded.groups) for label, where in _labels(coded, scale)
    )


def _biases(coded: CodedRatings, scale: Scale) -> tuple[AnnotatorBias, ...]:
    """On the scale where there is one; else by label, of two labels by the second."""
    compared: list[tuple[str | None, Values]] = []
    if scale.kind == "ordered" and coded.categories:
        compared = [(None, places_of(positions(coded.categories)))]
    else:
        labels = _labels(coded, scale)
        if scale.kind == "nominal" and len(labels) == 2:
            labels = labels[1:]
        compared = [
            (label, given_or_not(where)) for label, where in labels if (where(coded.codes) == 1).any()
        ]
    size = len(coded.categories)
    return annotator_biases(coded.codes, size, coded.annotators, compared, coded.groups)


def _matrix(coded: CodedRatings, scale: Scale) -> KappaMatrix | None:
    size = len(coded.categories)
    if not scale.closed or not size or size > MOST_LABELS:
        return None
    name, credit = _label_set(coded, scale).credits("cohen_kappa", (UNWEIGHTED, QUADRATIC))[-1]
    return kappa_matrix(name, coded.codes, credit, coded.annotators)


def _pairs(coded: CodedRatings, scale: Scale, overall: Sequence[Coefficient]) -> tuple[PairAgreement, ...]:
    """Each pair of annotators; for the only pair the coefficients over all annotators are its own."""
    names = coded.annotators
    if len(names) == 2:
        return (_pair(coded.codes, coded, scale, names, overall),)
    in_brief = len(names) > MOST_ANNOTATORS_IN_FULL
    pairs = []
    for first, second in itertools.combinations(range(len(names)), 2):
        codes = coded.codes[:, [first, second]]
        coefficients = [] if in_brief else _coefficients(codes, coded, scale)
        pair = _pair(codes, coded, scale, (names[first], names[second]), coefficients)
        pairs.append(_brief(pair, _label_set(coded, scale)) if in_brief else pair)
    return tuple(pairs)


def _brief(pair: PairAgreement, labels: LabelSet) -> PairAgreement:
    """Kappas with their standard errors only, and no table of labels."""
    if pair.confusion is None:
        return pair
    table = pair.confusion.counts
    kappas = [
        replace(cohen_kappa(table, credit, name), reason=_IN_BRIEF)
        for name, credit in labels.credits("cohen_kappa", (UNWEIGHTED, QUADRATIC))
    ]
    return replace(pair, coefficients=tuple(kappas), confusion=None)


def _pair(
    codes: np.ndarray,
    coded: CodedRatings,
    scale: Scale,
    names: Sequence[str],
    coefficients: Sequence[Coefficient],
) -> PairAgreement:
    answered = (codes >= 0).all(1)
    both, groups = codes[answered], None if coded.groups is None else coded.groups[answered]
    size, (first, second) = len(coded.categories), names
    confusion = bias = None
    if scale.closed and size <= MOST_LABELS:
        table = contingency_table(both[:, 0], both[:, 1], size)
        confusion = ConfusionMatrix(first, second, tuple(coded.labels), table)
        bias = pair_bias(table, scale.kind == "ordered")
    observed = observed_agreement(both, size, groups)
    return PairAgreement(first, second, len(both), observed, tuple(coefficients), confusion, bias)


def _repeats(feature_ratings: FeatureRatings) -> tuple[PairAgreement, ...]:
    """Each annotator's answers to the first showing of an item against those to the second."""
    repeats = []
    for name in sorted({name for answers in feature_ratings.repeats.values() for name in answers}):
        answers = {
            item: {"first": feature_ratings.ratings[item][name], "second": again[name]}
            for item, again in feature_ratings.repeats.items()
            if name in again and name in feature_ratings.ratings.get(item, {})
        }
        if answers:
            groups = feature_ratings.groups.drawn_together if feature_ratings.groups else None
            coded = code_ratings(answers, feature_ratings.scale, ("first", "second"), groups)
            names = (f"{name}, first", f"{name}, second")
            coefficients = _coefficients(coded.codes, coded, feature_ratings.scale)
            repeats.append(_pair(coded.codes, coded, feature_ratings.scale, names, coefficients))
    return tuple(repeats)
