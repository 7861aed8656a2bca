"""The results of measuring agreement, as they are kept, shown and written to `agreement.json`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goldpan.as_json import AsJson, finite, rounded
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.bootstrap import REPLICATES
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.interval import Interval
from goldpan.statistics.marginal_homogeneity import MarginalTest
from goldpan.statistics.references import methods_of, references_of
from goldpan.statistics.samples import SEED

FORMAT = "goldpan-agreement-1"
MOST_ANNOTATORS_IN_FULL = 8
"""Up to how many annotators each pair has all coefficients, with intervals, and a table of its labels."""


@dataclass(frozen=True)
class AnnotatorCount(AsJson):
    """What one annotator did: items answered (abstentions included), and how many were abstentions."""

    name: str
    answered: int
    abstained: int


@dataclass(frozen=True)
class LabelAgreement(AsJson, json_names={"specific": "specific_agreement"}):
    """Agreement on one label against all others.

    Attributes:
        label: the label as shown.
        counts: how often each annotator gave it, in the order of the feature's annotators.
        specific: specific agreement: of the other answers to items given this label, the share that
            give it too.
        kappa: Cohen's kappa of the label against the rest; Fleiss' for three annotators or more.
        prevalence_index: see `kappa.PrevalenceAndBias`; two annotators only.
        bias_index: likewise.
    """

    label: str
    counts: tuple[int, ...]
    specific: Coefficient
    kappa: Coefficient
    prevalence_index: float | None = None
    bias_index: float | None = None


@dataclass(frozen=True)
class ConfusionMatrix(AsJson):
    """Items by the labels two annotators gave them.

    Attributes:
        rows: the annotator whose labels are the rows.
        columns: the annotator whose labels are the columns.
        labels: k labels in their order.
        counts: shape (k, k).
    """

    rows: str
    columns: str
    labels: tuple[str, ...]
    counts: np.ndarray

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {**super().as_json(), "counts": self.counts.astype(int).tolist()}

    def within(self, most_labels: int) -> ConfusionMatrix:
        """The matrix itself, or without the labels that neither of the two gave if it has too many."""
        if len(self.labels) <= most_labels:
            return self
        occurring = np.flatnonzero(self.counts.sum(0) + self.counts.sum(1))
        labels = tuple(self.labels[index] for index in occurring)
        return ConfusionMatrix(self.rows, self.columns, labels, self.counts[np.ix_(occurring, occurring)])

    def left_out(self, shown: ConfusionMatrix) -> str:
        """A sentence on the labels that `shown` lacks; empty where it has all."""
        number = len(self.labels) - len(shown.labels)
        return f"Not shown: {number:,} labels that neither of the two gave." if number else ""


@dataclass(frozen=True)
class PairBias(AsJson):
    """How two annotators differ in one direction.

    Attributes:
        tests: see `statistics.marginal_homogeneity`; of ordered labels the sign test stands first.
        first_higher: items on which the first annotator's answer is the higher one; ordered labels only.
        second_higher: likewise.
    """

    tests: tuple[MarginalTest, ...]
    first_higher: int | None = None
    second_higher: int | None = None

    def test(self, name: str) -> MarginalTest | None:
        """The test of that name, if it was made."""
        return next((candidate for candidate in self.tests if candidate.name == name), None)


@dataclass(frozen=True)
class AnnotatorBias(AsJson):
    """How one annotator differs from the mean of the others on the items they share.

    Attributes:
        annotator: name.
        items: items that the annotator and at least one other answered.
        label: the label whose share is compared; None where it is the place on the scale.
        difference: own share, or place, less that of the others, mean over items.
        interval: its 95 % interval.
        p_value: of no difference, corrected for all annotators and labels of the feature (Holm).
        reason: why a figure is missing.
    """

    annotator: str
    items: int
    label: str | None
    difference: float | None = None
    interval: Interval | None = None
    p_value: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class KappaMatrix:
    """Kappa of each pair of annotators, and the groups they fall into.

    Attributes:
        name: of the coefficient.
        annotators: m names; those who agree stand together.
        values: shape (m, m); NaN where undefined.
        groups: names of each group of two or more; none where annotators do not fall into groups.
        within: mean kappa within each group.
        across: mean kappa of pairs from different groups.
        p_value: how often annotators who are all alike would seem as grouped.
    """

    name: str
    annotators: tuple[str, ...]
    values: np.ndarray
    groups: tuple[tuple[str, ...], ...] = ()
    within: tuple[float, ...] = ()
    across: float | None = None
    p_value: float | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "name": self.name,
            "annotators": list(self.annotators),
            "values": [[rounded(finite(value)) for value in row] for row in self.values],
            "groups": [list(group) for group in self.groups],
            "within": [rounded(mean) for mean in self.within],
            "across": rounded(self.across),
            "p_value": rounded(self.p_value),
        }


@dataclass(frozen=True)
class PairAgreement:
    """Two annotators, or one annotator's first and second answers.

    Attributes:
        first, second: names.
        items: items both answered.
        observed: share answered alike.
        coefficients: in the order they are shown.
        confusion: None where answers are not single labels, or are too many to count by pairs.
        bias: likewise.
    """

    first: str
    second: str
    items: int
    observed: Coefficient
    coefficients: tuple[Coefficient, ...]
    confusion: ConfusionMatrix | None
    bias: PairBias | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "annotators": [self.first, self.second],
            "items": self.items,
            "observed_agreement": self.observed.as_json(),
            "coefficients": [coefficient.as_json() for coefficient in self.coefficients],
            "confusion": self.confusion.as_json() if self.confusion else None,
            "bias": self.bias.as_json() if self.bias else None,
        }


@dataclass(frozen=True)
class FeatureAgreement(AsJson, json_names={"observed": "observed_agreement"}):
    """Agreement on one feature.

    Attributes:
        feature: its name.
        kind: how its values compare (see `scales.Scale`).
        items: items that anyone answered.
        paired_items: items that two or more answered.
        annotators: whom, and how much each did.
        observed: observed agreement; for sets and rankings the share answered exactly alike.
        headline: name of the coefficient to quote first; None for text.
        coefficients: all of them, over all annotators.
        labels: agreement by label.
        pairs: each pair of annotators.
        repeats: each annotator with themselves, on items they were given twice.
        notes: sentences that a reader of the numbers must know.
        biases: each annotator against the others.
        matrix: kappa of each pair of three annotators or more who give single labels.
        groups: how many groups the items come in, where groups are drawn as a whole.
    """

    feature: str
    kind: str
    items: int
    paired_items: int
    annotators: tuple[AnnotatorCount, ...]
    observed: Coefficient
    headline: str | None
    coefficients: tuple[Coefficient, ...]
    labels: tuple[LabelAgreement, ...] = ()
    pairs: tuple[PairAgreement, ...] = ()
    repeats: tuple[PairAgreement, ...] = ()
    notes: tuple[str, ...] = ()
    biases: tuple[AnnotatorBias, ...] = ()
    matrix: KappaMatrix | None = None
    groups: int | None = None

    @property
    def pairs_in_brief(self) -> bool:
        """Whether pairs are too many for more than kappa and its standard error."""
        return len(self.annotators) > MOST_ANNOTATORS_IN_FULL

    def coefficient(self, name: str) -> Coefficient | None:
        """The coefficient of that name, if it was computed."""
        return next((candidate for candidate in self.coefficients if candidate.name == name), None)


@dataclass(frozen=True)
class AgreementReport:
    """Agreement on all features of a wave or a file.

    Attributes:
        title: what was measured, for people.
        features: one entry per feature.
        blind: whether annotators saw neither the LLM's answer nor each other's; None when not known.
        notes: sentences about the whole, e.g. whose sheets are missing.
        inputs: the sheets or tables it was measured on.
    """

    title: str
    features: tuple[FeatureAgreement, ...]
    blind: bool | None = None
    notes: tuple[str, ...] = field(default=())
    inputs: tuple[ReportInput, ...] = ()

    @property
    def provenance(self) -> ReportProvenance:
        """What the figures come from, with the literature on the coefficients that are there."""
        shown = {name for feature in self.features for name in _methods_in(feature)}
        return ReportProvenance(self.inputs, REPLICATES, SEED, references_of(shown))

    def as_json(self) -> dict[str, Any]:
        """JSON-able form: the content of `agreement.json`."""
        return {
            "format": FORMAT,
            "title": self.title,
            "blind": self.blind,
            "notes": list(self.notes),
            "provenance": self.provenance.as_json(),
            "features": [feature.as_json() for feature in self.features],
        }


def _methods_in(feature: FeatureAgreement) -> Iterator[str]:
    """Names of all coefficients of a feature that have a value, and of how bands and intervals are made."""
    coefficients = [feature.observed, *feature.coefficients]
    for pair in (*feature.pairs, *feature.repeats):
        coefficients += [pair.observed, *pair.coefficients]
        yield from (test.name for test in (pair.bias.tests if pair.bias else ()) if test.p_value is not None)
    for label in feature.labels:
        coefficients += [label.specific, label.kappa]
        if label.prevalence_index is not None:
            yield "prevalence_and_bias_index"
    for coefficient in coefficients:
        if coefficient.value is not None:
            yield coefficient.name
            if coefficient.band:
                of_alpha = coefficient.name.startswith("krippendorff_alpha")
                yield "krippendorff_bands" if of_alpha else "landis_koch"
        yield from methods_of(coefficient.interval)
