"""The page of a table by groups: its figures as a table, and as plots with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from goldpan.chains.tables.groups import GroupFigure, RowGroup
from goldpan.dot_plot import STYLE, Dot, dot_plot
from goldpan.html import Markup, element, page, scroll_box, table, with_contents
from goldpan.visible_text import shortened

_MOST_PLOTTED = 40
_LONGEST_NAME = 30
"""Characters of a group's name in a plot; more would cut off the count behind it."""
NO_GROUP = "(none)"
"""The group of rows that have no value in the column."""


def table_page(study: str, name: str, by: str, groups: Mapping[str | None, RowGroup], baseline: bool) -> str:
    """The page as text; the same groups give the same bytes. It needs no script to be read.

    Args:
        study: name of the study.
        name: of the table.
        by: the column that rows are grouped by.
        groups: value of the column -> its rows; None stands for those without a value.
        baseline: whether the built-in baseline gave any of the answers.
    """
    rows = sum(group.rows for group in groups.values())
    title = f"{study}: {name}"
    body = [
        element("h1", title),
        element("p", f"{rows:,} rows in {len(groups):,} groups by {by}."),
        *([_of_baseline()] if baseline else []),
        *_figures(by, groups),
        *_plots(groups),
        *_methods(),
    ]
    return page(title, with_contents(body), style=STYLE)


def _of_baseline() -> Markup:
    return element(
        "p",
        "The answers are those of the built-in baseline, which compares words and understands nothing: they"
        " show how the workflow runs, not what the texts say.",
        class_="warn",
    )


def _shown(value: str | None) -> str:
    return NO_GROUP if value is None else value


def _figures(by: str, groups: Mapping[str | None, RowGroup]) -> Iterator[Markup]:
    columns = _columns(groups)
    header = [by, "rows", *columns]
    rows = []
    for value, group in groups.items():
        of_group = {column: figure for column, figure, _, _ in group.figures()}
        rows.append([_shown(value), f"{group.rows:,}", *(_cell(of_group[column]) for column in columns)])
    yield element("h2", "Figures")
    yield table(header, rows, caption="Means and shares with 95 % intervals, and of how many answers")


def _columns(groups: Mapping[str | None, RowGroup]) -> list[str]:
    first = next(iter(groups.values()), None)
    return [] if first is None else [column for column, *_ in first.figures()]


def _cell(figure: GroupFigure) -> str:
    if figure.value is None:
        return "–"
    if figure.interval is None:
        return f"{figure.value:.3f} (of {figure.of:,})"
    return f"{figure.value:.3f} [{figure.interval.low:.3f}, {figure.interval.high:.3f}; {figure.of:,}]"


def _plots(groups: Mapping[str | None, RowGroup]) -> Iterator[Markup]:
    largest = sorted(groups, key=lambda value: -groups[value].rows)[:_MOST_PLOTTED]
    plotted = [value for value in groups if value in set(largest)]
    if len(plotted) < len(groups):
        yield element("p", f"The plots show the {len(plotted):,} groups with most rows.", class_="soft")
    figures = [list(groups[value].figures()) for value in plotted]
    for number, column in enumerate(_columns(groups)):
        _, _, low, high = figures[0][number]
        dots = [
            Dot(f"{shortened(_shown(value), _LONGEST_NAME)} ({figure.of:,})", figure.value, figure.interval)
            for value, of_group in zip(plotted, figures, strict=True)
            for figure in (of_group[number][1],)
        ]
        yield element("h2", column)
        yield scroll_box(dot_plot(dots, column, low, high), column)


def _methods() -> Sequence[Markup]:
    return [
        element("h2", "How the numbers are made"),
        element(
            "p",
            "Figures are of what was answered; how many answers that were stands in parentheses and behind"
            " the interval. Shares have Wilson's interval (1927). Means have that of Student's t, within the"
            " ends of the scale, from two answers on; where all answers are alike, which leaves t no width,"
            " the interval allows for as many others as Clopper and Pearson (1934) do for none of so many."
            " The intervals take the rows for a random sample of what could have been said, each drawn by"
            " itself. They say nothing of how often the model is wrong: for that there is an evaluation.",
        ),
        element(
            "p",
            "asked_share is the share of rows that filters let through, of those that they decided on. A"
            " record of an earlier stage counts once in a group, however many items of it are there.",
        ),
    ]
