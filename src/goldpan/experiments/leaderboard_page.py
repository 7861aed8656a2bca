"""The leaderboard of a module as a page: its runs over time, quality against cost, and who stands where."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from goldpan.evaluation.formatting import figure_title
from goldpan.experiments.figures import value_of_figure
from goldpan.experiments.paired import Right
from goldpan.experiments.run import Run
from goldpan.experiments.run_plots import (
    SERIES,
    STYLE,
    PlottedRun,
    cost_plot,
    series_mark,
    time_plot,
)
from goldpan.experiments.standings import Board, Ranked, Standing, boards_of, standings_of
from goldpan.html import Markup, element, page, scroll_box, table, three_decimals, with_contents
from goldpan.records.limit import trial_text

_TITLE = "Leaderboard: "
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_PAGE_STYLE = (
    STYLE
    + """
.plots { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.plots figure { margin: .5rem 0; min-width: 0; max-width: 100%; }
h1 { overflow-wrap: anywhere; } table { font-size: .83rem; } td.moment { white-space: nowrap; }
figcaption { color: var(--soft); max-width: 40rem; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; max-width: none; }
.legend li { overflow-wrap: anywhere; } .legend svg { vertical-align: -.2rem; }
td.text { overflow-wrap: anywhere; min-width: 8.8rem; max-width: 18rem; }
code { overflow-wrap: anywhere; }
"""
)
_HEAD = [
    *("Rank", "No.", "{figure}, 95 % interval", "Majority", "Grade", "p against first", "Cost in USD"),
    *("Prompt version", "Model", "Rows", "Samples", "Study", "Run", "Recorded (UTC)"),
]
_CLASSES = [
    *("number", "number", "number", "number", None, "number", "number"),
    *("number", "text", "number", "number", "text", None, "moment"),
]
_NOTES = (
    "The rank goes by the value alone. Whether two runs differ is not told by their intervals, which may"
    " overlap where the same rows show a difference: p against first is McNemar's exact test, row by row, of"
    " which answers are right; it is empty where the two did not evaluate the very same rows. Of sets and"
    " rankings that is a test of answers that are right as a whole, while the figure counts their parts. It"
    " takes rows one by one, also where some are alike, and is not corrected for the number of runs."
    " `goldpan experiments compare` gives the difference with its interval.",
    "The best of several prompts on the rows that they were developed on is better there than on new rows:"
    " report its figure on rows that no prompt was changed for.",
    "The interval and the majority baseline (always the commonest answer) say more than the letter: A from"
    " 0.90, B from 0.80, C from 0.70, D from 0.60, else F, by the value before it is rounded. The cost is"
    " that of all answers of a run, whoever paid.",
)


def page_name(module: str) -> str:
    """Name of a module's page; an id that is no plain name gets a hash."""
    if _SAFE_NAME.fullmatch(module):
        return f"{module}.html"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", module)[:40].strip("_")
    return f"{plain or 'module'}-{hashlib.sha256(module.encode()).hexdigest()[:8]}.html"


def is_leaderboard(page_text: bytes) -> bool:
    """Whether a page was made here."""
    return f"<title>{_TITLE}".encode() in page_text


def leaderboard_page(
    runs: Sequence[Run],
    versions: Mapping[tuple[str, str], int],
    unreadable: Sequence[str] = (),
    right: Callable[[Run], Right] = lambda run: {},
) -> str:
    """The page of a module.

    Args:
        runs: all of the module, in the order in which they were recorded; at least one.
        versions: see `run.prompt_versions`.
        unreadable: names of files of the history that are damaged: some may be runs of this module.
        right: which rows of a run are right; without it no two runs are tested.
    """
    name = f"{runs[-1].module} {runs[-1].name or ''}".strip()
    return page(
        f"{_TITLE}{name}", with_contents(_body(name, runs, versions, unreadable, right)), style=_PAGE_STYLE
    )


def _body(
    name: str,
    runs: Sequence[Run],
    versions: Mapping[tuple[str, str], int],
    unreadable: Sequence[str],
    right: Callable[[Run], Right],
) -> Iterator[Markup]:
    boards = boards_of(list(standings_of(runs, versions)))
    yield element("h1", f"{_TITLE}{name}")
    trials = sum(bool(run.limit) for run in runs)
    data_sets = len({run.data_hash for run in runs})
    yield element(
        "p",
        f"{len(runs):,} run{'s' if len(runs) > 1 else ''}{f', {trials:,} of them trials' if trials else ''},"
        f" over {data_sets:,} data set{'s' if data_sets > 1 else ''}; the newest recorded"
        f" {_time(runs[-1])} UTC. Made from the files of the runs; `goldpan experiments rebuild` makes"
        " it again, and `goldpan experiments stats` says when it is behind them.",
        class_="soft",
    )
    if unreadable:
        yield element(
            "p",
            f"Files of the history that could not be read, so that runs may be lacking here:"
            f" {', '.join(unreadable)}.",
            class_="warn",
        )
    if len(boards) > 1:
        yield element(
            "p",
            f"Only runs that were asked about the same data and measured alike are ranked together, in"
            f" {len(boards):,} parts. Figures of two parts cannot be compared; those of trials least of all.",
        )
    unmeasured = [run.id for run in runs if not run.metrics]
    if unmeasured:
        yield element("p", f"Runs in which nothing was measured: {', '.join(unmeasured)}.", class_="warn")
    for board in boards:
        yield from _board(board, right)
    if boards:
        yield from (element("p", note, class_="soft") for note in _NOTES)


def _board(board: Board, right: Callable[[Run], Right]) -> Iterator[Markup]:
    rows = sorted({standing.evaluated for standing in board.standings})
    figure = _figure(board)
    yield element("h2", f"{board.feature}, data {board.data_hash[:8]}{', a trial' if board.limit else ''}")
    yield element(
        "p",
        f"Studies: {', '.join(board.studies)}. Rows evaluated:"
        f" {' to '.join(f'{count:,}' for count in dict.fromkeys((rows[0], rows[-1])))}. Hash of the data: ",
        element("code", board.data_hash),
        ".",
    )
    if board.limit:
        yield element("p", f"This is {trial_text(board.limit)}.", class_="warn")
    if len(rows) > 1:
        yield element(
            "p",
            "Not all of these runs evaluated the same number of rows (an earlier stage let others through,"
            " or answers are lacking), so their figures are not of quite the same rows.",
            class_="warn",
        )
    models = list(dict.fromkeys(_model(standing) for standing in board.standings))
    plotted = [
        _plotted(number, models, board.standings[number - 1], figure)
        for number in range(1, len(board.standings) + 1)
        if board.standings[number - 1].value is not None
    ]
    if plotted:
        yield _legend(models)
        yield element("div", *_plots(board, figure, plotted), class_="plots")
    yield table(
        [name.format(figure=figure) for name in _HEAD],
        [_cells(ranked) for ranked in board.ranked(right)],
        caption=f"{figure} of {board.feature}, the best first",
        classes=_CLASSES,
    )


def _figure(board: Board) -> str:
    return figure_title(board.figure) if board.figure else "No figure"


def _plots(board: Board, figure: str, plotted: Sequence[PlottedRun]) -> Iterator[Markup]:
    low, high = (-1.0, 1.0) if board.figure == "kendall_tau" else (0.0, 1.0)
    label = f"{figure} of {board.feature} in {len(plotted):,} runs, in the order of time"
    yield _plot(
        f"{figure} over time: the bar is the 95 % interval, the dashed line the majority baseline.",
        time_plot(plotted, low, high, label),
    )
    known = [run.cost_usd for run in plotted if run.cost_usd is not None]
    lacking = len(plotted) - len(known)
    unknown = f"Of {lacking:,} run{'s' if lacking > 1 else ''} the cost is not known." if lacking else ""
    if not any(known):
        whose = "Those of known cost" if lacking else "All of these runs"
        none = f"{whose} cost 0 USD" if known else "Of no run is the cost known"
        also = f" {unknown}" if known and unknown else ""
        yield element("p", f"{none}, so there is no plot of {figure} against cost.{also}", class_="soft")
        return
    text = f"{figure} against cost: no run is both cheaper and better than those on the line. {unknown}"
    yield _plot(
        text.strip(), cost_plot(plotted, low, high, f"{figure} of {board.feature} against cost in USD")
    )


def _plot(caption: str, picture: Markup) -> Markup:
    return element("figure", element("figcaption", caption), scroll_box(picture, caption))


def _legend(models: Sequence[str]) -> Markup:
    shown = [*models[:SERIES], *([f"{len(models) - SERIES:,} other models"] if len(models) > SERIES else [])]
    return element(
        "ul",
        *(
            element("li", series_mark(place, f"Mark of {name}"), " ", name)
            for place, name in enumerate(shown)
        ),
        class_="legend",
    )


def _plotted(number: int, models: Sequence[str], standing: Standing, figure: str) -> PlottedRun:
    assert standing.value is not None
    cost = _cost(standing)
    return PlottedRun(
        number=number,
        series=models.index(_model(standing)),
        value=standing.value,
        interval=standing.interval,
        majority=value_of_figure(standing.majority),
        cost_usd=standing.run.cost_usd,
        below=f"v{standing.prompt_version}",
        title=f"No. {number}: run {standing.run.id}, prompt version {standing.prompt_version},"
        f" {_model(standing)}: {figure} {_value(standing)}, majority {_majority(standing)}, cost {cost} USD",
    )


def _cells(ranked: Ranked) -> list[str]:
    standing = ranked.standing
    run = standing.run
    tested = "–" if ranked.p_against_first is None else f"{ranked.p_against_first:.3g}"
    return [
        *("–" if ranked.place is None else f"{ranked.place}", f"{ranked.number}"),
        *(_value(standing), _majority(standing), standing.letter, tested, _cost(standing)),
        *(f"{standing.prompt_version}", _model(standing), f"{standing.evaluated:,}", f"{run.samples}"),
        *(run.study, run.id, _time(run)),
    ]


def _model(standing: Standing) -> str:
    return f"{standing.run.model} (built-in baseline)" if standing.run.baseline else standing.run.model


def _value(standing: Standing) -> str:
    between = standing.interval
    text = three_decimals(standing.value)
    return text if between is None else f"{text} [{three_decimals(between[0])}, {three_decimals(between[1])}]"


def _majority(standing: Standing) -> str:
    return three_decimals(value_of_figure(standing.majority))


def _cost(standing: Standing) -> str:
    cost = standing.run.cost_usd
    return "not known" if cost is None else f"{cost:.6f}"


def _time(run: Run) -> str:
    return run.recorded_at[:16].replace("T", " ")
