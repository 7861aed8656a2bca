"""The parts of the page of a search about its candidates: the diff of the best, the methods, all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from goldpan.evaluation.formatting import estimate, money, p_value, percent
from goldpan.html import Markup, element, table
from goldpan.optimise.report import CandidateReport, SearchReport
from goldpan.optimise.text_diff import component_diffs, unchanged_block

_MOST_TEXTS, _MOST_WITHOUT_METRIC = 60, 20


def dollars(value: float | None) -> str:
    """`$0.0012`; of what cost nothing `$0`, a dash where it is not known."""
    return "$0" if value == 0 else money(value)


def diff_section(report: SearchReport) -> Iterator[Markup]:
    """What the proposed prompt, or else the best, changes of the first one, and its texts as a whole."""
    best = report.proposed or report.candidate(report.decision.best)
    if best is None or best is report.seed:
        return
    whose = "proposed" if report.proposed else "best"
    yield element("h2", f"What the {whose} prompt changes")
    yield element(
        "p",
        f"From the first prompt to {best.name}: {best.growth:.2f} times as long. ",
        element("ins", "Underlined"),
        " words are new, those ",
        element("del", "struck out"),
        " are gone.",
        class_="diff-key",
    )
    yield from _diff(report.seed, best)
    yield from _texts(best, f"{best.name} as a whole")
    yield from _texts(report.seed, "The first prompt as a whole")


def methods_section(report: SearchReport) -> Iterator[Markup]:
    """What each method did with the same budget."""
    if not report.methods:
        return
    yield element("h2", "Methods at the same budget")
    rows = [
        [
            method.method,
            f"{method.accepted:,} of {method.tried:,}",
            method.best or "–",
            estimate(method.best_metric) if method.best_metric else "–",
            estimate(method.difference) if method.difference else "–",
            f"{method.answers:,} of {method.budget:,}",
            dollars(method.cost_usd),
        ]
        for method in report.methods
    ]
    header = ["Method", "Accepted", "Best", "Metric on dev", "Against the first", "Answers", "Cost"]
    classes = [None, "number", None, "number", "number", "number", "number"]
    caption = "With 95 % intervals, which do not know that the best of several was taken"
    yield table(header, rows, classes=classes, caption=caption)
    for method in report.methods:
        said = [method.note] if method.note else []
        said += [f"{count:,} refused: {reason}" for reason, count in method.refused.items()]
        if said:
            yield element("p", f"{method.method}: {'; '.join(said)}", class_="soft")


def candidates_section(report: SearchReport) -> Iterator[Markup]:
    """A table of all candidates, and what each changes of the one it was made from."""
    yield element("h2", "All candidates")
    shown, left_out = _with_few_unmeasured(report)
    rows = [_row(report, candidate) for candidate in shown]
    header = [
        "Candidate",
        "Made from",
        "Metric on dev",
        "Against the first",
        "p, corrected",
        "Valid",
        "Cost on dev",
    ]
    classes = [None, None, *["number"] * 7, "text"]
    caption = f"{report.decision.accepted:,} of {report.decision.tried:,} proposals were accepted"
    yield table(
        [*header, "Characters", "Times as long", "What became of it"], rows, classes=classes, caption=caption
    )
    for reason, count in left_out.items():
        yield element("p", f"{count:,} more: {reason}", class_="soft")
    others = [known for known in shown if known is not report.seed]
    for candidate in others[:_MOST_TEXTS]:
        origin = next(filter(None, map(report.candidate, candidate.parents)), report.seed)
        parts = list(_diff(origin, candidate))
        title = element("summary", f"{candidate.name}: what it changes of {origin.name}")
        yield element("details", title, *parts)
    untold = len(report.candidates) - 1 - len(others[:_MOST_TEXTS])
    if untold:
        yield element("p", f"{untold:,} more prompts are in candidates.jsonl.", class_="soft")


def _with_few_unmeasured(report: SearchReport) -> tuple[list[CandidateReport], dict[str, int]]:
    """Candidates to be shown one by one, and what became of the others: a search may be refused hundreds."""
    unmeasured = [known for known in report.candidates if known.metric.value is None]
    hidden = unmeasured if len(unmeasured) > _MOST_WITHOUT_METRIC else []
    names = {known.name for known in hidden}
    shown = [known for known in report.candidates if known.name not in names]
    return shown, dict(Counter(_outcome(report, known) for known in hidden).most_common())


def _row(report: SearchReport, candidate: CandidateReport) -> list[str]:
    return [
        candidate.name,
        ", ".join(candidate.parents) or "–",
        estimate(candidate.metric).partition(" (")[0],
        estimate(candidate.difference) if candidate.difference else "–",
        p_value(candidate.p_corrected),
        percent(candidate.valid_share),
        dollars(candidate.cost_usd),
        f"{candidate.characters:,}",
        f"{candidate.growth:.2f}",
        _outcome(report, candidate),
    ]


def _outcome(report: SearchReport, candidate: CandidateReport) -> str:
    if candidate is report.seed:
        return "the first prompt"
    if candidate.name == report.decision.proposed:
        return "proposed"
    if candidate.refused:
        return f"refused: {candidate.refused}"
    said = "kept" if candidate.is_accepted else "not kept"
    return f"{said}; {candidate.why_not}" if candidate.why_not else said


def _diff(before: CandidateReport, after: CandidateReport) -> Iterator[Markup]:
    diffs = list(component_diffs(before.components, after.components))
    if not diffs:
        yield element("p", "Its texts are the same.", class_="soft")
    for name, diff in diffs:
        yield element("p", element("code", name), class_="part-name")
        yield diff


def _texts(candidate: CandidateReport, title: str) -> Iterator[Markup]:
    parts = [
        part
        for name, text in candidate.components.items()
        for part in (element("p", element("code", name), class_="part-name"), unchanged_block(text))
    ]
    yield element("details", element("summary", title), *parts)
