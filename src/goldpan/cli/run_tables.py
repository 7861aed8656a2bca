"""`goldpan experiments stats`, `leaderboard` and `export`: runs side by side, and for other programs."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from goldpan.experiments.history import History
    from goldpan.experiments.paired import Right
    from goldpan.experiments.registry import Recorded
    from goldpan.experiments.run import Run


def add_commands(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to `goldpan experiments`."""
    stats = actions.add_parser("stats", help="the runs of a module over time")
    stats.add_argument("module", metavar="MODULE", help="its id; of a stage outside a table STUDY.STAGE")
    stats.set_defaults(run=_stats)
    board = actions.add_parser("leaderboard", help="the runs of a module, ranked, as text and as a page")
    board.add_argument(
        "module", metavar="MODULE", nargs="?", help="its id; of a stage outside a table STUDY.STAGE"
    )
    board.add_argument("--all", action="store_true", help="the pages of all modules")
    board.add_argument("--html", type=Path, metavar="FILE", help="also write the page of the module here")
    board.set_defaults(run=_leaderboard)
    export = actions.add_parser("export", help="runs in the form of the classic scripts")
    export.add_argument("name", metavar="ID|MODULE", nargs="*", help="runs by id, or all runs of a module")
    export.add_argument("--all", action="store_true", help="all runs")
    export.add_argument("--csv", type=Path, metavar="FOLDER", help="write the tables of these runs here")
    export.add_argument(
        "--registry",
        nargs="?",
        const="-",
        metavar="FILE",
        help="all runs as one JSON list, or CSV; default: print it",
    )
    export.set_defaults(run=_export)
    for action in (stats, board, export):
        add_project_options(action)


def history_of(options: argparse.Namespace) -> History:
    """The history of a project, for which no study is needed."""
    from goldpan.experiments.history import History
    from goldpan.study.load import project_settings

    root = Path(options.root)
    return History(root / project_settings(root, options.study or "").runs)


def print_unreadable(unreadable: dict[str, str]) -> None:
    """Name files that are passed over."""
    for name, why in unreadable.items():
        print(f"passed over {name}: {why}")


def print_behind(history: History, recorded: Recorded) -> None:
    """Say which files are not what the runs say."""
    behind = history.behind(recorded)
    if behind:
        print(
            f"not as the files of the runs are: {', '.join(str(path) for path in behind)};"
            " `goldpan experiments rebuild` makes that anew"
        )


def _runs_of(recorded: Recorded, module: str, study: str | None) -> list[Run]:
    """The runs of a module, or those of one study; raises StudyError where there are none."""
    from goldpan.errors import StudyError
    from goldpan.tasks.nearest import suggestion

    of_module = recorded.of_module(module)
    runs = [run for run in of_module if study in (None, run.study)]
    if runs:
        return runs
    print_unreadable(recorded.unreadable)
    known = suggestion(module, {run.module for run in recorded.runs})
    if of_module:
        known = f"there are runs of it in {', '.join(sorted({run.study for run in of_module}))}"
    of_study = f" in study `{study}`" if study else ""
    raise StudyError(
        f"no run of `{module}` is recorded{of_study}; {known or 'there are no runs'}",
        remedy=f"`goldpan experiments run {module}` makes one; `goldpan experiments list` shows the modules",
    )


def _stats(options: argparse.Namespace) -> None:
    from goldpan.cli.tables import print_table
    from goldpan.experiments.figures import figure_text
    from goldpan.experiments.standings import standings_of

    history = history_of(options)
    recorded = history.read()
    study = Path(options.study).stem if options.study else None
    rows = []
    for standing in standings_of(_runs_of(recorded, options.module, study), recorded.versions()):
        run = standing.run
        rows.append(
            [
                *(run.recorded_at[:19].replace("T", " "), run.id, run.study, run.data_hash[:8]),
                *(standing.prompt_version, run.model, "yes" if run.limit else "no"),
                *(standing.metrics.feature, standing.evaluated, standing.figure_name),
                *(figure_text(standing.figure), figure_text(standing.majority)),
                *(standing.letter, _cost(run)),
            ]
        )
    print_table(
        [
            *("recorded (UTC)", "run", "study", "data", "prompt", "model", "trial", "feature", "rows"),
            *("figure", "95 % interval", "majority", "grade", "USD"),
        ],
        rows,
        empty="nothing was measured",
    )
    others = Counter(
        run.study for run in recorded.of_module(options.module) if study not in (None, run.study)
    )
    for name, runs in others.items():
        print(f"not shown: {runs} run{'s' if runs > 1 else ''} of study {name}")
    print_unreadable(recorded.unreadable)
    print_behind(history, recorded)


