"""The search for a better prompt as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan import dot_plot
from goldpan.evaluation.formatting import estimate, p_value, percent
from goldpan.html import Markup, element, page, scroll_box, table, with_contents
from goldpan.optimise import marks, text_diff
from goldpan.optimise.metric_plot import Abscissa, metric_plot
from goldpan.optimise.page_candidates import (
    candidates_section,
    diff_section,
    dollars,
    methods_section,
)
from goldpan.optimise.report import SearchReport
from goldpan.optimise.tree_plot import tree_plot
from goldpan.plot_axis import plot_axis
from goldpan.report_provenance import provenance_section

_STYLE = """
.verdict { border-left: .3rem solid var(--accent); padding: .1rem 0 .1rem .9rem; font-size: 1.05rem; }
.verdict.none { border-color: var(--soft); }
.plots { display: flex; flex-wrap: wrap; gap: 0 2rem; }
figure { margin: .75rem 0; min-width: 0; max-width: 100%; }
figcaption { color: var(--soft); max-width: 36rem; } details { margin: .75rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; } code { overflow-wrap: anywhere; }
td.text { overflow-wrap: anywhere; min-width: 9rem; max-width: 28rem; }
td.hash { font-family: ui-monospace, monospace; font-size: .85em; }
@media (max-width: 48rem) { .scroll tr > :first-child { min-width: 7.5rem; } }
@media print { td.text { min-width: 0; } th.number, td.number { overflow-wrap: normal; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""


def search_page(report: SearchReport) -> str:
    """The page as text; the same report gives the same bytes. It links to the files that lie beside it."""
    heading = f"Search: {report.name}"
    body: list[Markup] = [element("h1", heading), element("p", _what(report))]
    body += [element("p", note, class_="warn") for note in report.notes]
    files = [element("a", name, href=name) for name in ("search.json", "candidates.jsonl")]
    body.append(element("p", "All figures: ", files[0], "; all prompts with their scores: ", files[1], "."))
    for section in (
        _outcome(report),
        _headroom(report),
        _cost(report),
        _tree(report),
        diff_section(report),
        methods_section(report),
        candidates_section(report),
        _looks(report),
        _methods(report),
    ):
        body += section
    body += provenance_section(report.provenance)
    return page(heading, with_contents(body), style=dot_plot.STYLE + marks.STYLE + text_diff.STYLE + _STYLE)


def _what(report: SearchReport) -> str:
    what = f"{report.metric} of {report.feature}" if report.feature else f"mean {report.metric}"
    rows = report.rows
    gold = f", gold from {rows.gold}" if rows.gold else ""
    return (
        f"Prompts of task {report.task}, answered by {report.model} as in stage {report.stage}. What is made"
        f" larger is the {what}, as evaluation {report.evaluation} has it{gold}: {rows.train:,} rows of train"
        f" to learn from, {rows.dev:,} of dev to compare by, {rows.test:,} of test, which are looked at once."
    )


def _outcome(report: SearchReport) -> Iterator[Markup]:
    decision = report.decision
    yield element("h2", "What came of it")
    said = f"Proposed: {decision.proposed}." if decision.proposed else "No other prompt is proposed."
    yield element(
        "p", element("b", said), " ", decision.why, class_="verdict" if decision.proposed else "verdict none"
    )
    if decision.proposed:
        yield element(
            "p",
            element("code", f"goldpan optimise adopt {report.name}"),
            " copies it to the tasks under a new name; the task itself stays as it is.",
        )
    if report.spending.ended_early:
        yield element("p", f"The search ended early: {report.spending.ended_early}", class_="warn")
    best = report.proposed or report.candidate(decision.best)
    header, seed = ["", "First prompt"], report.seed
    rows = [["Metric on dev", estimate(seed.metric)]]
    if report.test is not None:
        rows.append([f"Metric on test ({report.test.rows:,} rows)", estimate(report.test.seed)])
    rows += [
        ["Valid answers on dev", percent(seed.valid_share)],
        ["Cost of the answers on dev", dollars(seed.cost_usd)],
        ["Characters", f"{seed.characters:,}"],
    ]
    if best is not None and best is not seed:
        header += [f"{best.name} ({'proposed' if report.proposed else 'the best'})", "Difference"]
        cells = [
            [estimate(best.metric), estimate(best.difference) if best.difference else "–"],
            [percent(best.valid_share), ""],
            [dollars(best.cost_usd), ""],
            [f"{best.characters:,}", f"{best.growth:.2f} times as long"],
        ]
        if report.test is not None:
            cells.insert(1, [estimate(report.test.proposed), estimate(report.test.difference)])
        rows = [[*row, *more] for row, more in zip(rows, cells, strict=True)]
    yield table(header, rows, caption="With 95 % intervals; differences from the same rows, paired")
    if decision.p_value is not None:
        yield element(
            "p",
            f"{decision.best} against the first prompt on dev: p {p_value(decision.p_value)}, corrected for"
            f" the {decision.compared:,} candidates that could have been chosen ({decision.test}); a"
            f" difference counts below {decision.level:g}.",
        )
    if report.test is not None and report.test.p_value is not None:
        yield element("p", f"On test, which played no part in the choice: p {p_value(report.test.p_value)}.")
    spending = report.spending
    limit = f" of a limit of {dollars(spending.limit_usd)}" if spending.limit_usd is not None else ""
    lost = f"; besides, calls whose answers were lost may have cost {dollars(spending.lost_usd)}"
    yield element(
        "p",
        f"Proposals accepted: {decision.accepted:,} of {decision.tried:,}. Cost, whoever paid: answers"
        f" {dollars(spending.answers_usd)}, rewrites {dollars(spending.improver_usd)}{limit}"
        f"{lost if spending.lost_usd else ''}.",
    )


def _headroom(report: SearchReport) -> Iterator[Markup]:
    headroom = report.headroom
    yield element("h2", "Is there anything to gain?")
    yield element("p", headroom.why)
    dots = [dot_plot.Dot("first prompt", headroom.seed.value, headroom.seed.interval)]
    for name in headroom.rewrites:
        candidate = report.candidate(name)
        if candidate is not None and candidate.metric.value is not None:
            dots.append(dot_plot.Dot(name, candidate.metric.value, candidate.metric.interval, is_quiet=True))
    if headroom.ceiling is not None:
        agreement = headroom.ceiling.agreement
        dots.append(dot_plot.Dot("ceiling: people", agreement.value, agreement.interval))
    limits = [
        limit
        for dot in dots
        if dot.value is not None
        for limit in (dot.value, *((dot.interval.low, dot.interval.high) if dot.interval else ()))
    ]
    if len(dots) < 2:
        return
    scale = plot_axis(limits, within=(-1.0, 1.0))
    guide = headroom.seed.value
    plot = dot_plot.dot_plot(
        dots, "Metric (hollow: rewrites)", scale.low, scale.high, ticks=scale.ticks, guide=guide
    )
    yield scroll_box(plot, "Metric of the first prompt, of rewrites and of people")
    if headroom.ceiling is not None:
        ceiling = headroom.ceiling
        yield element(
            "p",
            f"The ceiling is how well {', '.join(ceiling.annotators)} meet the gold, each alone, on"
            f" {ceiling.items:,} items of wave {ceiling.wave}: {estimate(ceiling.agreement)}."
            + (f" With each other they agree at {estimate(ceiling.pairwise)}." if ceiling.pairwise else ""),
            class_="soft",
        )


def _cost(report: SearchReport) -> Iterator[Markup]:
    if len(report.candidates) < 2:
        return
    yield element("h2", "Metric and cost")
    rows = report.rows.dev or 1
    of_answers = Abscissa(
        "USD for 1,000 answers",
        lambda known: None if known.cost_usd is None else 1000 * known.cost_usd / rows,
        lambda value: f"{value:.4g}",
    )
    of_length = Abscissa(
        "Characters of the prompt", lambda known: float(known.characters), lambda value: f"{value:,.0f}"
    )
    of_spending = Abscissa(
        "USD spent by its method so far", lambda known: known.spent_usd, lambda value: f"{value:.4g}"
    )
    of_looks = Abscissa(
        "Answers its method had looked at",
        lambda known: None if known.answers is None else float(known.answers),
        lambda value: f"{value:,.0f}",
    )
    is_free = not any(known.cost_usd for known in report.candidates)
    figures = [
        (metric_plot(report, of_length if is_free else of_answers, with_front=True), _front_words(is_free)),
        (
            metric_plot(report, of_looks if is_free else of_spending),
            "How far each method had come for what it spent",
        ),
    ]
    shown = [(plot, words) for plot, words in figures if plot is not None]
    if not shown:
        yield element("p", "Fewer than two candidates were asked about all of dev.", class_="soft")
        return
    yield marks.mark_legend(report)
    yield element(
        "div",
        *(element("figure", scroll_box(plot, words), element("figcaption", words)) for plot, words in shown),
        class_="plots",
    )
    front = [known for known in report.candidates if known.on_front]
    if front:
        yield table(
            ["Candidate", "Metric on dev", "Cost on dev", "Valid answers", "Characters"],
            [
                [
                    known.name,
                    estimate(known.metric),
                    dollars(known.cost_usd),
                    percent(known.valid_share),
                    f"{known.characters:,}",
                ]
                for known in front
            ],
            caption="The front: no other is as good, as cheap and as often valid, and better in one of these",
        )


def _front_words(is_free: bool) -> str:
    over = "as the answers cost nothing here, over its length" if is_free else "over what its answers cost"
    return f"Each candidate {over}; the line is the best that can be had for so much."


def _tree(report: SearchReport) -> Iterator[Markup]:
    if len(report.candidates) < 2:
        return
    yield element("h2", "What was made from what")
    picture, left_out = tree_plot(report)
    yield scroll_box(picture, "Candidates below the one they were made from, with their metric on dev")
    if left_out:
        yield element(
            "p",
            f"{left_out:,} candidates with a lower metric, or none, are left out; candidates.jsonl has all.",
            class_="soft",
        )


def _looks(report: SearchReport) -> Iterator[Markup]:
    yield element("h2", "Looks at the test split")
    if not report.looks:
        yield element("p", "Nobody has looked at this test split yet, this search neither.")
        return
    many = len(report.looks)
    yield element(
        "p",
        f"Figures on these test rows were seen {many:,} {'time' if many == 1 else 'times'}, one for each"
        " thing that was measured. What is chosen by such figures does worse elsewhere, the more often they"
        " were seen.",
    )
    rows = [
        [look.day, look.by, look.what or "–", f"{look.items:,}", look.asked[:12], look.rows[:12]]
        for look in report.looks
    ]
    yield table(
        ["Day", "By", "What", "Rows", "Asked", "Of rows"],
        rows,
        classes=[None, "text", "text", "number", "hash", "hash"],
        caption="All looks, the first first",
    )


def _methods(report: SearchReport) -> Iterator[Markup]:
    yield element("h2", "How it was searched")
    for text in (
        "Every method has the same budget of answers, so that they can be compared. An answer that failed,"
        " was refused or does not fit the task counts as wrong. A prompt that was asked before is not paid"
        " again, but its answers count towards the budget.",
        "A prompt is proposed only where it beats the first one on dev in a paired test that is corrected for"
        " having chosen the best of several; a tie goes to the first prompt, then to the shorter one. The"
        " best of several on dev looks better there than it is: the figures on test, which are looked at"
        " once, say how much of it stays.",
    ):
        yield element("p", text)
