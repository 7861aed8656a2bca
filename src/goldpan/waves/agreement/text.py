"""The agreement report as plain text, in the classic layout: one block per feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from goldpan.statistics.coefficient import Coefficient
from goldpan.visible_text import printable
from goldpan.waves.agreement.formatting import (
    BANDS,
    BLINDNESS,
    INTERVALS,
    KINDS,
    TEST_TITLES,
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
from goldpan.waves.agreement.report import AgreementReport, ConfusionMatrix, FeatureAgreement, PairAgreement

_MOST_COLUMNS = 15


def report_text(report: AgreementReport, verbose: bool = False) -> str:
    """The report as text with a final newline.

    Args:
        report: what was measured.
        verbose: also each pair of annotators, how intervals are made, and what the bands are.
    """
    lines = [report.title, "=" * len(report.title), ""]
    if report.blind is not None:
        lines += [BLINDNESS[report.blind], ""]
    lines += [f"! {printable(note)}" for note in report.notes]
    for feature in report.features:
        lines += ["", *feature_lines(feature, verbose)]
    if verbose:
        lines += ["", INTERVALS, "", BANDS]
    return "\n".join(_one_blank(lines)) + "\n"


def feature_lines(result: FeatureAgreement, verbose: bool) -> list[str]:
    """The block of one feature."""
    heading = f"{printable(result.feature)} ({KINDS[result.kind]})"
    lines = [heading, "-" * len(heading)]
    lines.append(f"Items:       {result.items:,}, of which {result.paired_items:,} answered by two or more")
    lines += [
        f"Annotator:   {printable(annotator.name)}, {annotator.answered:,} items"
        + (f", {annotator.abstained:,} abstentions" if annotator.abstained else "")
        for annotator in result.annotators
    ]
    lines += ["", *_coefficient_lines([result.observed, *result.coefficients], result.headline)]
    if result.labels:
        lines += ["", *_label_lines(result)]
    if result.biases:
        lines += ["", *_bias_lines(result)]
    if len(result.annotators) == 2 and result.pairs and result.pairs[0].confusion:
        lines += ["", *_confusion_lines(result.pairs[0].confusion), "", *_test_lines(result.pairs[0])]
    elif verbose and result.pairs_in_brief:
        rows = [[printable(cell) for cell in row] for row in pair_table(result)]
        lines += ["", "Pairs of annotators", *_aligned(rows, right=set(range(2, len(rows[0]))))]
    elif verbose:
        for pair in result.pairs:
            lines += ["", *_pair_lines(pair)]
    for pair in result.repeats:
        lines += ["", *_pair_lines(pair)]
    if result.notes:
        lines += ["", *(f"Note: {printable(note)}" for note in result.notes)]
    return lines


def _coefficient_lines(coefficients: Sequence[Coefficient], headline: str | None = None) -> list[str]:
    header = ["", "value", "95 % interval", "s.e.", "expected", "band"]
    rows = [
        [
            coefficient_title(coefficient) + (" *" if coefficient.name == headline else ""),
            four_decimals(coefficient.value),
            four_decimal_interval(coefficient.interval),
            "" if coefficient.standard_error is None else four_decimals(coefficient.standard_error),
            "" if coefficient.expected is None else four_decimals(coefficient.expected),
            printable(band_and_reason(coefficient)),
        ]
        for coefficient in coefficients
    ]
    lines = _aligned([header, *rows], right={1, 3, 4})
    return [*lines, "* the one to quote first"] if headline else lines


def _label_lines(result: FeatureAgreement) -> list[str]:
    header = [
        "label",
        *(printable(annotator.name) for annotator in result.annotators),
        "agreement",
        "95 % interval",
        "kappa",
    ]
    counts = range(1, len(result.annotators) + 1)
    if result.pairs_in_brief:
        header, counts = ["label", "given", "agreement", "95 % interval", "kappa"], range(1, 2)
    rows = [
        [
            printable(label.label),
            *(f"{count:,}" for count in (label.counts if len(counts) > 1 else [sum(label.counts)])),
            four_decimals(label.specific.value),
            four_decimal_interval(label.specific.interval),
            four_decimals(label.kappa.value),
        ]
        for label in result.labels
    ]
    right = {*counts, len(header) - 3, len(header) - 1}
    return ["Agreement by label", *_aligned([header, *rows], right=right)]


def _confusion_lines(confusion: ConfusionMatrix) -> list[str]:
    matrix = confusion.within(_MOST_COLUMNS)
    if len(matrix.labels) > _MOST_COLUMNS:
        return [f"Confusion matrix: {len(matrix.labels)} labels, too many for text; see the JSON or the page"]
    labels = [printable(label) for label in matrix.labels]
    rows = [
        [label, *(f"{int(count):,}" for count in counts)]
        for label, counts in zip(labels, matrix.counts, strict=True)
    ]
    heading = f"Confusion matrix (rows: {printable(matrix.rows)}, columns: {printable(matrix.columns)})"
    lines = [heading, *_aligned([["", *labels], *rows], right=set(range(1, len(labels) + 1)))]
    unused = confusion.left_out(matrix)
    return [*lines, printable(unused)] if unused else lines


def _pair_lines(pair: PairAgreement) -> list[str]:
    heading = f"{printable(pair.first)} and {printable(pair.second)}, {pair.items:,} items"
    return [heading, *_coefficient_lines([pair.observed, *pair.coefficients]), *_test_lines(pair)]


def _bias_lines(result: FeatureAgreement) -> list[str]:
    biases, title = shown_biases(result, len(result.annotators))
    rows = [
        [
            printable(bias.annotator),
            "place on the scale" if bias.label is None else printable(bias.label),
            f"{bias.items:,}",
            signed(bias.difference),
            four_decimal_interval(bias.interval),
            p_value_text(bias.p_value),
            bias.reason or "",
        ]
        for bias in biases
    ]
    header = ["", "compared", "items", "difference", "95 % interval", "p (Holm)", ""]
    return [title, *_aligned([header, *rows], right={2, 3})]


def _test_lines(pair: PairAgreement) -> list[str]:
    if pair.bias is None:
        return []
    rows = [
        [TEST_TITLES[test.name], p_value_text(test.p_value), method_text(test)] for test in pair.bias.tests
    ]
    return _aligned(rows, right=set())


def _aligned(rows: Sequence[Sequence[str]], right: set[int]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _one_blank(lines: Iterable[str]) -> list[str]:
    """Without a blank line after a blank line."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return kept