def _leaderboard(options: argparse.Namespace) -> None:
    from goldpan.errors import StudyError

    if options.all == bool(options.module) or (options.all and options.html):
        raise StudyError("name one module, or say --all (without --html: each module has a page of its own)")
    history = history_of(options)
    recorded = history.read()
    if options.module:
        _runs_of(recorded, options.module, None)
    if recorded.runs:
        # The pages lie in the history; made anew, they cannot be behind it.
        recorded = history.rebuild()
    if options.all:
        for module in sorted({run.module for run in recorded.runs}):
            print(history.leaderboard_file(module))
        if not recorded.runs:
            print("there are no runs")
        print_unreadable(recorded.unreadable)
        return
    _print_boards(_runs_of(recorded, options.module, None), recorded, history.right_by_run())
    page = history.leaderboard_file(options.module)
    if options.html:
        from goldpan.files import write_bytes

        write_bytes(options.html, page.read_bytes())
    print(f"page: {options.html or page}")
    print_unreadable(recorded.unreadable)


def _print_boards(runs: list[Run], recorded: Recorded, right: Callable[[Run], Right]) -> None:
    from goldpan.cli.tables import print_table
    from goldpan.experiments.figures import figure_text
    from goldpan.experiments.standings import boards_of, standings_of
    from goldpan.records.limit import trial_text

    for board in boards_of(list(standings_of(runs, recorded.versions()))):
        studies = ", ".join(board.studies)
        trial = f"; {trial_text(board.limit)}" if board.limit else ""
        print(
            f"{board.feature}, {board.figure or 'no figure'}, data {board.data_hash[:8]} of {studies}{trial}"
        )
        rows = [
            [
                *(ranked.place, ranked.standing.run.id, ranked.standing.prompt_version),
                *(ranked.standing.run.model, ranked.standing.evaluated),
                *(figure_text(ranked.standing.figure), figure_text(ranked.standing.majority)),
                *(ranked.standing.letter, _p_value(ranked.p_against_first), _cost(ranked.standing.run)),
            ]
            for ranked in board.ranked(right)
        ]
        head = ["rank", "run", "prompt", "model", "rows", "95 % interval", "majority", "grade"]
        print_table([*head, "p against first", "USD"], rows, empty="")
        print()


def _p_value(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g}"


def _cost(run: Run) -> str | None:
    return None if run.cost_usd is None else f"{run.cost_usd:.4f}"


def _export(options: argparse.Namespace) -> None:
    from goldpan.errors import StudyError
    from goldpan.experiments.export import (
        classic_registry,
        export_tables,
        registry_csv,
        registry_json,
        runs_meant,
    )
    from goldpan.files import write_bytes

    if not (options.csv or options.registry):
        raise StudyError("what is to be exported is not said", remedy="say --csv FOLDER, --registry, or both")
    if options.csv and options.all == bool(options.name):
        raise StudyError("name runs or modules whose tables are to be exported, or say --all")
    if options.name and not options.csv:
        raise StudyError(
            "--registry has all runs of the history", remedy="leave the names out, or add --csv FOLDER"
        )
    history = history_of(options)
    recorded = history.read()
    if options.registry:
        entries, faults = classic_registry(history, recorded, Path(options.root))
        is_table = options.registry.lower().endswith(".csv")
        content = registry_csv(entries) if is_table else registry_json(entries)
        if options.registry == "-":
            print(content.decode(), end="")
        else:
            write_bytes(Path(options.registry), content)
            print(f"{options.registry}: {len(entries)} runs")
        _warn({**recorded.unreadable, **faults})
    if options.csv:
        runs = recorded.runs if options.all else runs_meant(history, recorded, options.name)
        for path in export_tables(history, recorded, runs, options.csv):
            print(path)
        if not options.registry:
            _warn(recorded.unreadable)


def _warn(faults: dict[str, str]) -> None:
    """Name files that are passed over, beside what is printed for programs."""
    import sys

    for name, why in faults.items():
        print(f"passed over {name}: {why}", file=sys.stderr)
