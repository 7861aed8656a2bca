"""The parts of the page of an error analysis: slices, pairs, clusters, calibration and instability of one
model, and the gold of one feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from goldpan.dot_plot import Dot, dot_plot
from goldpan.error_analysis.page_rows import folded_rows, row_cards
from goldpan.error_analysis.parts import (
    AnalysisPart,
    CalibrationErrors,
    ConfusionPairs,
    ErrorClusters,
    Instability,
    Slice,
    Slices,
    SuspectedLabels,
)
from goldpan.error_analysis.report import FeatureErrors, ModelErrors
from goldpan.evaluation.formatting import estimate, p_value
from goldpan.evaluation.pictures import calibration_plot
from goldpan.heat_map import heat_map
from goldpan.html import Markup, element, scroll_box, table, three_decimals
from goldpan.plot_axis import plot_axis
from goldpan.visible_text import shortened

STYLE = """
h4 { margin: 1.5rem 0 .25rem; } td.text { overflow-wrap: anywhere; min-width: 9rem; max-width: 30rem; }
.words { display: flex; flex-wrap: wrap; gap: .25rem .5rem; list-style: none; padding: 0; margin: .25rem 0; }
.words li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6rem; overflow-wrap: anywhere; }
@media print { td.text { min-width: 0; } th.number, td.number { overflow-wrap: normal; } }
h5 { font-size: .95rem; margin: 1.1rem 0 .2rem; overflow-wrap: anywhere; }
"""
"""What the parts need besides the styles of plots and cards."""

_MOST_IN_PLOT, _MOST_IN_TABLE, _MOST_LABELS_IN_PICTURE = 20, 40, 40
_LONGEST_NAME, _LONGEST_ALIAS, _MOST_ALIASES = 100, 40, 3
_MOST_ROWS_OF_GROUP, _MOST_SUSPECTS, _MOST_UNSTABLE = 12, 40, 20


def part_anchor(part: str, feature: FeatureErrors, model: ModelErrors | None = None) -> str:
    """The id of a part of the page."""
    return f"{part}-{feature.feature}" + (f"-{model.model}" if model else "")


def finding(part: AnalysisPart) -> Iterator[Markup]:
    """What a part found, or why it could not look, and what a reader must know."""
    yield element("p", part.finding, class_="soft" if part.reason is not None else None)
    if part.reason is not None and part.reason not in part.finding:
        yield element("p", f"Not looked at: {part.reason}.", class_="soft")
    for note in part.notes:
        yield element("p", note, class_="soft")


def slices_part(part: Slices, table_file: str) -> Iterator[Markup]:
    """The slices as a plot against the error rate of all, as a table, and the wrong rows of the worst."""
    if not part.slices:
        return
    shown = part.slices[:_MOST_IN_PLOT]
    limits = [part.overall.value or 0.0, 0.0]
    for known in shown:
        interval = known.error_rate.interval
        limits += [known.error_rate.value or 0.0, *((interval.low, interval.high) if interval else ())]
    scale = plot_axis(limits, within=(0.0, 1.0))
    dots = [
        Dot(known.name, known.error_rate.value, known.error_rate.interval, is_quiet=not known.is_significant)
        for known in shown
    ]
    axis = f"Error rate (dashed: all rows, {three_decimals(part.overall.value)}; hollow: may be chance)"
    plot = dot_plot(dots, axis, scale.low, scale.high, ticks=scale.ticks, guide=part.overall.value)
    yield scroll_box(plot, "Error rate by slice")
    header = ["Slice", "Rows", "Wrong", "Error rate", "Elsewhere", "Difference", "p, corrected"]
    rows = [
        [
            _with_aliases(known),
            f"{known.items:,}",
            f"{known.wrong:,}",
            *(estimate(figure) for figure in (known.error_rate, known.outside, known.difference)),
            p_value(known.p_adjusted),
        ]
        for known in part.slices[:_MOST_IN_TABLE]
    ]
    caption = f"The worst of {part.looked_at:,} slices, with 95 % intervals"
    yield table(header, rows, caption=caption, classes=["text", *["number"] * 6])
    for known in part.significant:
        yield from _rows_of(
            part, known.name, f"Wrong rows, {shortened(known.name, _LONGEST_NAME)}", table_file
        )


def _with_aliases(known: Slice) -> str:
    name = shortened(known.name, _LONGEST_NAME)
    aliases = "; ".join(shortened(alias, _LONGEST_ALIAS) for alias in known.aliases[:_MOST_ALIASES])
    more = len(known.aliases) - _MOST_ALIASES
    return name + (
        f" (the same rows: {aliases}{f' and {more:,} more' if more > 0 else ''})" if aliases else ""
    )


def confusion_part(part: ConfusionPairs, table_file: str) -> Iterator[Markup]:
    """Gold by predicted label as a picture, the pairs, and the most informative rows of each."""
    if part.matrix is not None and len(part.matrix.gold) <= _MOST_LABELS_IN_PICTURE:
        picture = heat_map("Gold", "Predicted", part.matrix.gold, part.matrix.predicted, part.matrix.counts)
        yield scroll_box(picture, "Gold by predicted")
    if not part.pairs:
        return
    shown = part.pairs[:_MOST_IN_TABLE]
    rows = [
        [known.gold, known.predicted, f"{known.items:,}", f"{known.of_gold:,}", estimate(known.share)]
        for known in shown
    ]
    header = ["Gold", "Predicted", "Rows", "Rows of this gold", "Share of these"]
    caption = "Labels taken for others, with 95 % intervals"
    if len(part.pairs) > len(shown):
        caption += f"; {len(shown)} of {len(part.pairs):,} pairs"
    yield table(header, rows, caption=caption, text_columns=2)
    for known in shown:
        title = f"{known.gold} taken for {known.predicted}, the most informative rows"
        yield from _rows_of(part, known.name, title, table_file)


def clusters_part(part: ErrorClusters, table_file: str) -> Iterator[Markup]:
    """Each cluster with its words, and its rows."""
    if part.clusters:
        yield element(
            "p",
            f"Rows are compared by {part.by}; p {p_value(part.p_value)} that wrong rows are so much alike by"
            f" chance. {part.alone:,} wrong rows are in no cluster.",
        )
    for known in part.clusters:
        yield element("h5", shortened(known.name, _LONGEST_NAME))
        if any(word not in known.name for word in known.words):
            yield element("ul", *(element("li", word) for word in known.words), class_="words")
        said = f"{known.items:,} wrong rows."
        if known.near is not None:
            said += f" Of {known.near:,} rows as near, {estimate(known.error_rate)} are wrong."
        yield element("p", said)
        yield from _rows_of(part, known.name, "Its rows, the most typical first", table_file)


def calibration_part(part: CalibrationErrors, _: str) -> Iterator[Markup]:
    """The reliability plot, and where the model is surer than it is right."""
    if part.calibration is None:
        return
    yield scroll_box(calibration_plot(part.calibration.bins), "Calibration")
    rows = [
        [
            f"{known.bin.low:g} to {known.bin.high:g}",
            f"{known.bin.items:,}",
            three_decimals(known.bin.confidence),
            estimate(known.bin.accuracy),
            three_decimals(known.gap),
            p_value(known.p_adjusted) + ("" if known.is_significant else " (may be chance)"),
        ]
        for known in part.overconfident
    ]
    if rows:
        header = ["Confidence", "Rows", "Mean confidence", "Share right", "Too sure by", "p, corrected"]
        yield table(header, rows, caption="Where the model says more than it keeps, with 95 % intervals")


def instability_part(part: Instability, table_file: str) -> Iterator[Markup]:
    """What answers were held against each other, and the rows whose answers differ."""
    if not part.sources:
        return
    rows = [
        [
            known.name,
            f"{known.compared:,}",
            f"{known.unstable:,}",
            estimate(known.share),
            f"{known.unjoined:,}",
        ]
        for known in part.sources
    ]
    header = ["Compared with", "Rows", "Unstable", "Share", "On one side only"]
    yield table(header, rows, caption="Rows, labelled or not, whose answer is not always the same")
    if part.wrong_if_unstable.value is not None or part.wrong_if_stable.value is not None:
        yield element(
            "p",
            f"Error rate of unstable rows: {estimate(part.wrong_if_unstable)}; of stable ones:"
            f" {estimate(part.wrong_if_stable)}.",
        )
    yield from folded_rows(part.rows, "Unstable rows", most=_MOST_UNSTABLE, table_file=table_file)


def suspects_part(part: SuspectedLabels, table_file: str) -> Iterator[Markup]:
    """The suspects as cards, in the open: to look at them is what they are for."""
    if part.method:
        said = (
            f"By {part.method}, from {', '.join(part.models)}; {part.looked_at:,} gold labels were looked at."
        )
        if part.expected is not None:
            said += (
                f" Of so many right ones {part.expected:.3g} would look doubtful by chance, if models erred"
            )
            said += " as the notes take them to"
            above = "" if part.p_above is None else f" (p > {part.p_above:.2g})"
            said += f" (p {p_value(part.p_value)})." if part.p_value is not None else f"{above}."
        yield element("p", said, class_="soft")
    if len(part.rows) > _MOST_SUSPECTS:
        yield element("p", f"{_MOST_SUSPECTS} of {len(part.rows):,} are shown; {table_file} has all.")
    if part.rows:
        yield row_cards(part.rows[:_MOST_SUSPECTS])


def _rows_of(part: AnalysisPart, name: str, title: str, table_file: str) -> Iterator[Markup]:
    rows = [row for row in part.rows if row.name == name]
    yield from folded_rows(rows, title, most=_MOST_ROWS_OF_GROUP, table_file=table_file)


PARTS: Mapping[str, tuple[str, Callable[[Any, str], Iterator[Markup]]]] = {
    "slices": ("Slices that are worse", slices_part),
    "confusion": ("Labels taken for others", confusion_part),
    "clusters": ("Mistakes that are alike", clusters_part),
    "calibration": ("Is the confidence right?", calibration_part),
    "instability": ("Answers that change", instability_part),
}
"""Attribute of `ModelErrors` -> its title, and what shows it."""
