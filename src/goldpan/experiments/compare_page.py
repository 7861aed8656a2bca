"""The comparison of two runs as text and as a page with the texts side by side."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.experiments.compare import (
    BETTER,
    OTHERWISE,
    UNCOUNTED,
    WORSE,
    ChangedRow,
    FeatureComparison,
    RunComparison,
)
from goldpan.experiments.figures import PARTIAL_FIGURES, figure_text, main_figure
from goldpan.experiments.run import Run
from goldpan.html import Markup, element, page, scroll_box, table, with_contents
from goldpan.records.limit import trial_text
from goldpan.visible_text import printable

_MOST_IN_TEXT = 50
_STYLE = """
pre { overflow-x: auto; padding: .75rem; background: var(--tint); white-space: pre-wrap; }
ins { text-decoration: none; color: #1a7f37; } del { text-decoration: none; color: #b42318; }
@media (prefers-color-scheme: dark) { ins { color: #7ee2a0; } del { color: #ff9d94; } }
.row { border-top: 1px solid var(--line); margin-top: 1.5rem; }
.row table { width: 100%; min-width: 34rem; table-layout: fixed; }
.row td { white-space: pre-wrap; overflow-wrap: anywhere; }
.row th:first-child { width: 16%; }
"""


def run_title(run: Run, version: int | None = None) -> str:
    """A run in a line: id, module, prompt version, model, study."""
    version = run.prompt_version if version is None else version
    trial = ", a trial" if run.limit else ""
    name = f" {run.name}" if run.name else ""
    return f"{run.id}: {run.module}{name}, prompt version {version}, {run.model}, study {run.study}{trial}"


def comparison_text(found: RunComparison) -> Iterator[str]:
    """The lines of the comparison for the terminal; no text in them can move its cursor."""
    for line in _text_lines(found):
        yield printable(line.expandtabs(4))


def _text_lines(found: RunComparison) -> Iterator[str]:
    yield f"A  {run_title(found.first)}"
    yield f"B  {run_title(found.second)}"
    yield ""
    yield from _rows_lines(found)
    for compared in found.features:
        yield _feature_line(found, compared)
    yield f"cost: {_cost_text(found)}"
    if found.changed:
        yield ""
        yield f"rows that changed ({len(found.changed)}):"
    for row in found.changed[:_MOST_IN_TEXT]:
        for change in row.changes:
            expected = row.second.expected.get(change.feature, "-")
            yield (
                f"  {row.id}  {change.feature}: {_answer(row, change.feature, 0)} ->"
                f" {_answer(row, change.feature, 1)} (expected {expected}): {change.kind}"
            )
    if len(found.changed) > _MOST_IN_TEXT:
        yield f"  and {len(found.changed) - _MOST_IN_TEXT} more: --html or --json has all of them"
    yield ""
    yield from found.prompt_diff or ("the prompts are the same",)


def comparison_page(found: RunComparison) -> str:
    """The comparison as a page: figures, the rows that changed side by side, and the prompts' difference."""
    return page(
        f"{found.first.module}: {found.first.id} and {found.second.id}",
        with_contents(_body(found)),
        style=_STYLE,
    )


def _body(found: RunComparison) -> Iterator[Markup]:
    modules = dict.fromkeys((found.first.module, found.second.module))
    yield element("h1", f"Two runs of {' and '.join(modules)}")
    yield table(
        ["Run", "Module", "Study", "Prompt version", "Model", "Recorded", "Cost in USD"],
        [_run_cells(name, run) for name, run in (("A", found.first), ("B", found.second))],
        text_columns=7,
    )
    yield element("ul", *(element("li", line) for line in _rows_lines(found)))
    yield element("h2", "Figures")
    yield table(
        [
            "Feature",
            "Figure",
            "A",
            "B",
            "Rows of both",
            "Right in A",
            "Right in B",
            "Better",
            "Worse",
            "McNemar p",
            "B minus A on these rows",
        ],
        [_feature_cells(found, compared) for compared in found.features],
        text_columns=2,
    )
    yield element(
        "p",
        "A and B are the figures of each run, of its own rows. The rows of both are those that both evaluated"
        " with the same input and expected value; better are those wrong in A and right in B, worse the other"
        " way round. McNemar's test is exact and two-sided; it says how likely so"
        " uneven a split is if neither is better. It knows answers that are right as a whole and others,"
        " also where the figure counts the parts of sets and rankings; of the figure itself there is the"
        " difference, with a 95 % interval from a paired bootstrap over the rows of both, or over groups of"
        " rows where the evaluation names a `group`.",
        class_="soft",
    )
    yield element("h2", f"Rows that changed ({len(found.changed):,})")
    if not found.changed:
        yield element("p", "None.")
    for row in found.changed:
        yield from _changed_row(row)
    yield element("h2", "Prompt")
    if not found.prompt_diff:
        yield element("p", "The prompts are the same.")
    else:
        yield element("pre", *(_diff_line(line) for line in found.prompt_diff))


def _run_cells(name: str, run: Run) -> list[str]:
    cost = "not known" if run.cost_usd is None else f"{run.cost_usd:.4f}"
    module = f"{run.module} {run.name or ''}".strip()
    version = f"{run.prompt_version} ({run.prompt_hash[:12]})"
    trial = ", a trial" if run.limit else ""
    return [f"{name}: {run.id}{trial}", module, run.study, version, run.model, run.recorded_at, cost]


def _rows_lines(found: RunComparison) -> Iterator[str]:
    yield f"{found.rows} rows in both; {len(found.changed)} changed"
    if found.other_answers:
        yield f"{len(found.other_answers)} differ only in what is not measured (texts, for instance)"
    for ids, what in (
        (found.only_first, "only in A"),
        (found.only_second, "only in B"),
        (found.other_expected, "with another expected value in B, so in no count of better and worse"),
        (found.other_input, "with another input in B, so in no count of better and worse"),
    ):
        if ids:
            yield f"{len(ids)} {what}: {', '.join(ids[:5])}{', …' if len(ids) > 5 else ''}"
    if found.first.id == found.second.id:
        yield "A and B are the same run"
    for name, run in (("A", found.first), ("B", found.second)):
        if run.limit:
            yield f"{name} is {trial_text(run.limit)}"
    if not found.rows:
        yield "the runs have no row in common: nothing is compared"
    elif found.only_first or found.only_second:
        yield "the figures of A and B are each of its own rows; what is counted are the rows of both"
    if found.first.module != found.second.module:
        yield f"these are runs of two modules, {found.first.module} and {found.second.module}"
    elif found.first.data_hash != found.second.data_hash:
        yield "the data are not the same: only rows of one id and input are compared"
    measured = [{metrics.feature for metrics in run.metrics} for run in (found.first, found.second)]
    for name, only in (("A", measured[0] - measured[1]), ("B", measured[1] - measured[0])):
        if only:
            yield f"measured only in {name}: {', '.join(sorted(only))}"


def _counts(found: RunComparison, feature: str) -> list[int]:
    return [len(found.of_kind(kind, feature)) for kind in (BETTER, WORSE, OTHERWISE)]


def _feature_line(found: RunComparison, compared: FeatureComparison) -> str:
    better, worse, otherwise = _counts(found, compared.feature)
    first, second = (main_figure(of.figures) for of in (compared.first, compared.second))
    name = first["name"] if first else "no figure"
    right = compared.right
    outside = len(found.of_kind(UNCOUNTED, compared.feature))
    uncounted = f" {outside} more changed in no count;" if outside else ""
    return (
        f"{compared.feature}: {name} {figure_text(first)} -> {figure_text(second)};"
        f" right {right[0]} -> {right[1]} of {compared.rows} rows;"
        f" {better} better, {worse} worse, {otherwise} changed otherwise;{uncounted}"
        f" McNemar exact p = {compared.mcnemar.p_value:.3g}{_of_whole_answers(name)};"
        f" B minus A {_difference(compared)}"
    )


def _feature_cells(found: RunComparison, compared: FeatureComparison) -> list[str]:
    better, worse, _ = _counts(found, compared.feature)
    first, second = (main_figure(of.figures) for of in (compared.first, compared.second))
    counts = [f"{count}" for count in (compared.rows, *compared.right, better, worse)]
    p_value = f"{compared.mcnemar.p_value:.3g}"
    name = first["name"] if first else "-"
    return [
        compared.feature,
        name,
        figure_text(first),
        figure_text(second),
        *counts,
        p_value,
        _difference(compared),
    ]


def _of_whole_answers(figure: str) -> str:
    """What the test is about where the figure counts parts of answers."""
    return " (of exactly right answers)" if figure in PARTIAL_FIGURES else ""


def _difference(compared: FeatureComparison) -> str:
    found = compared.difference
    if found.value is None:
        return f"not given: {found.reason}"
    between = found.interval
    return f"{found.value:+.2f}" + (f" [{between.low:+.2f}, {between.high:+.2f}]" if between else "")


def _cost_text(found: RunComparison) -> str:
    costs = [
        "unknown" if run.cost_usd is None else f"{run.cost_usd:.4f}" for run in (found.first, found.second)
    ]
    rows = (found.first.records, found.second.records)
    if rows[0] != rows[1]:
        return f"{costs[0]} for {rows[0]} rows -> {costs[1]} for {rows[1]} rows, in USD"
    difference = found.cost_difference_usd
    more = "" if difference is None else f" ({difference:+.4f})"
    return f"{costs[0]} -> {costs[1]} USD{more}"


def _answer(row: ChangedRow, feature: str, which: int) -> str:
    of = (row.first, row.second)[which]
    return of.answer.get(feature) or f"({of.state})"


def _changed_row(row: ChangedRow) -> Iterator[Markup]:
    kinds = ", ".join(f"{change.feature} {change.kind}" for change in row.changes)
    lines: list[list[str]] = []
    for feature in dict.fromkeys(
        [*row.first.answer, *row.second.answer, *(of.feature for of in row.changes)]
    ):
        expected = row.second.expected.get(feature)
        if expected is not None:
            was = row.first.expected.get(feature)
            lines.append([f"expected {feature}", was or "", expected])
        lines.append([f"answer {feature}", _answer(row, feature, 0), _answer(row, feature, 1)])
        reasons = [of.reasoning.get(feature, "") for of in (row.first, row.second)]
        if any(reasons):
            lines.append([f"reasoning {feature}", *reasons])
    for name in dict.fromkeys([*row.first.inputs, *row.second.inputs]):
        lines.append([name, row.first.inputs.get(name, ""), row.second.inputs.get(name, "")])
    cells = (
        element("tr", element("th", name), *(element("td", text) for text in texts)) for name, *texts in lines
    )
    head = element("tr", *(element("th", name) for name in ("", "A", "B")))
    yield element(
        "section",
        element("h3", element("span", row.id), f": {kinds}"),
        scroll_box(element("table", element("thead", head), element("tbody", *cells)), f"Row {row.id}"),
        class_="row",
    )


def _diff_line(line: str) -> Markup:
    tag = "ins" if line.startswith("+") else "del" if line.startswith("-") else "span"
    return element(tag, f"{line}\n")
