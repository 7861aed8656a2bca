"""The agreement report as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldpan.as_json import finite
from goldpan.heat_map import coefficient_map, heat_map
from goldpan.html import Markup, element, page, scroll_box, table, with_contents
from goldpan.report_provenance import provenance_section
from goldpan.statistics.coefficient import Coefficient
from goldpan.waves.agreement.formatting import (
    BANDS,
    BLINDNESS,
    INTERVALS,
    KINDS,
    TEST_TITLES,
    TITLES,
    band_and_reason,
    coefficient_title,
    four_decimal_interval,
    four_decimals,
    method_text,
    p_value_text,
    pair_table,
    shown_biases,
    signed,
)
from goldpan.waves.agreement.report import AgreementReport, FeatureAgreement, PairAgreement

_MOST_LABELS_IN_PICTURE = 40
_MOST_BIASES = 60


def agreement_page(report: AgreementReport) -> str:
    """The page as text; the same report gives the same bytes."""
    body: list[Markup] = [element("h1", report.title)]
    body.append(element("p", BLINDNESS[report.blind], class_="warn" if report.blind is False else "soft"))
    body += [element("p", note, class_="warn") for note in report.notes]
    body.append(_overview(report))
    for feature in report.features:
        body += _feature(feature)
    body += [element("h2", "How the intervals are made"), element("p", INTERVALS)]
    body += [element("h2", "What the bands are"), element("p", BANDS)]
    body += provenance_section(report.provenance)
    return page(report.title, with_contents(body))


def _overview(report: AgreementReport) -> Markup:
    rows = []
    for feature in report.features:
        quoted = feature.coefficient(feature.headline) if feature.headline else None
        rows.append(
            [
                feature.feature,
                coefficient_title(quoted) if quoted else "",
                (quoted.band or "") if quoted else "",
                four_decimals(quoted.value) if quoted else "",
                four_decimal_interval(quoted.interval) if quoted else "",
                four_decimals(feature.observed.value),
                f"{feature.paired_items:,}",
            ]
        )
    header = ["Feature", "Coefficient", "Band", "Value", "95 % interval", "Observed", "Items"]
    return table(header, rows, text_columns=3)


def _feature(result: FeatureAgreement) -> Iterator[Markup]:
    yield element("h2", result.feature)
    yield element(
        "p",
        f"{KINDS[result.kind].capitalize()}. {result.items:,} items, of which {result.paired_items:,} were "
        "answered by two or more annotators.",
    )
    for note in result.notes:
        yield element("p", note)
    yield table(
        ["Annotator", "Items answered", "Abstentions"],
        [
            [annotator.name, f"{annotator.answered:,}", f"{annotator.abstained:,}"]
            for annotator in result.annotators
        ],
    )
    yield _coefficients([result.observed, *result.coefficients], "Over all annotators")
    if result.labels:
        yield _labels(result)
    yield from _differences(result)
    if result.pairs_in_brief and result.pairs:
        yield element("h3", "Pairs of annotators")
        header, *rows = pair_table(result)
        yield table(header, rows, caption="p-values are those of each pair alone", text_columns=2)
    for pair in [*(() if result.pairs_in_brief else result.pairs), *result.repeats]:
        yield from _pair(pair, alone=len(result.annotators) == 2 and pair in result.pairs)


def _coefficients(coefficients: Sequence[Coefficient], caption: str) -> Markup:
    rows = [
        [
            coefficient_title(coefficient),
            band_and_reason(coefficient),
            four_decimals(coefficient.value),
            four_decimal_interval(coefficient.interval),
            "" if coefficient.standard_error is None else four_decimals(coefficient.standard_error),
            "" if coefficient.expected is None else four_decimals(coefficient.expected),
        ]
        for coefficient in coefficients
    ]
    header = ["Coefficient", "Band", "Value", "95 % interval", "Standard error", "Expected"]
    return table(header, rows, caption=caption, text_columns=2)


def _labels(result: FeatureAgreement) -> Markup:
    names = [annotator.name for annotator in result.annotators]
    each = not result.pairs_in_brief
    # They are of two annotators only.
    of_two = any(label.prevalence_index is not None for label in result.labels)
    rows = [
        [
            label.label,
            *(f"{count:,}" for count in (label.counts if each else [sum(label.counts)])),
            four_decimals(label.specific.value),
            four_decimal_interval(label.specific.interval),
            four_decimals(label.kappa.value),
            four_decimal_interval(label.kappa.interval),
            *(map(four_decimals, (label.prevalence_index, label.bias_index)) if of_two else ()),
        ]
        for label in result.labels
    ]
    header = [
        "Label",
        *(names if each else ["Given"]),
        "Agreement",
        "95 % interval",
        "Kappa",
        "95 % interval",
        *(("Prevalence index", "Bias index") if of_two else ()),
    ]
    return table(header, rows, caption="By label, against all others")


def _differences(result: FeatureAgreement) -> Iterator[Markup]:
    """Differences in one direction, and the picture of who agrees with whom."""
    listed = () if result.pairs_in_brief else result.pairs
    pairs = [pair for pair in [*listed, *result.repeats] if pair.bias]
    if result.biases or pairs:
        yield element("h3", "Differences in one direction")
    if result.biases:
        biases, title = shown_biases(result, _MOST_BIASES)
        rows = [
            [
                bias.annotator,
                "place on the scale" if bias.label is None else bias.label,
                bias.reason or "",
                f"{bias.items:,}",
                signed(bias.difference),
                four_decimal_interval(bias.interval),
                p_value_text(bias.p_value),
            ]
            for bias in biases
        ]
        header = ["Annotator", "Compared", "", "Items", "Difference", "95 % interval", "p (Holm)"]
        yield table(header, rows, caption=title, text_columns=3)
    if pairs:
        yield _pair_tests(pairs)
    if result.matrix:
        matrix = result.matrix
        title = TITLES[matrix.name]
        yield element("h3", "Who agrees with whom")
        yield element(
            "p",
            f"{title} of each pair; those who agree stand side by side. "
            + ("Groups are framed." if matrix.groups else "They fall into no groups."),
        )
        values = [[finite(value) for value in row] for row in matrix.values]
        yield scroll_box(
            coefficient_map(title, matrix.annotators, values, matrix.groups), f"{title} of each pair"
        )


def _pair_tests(pairs: Sequence[PairAgreement]) -> Markup:
    rows = []
    for pair in pairs:
        bias = pair.bias
        higher = "" if bias.first_higher is None else f"{bias.first_higher:,} and {bias.second_higher:,}"  # type: ignore[union-attr]
        rows += [
            [
                f"{pair.first} and {pair.second}",
                TEST_TITLES[test.name],
                method_text(test),
                higher if test.name == "sign" else "",
                p_value_text(test.p_value),
            ]
            for test in bias.tests  # type: ignore[union-attr]
        ]
    header = ["Pair", "Test", "Method", "First higher and second higher", "p"]
    return table(header, rows, caption="Tests of each pair, on what they disagree about", text_columns=3)


def _pair(pair: PairAgreement, alone: bool) -> Iterator[Markup]:
    """One pair; its coefficients are left out when it is the only pair, as they stand above."""
    yield element("h3", f"{pair.first} and {pair.second}")
    if not alone:
        caption = f"{pair.items:,} items answered by both"
        yield _coefficients([pair.observed, *pair.coefficients], caption)
    if pair.confusion is None:
        return
    matrix = pair.confusion.within(_MOST_LABELS_IN_PICTURE)
    if len(matrix.labels) > _MOST_LABELS_IN_PICTURE:
        yield element(
            "p", f"{len(matrix.labels)} labels are too many for a picture; agreement.json has the counts."
        )
        return
    if unused := pair.confusion.left_out(matrix):
        yield element("p", unused)
    counts = matrix.counts.astype(int).tolist()
    picture = heat_map(matrix.rows, matrix.columns, matrix.labels, matrix.labels, counts)
    yield scroll_box(picture, f"{matrix.rows} by {matrix.columns}")
