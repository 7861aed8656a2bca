"""The actions of `goldpan experiments` that are about runs: what was run, how good it was, what differs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options
from goldpan.cli.run_tables import history_of, print_behind, print_unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldpan.experiments.history import History
    from goldpan.experiments.run import Run
    from goldpan.study import Project


def add_commands(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to `goldpan experiments`."""
    list_ = actions.add_parser("list", help="the modules of a study, and how their last runs did")
    list_.set_defaults(run=_list)
    run = actions.add_parser("run", help="run modules: calls snakemake for what is to be made")
    run.add_argument("module", nargs="*", help="modules, or stages measured by gold in fields")
    run.add_argument("--all", action="store_true", help="all that are enabled")
    run.add_argument("--samples", type=int, metavar="N", help="only N rows of each data set, drawn by --seed")
    run.add_argument("--seed", type=int, default=42, help="of the draw (default: 42)")
    run.add_argument("--model", help="another model than the study names")
    run.add_argument("--mode", choices=("batch", "online"), help="how it is asked, whatever the study says")
    run.add_argument("--cores", type=int, default=2, help="of snakemake (default: 2)")
    run.add_argument(
        "--dry-run", action="store_true", help="say what would be made; a derived study is written"
    )
    run.add_argument("--upload", action="store_true", help="and upload the runs to the study's trackers")
    run.set_defaults(run=_run)
    show = actions.add_parser("show", help="one run: what was asked, how good it was, what it cost")
    show.add_argument("id", metavar="ID", help="of the run, or how it begins")
    show.add_argument("--json", action="store_true", help="the whole file of the run")
    show.set_defaults(run=_show)
    pending = actions.add_parser("pending", help="modules that changed since their last run; spends nothing")
    pending.set_defaults(run=_pending)
    compare = actions.add_parser("compare", help="which rows changed between two runs, better or worse")
    compare.add_argument("first", metavar="A", help="id of a run")
    compare.add_argument("second", metavar="B", help="id of another")
    compare.add_argument("--html", type=Path, metavar="FILE", help="also write a page, texts side by side")
    compare.add_argument("--json", action="store_true", help="as JSON")
    compare.set_defaults(run=_compare)
    rebuild = actions.add_parser(
        "rebuild", help="make the registry and the leaderboards from the files of the runs"
    )
    rebuild.set_defaults(run=_rebuild)
    cleanup = actions.add_parser("cleanup", help="show files of the history that nothing refers to")
    cleanup.add_argument("--apply", action="store_true", help="move them into a folder of their own")
    cleanup.set_defaults(run=_cleanup)
    for action in (list_, run, show, pending, compare, rebuild, cleanup):
        add_project_options(action)


def _list(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_with_runs
    from goldpan.cli.tables import print_table
    from goldpan.experiments.history import History
    from goldpan.experiments.listing import listed_modules

    project = project_with_runs(options)
    history = History(project.runs)
    recorded = history.read()
    rows = [
        [
            *(module.id, module.name, module.kind, module.funnel, "yes" if module.enabled else "no"),
            *(module.rows, module.last.id if module.last else "never run"),
            _last_text(module.last) if module.last else None,
        ]
        for module in listed_modules(project, recorded)
    ]
    print(f"study {project.study.study}")
    head = ["module", "name", "kind", "funnel", "enabled", "rows", "last run", "95 % interval"]
    print_table(head, rows, empty="no modules, and no stage that is measured by gold in fields")
    print_unreadable(recorded.unreadable)
    if recorded.runs:
        print_behind(history, recorded)


def _last_text(run: Run) -> str:
    from goldpan.experiments.figures import metrics_text

    trial = "a trial: " if run.limit else ""
    return trial + "; ".join(map(metrics_text, run.metrics))


def _run(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_with_runs
    from goldpan.experiments.command import (
        is_asked_in_batches,
        project_to_run,
        run_snakemake,
        snakemake_arguments,
        stages_to_run,
    )
    from goldpan.tracking.upload import chosen_trackers

    project = project_with_runs(options)
    trackers = chosen_trackers(project, ()) if options.upload else []
    settings = {"ledger": options.ledger, "results": options.results, "mode": options.mode}
    stages = stages_to_run(project, None if options.all else options.module)
    project = project_to_run(
        project,
        stages,
        samples=options.samples,
        seed=options.seed,
        model=options.model,
        settings=settings,
    )
    if takes_long := [stage for stage in stages if is_asked_in_batches(project, stage)]:
        print(
            f"asked in batches, which may take a day: {', '.join(takes_long)}; --mode online asks now, at the"
            " price of single requests"
        )
    arguments = snakemake_arguments(
        project, stages, cores=options.cores, trackers=trackers, settings=settings
    )
    status = run_snakemake(project, arguments, dry_run=options.dry_run)
    if not status and not options.dry_run:
        _print_runs(project, stages)
    return status


def _print_runs(project: Project, stages: Sequence[str]) -> None:
    """What a run of Snakemake has come to."""
    from goldpan.experiments.figures import metrics_text
    from goldpan.experiments.history import History
    from goldpan.experiments.listing import copied_run_id

    history = History(project.runs)
    for stage in stages:
        run_id = copied_run_id(project.root / project.paths.run(stage, "json"))
        if run_id:
            run = history.named(run_id)
            print(f"{run.module}: run {run.id}: {'; '.join(map(metrics_text, run.metrics))}")
    print("then: goldpan experiments show ID, stats MODULE, compare A B")


def _show(options: argparse.Namespace) -> None:
    from goldpan.cli.tables import json_text
    from goldpan.files import read_json

    history = history_of(options)
    run = history.named(options.id)
    if options.json:
        print(json_text(read_json(history.run_file(run.id))), end="")
        return
    for line in _run_lines(run, history):
        print(line)


def _run_lines(run: Run, history: History) -> list[str]:
    from goldpan.experiments.compare_page import run_title
    from goldpan.experiments.figures import baseline_of, figure_text, grade, main_figure, value_of_figure
    from goldpan.records.limit import trial_text
    from goldpan.report_provenance import days

    version = history.read().versions()[run.module, run.prompt_hash]
    states = ", ".join(f"{count} {state}" for state, count in run.states.items())
    cost = "not known" if run.cost_usd is None else f"{run.cost_usd:.6f} USD"
    git = (
        "no repository"
        if run.git is None
        else run.git["commit"] + (" and changes" if run.git["dirty"] else "")
    )
    answered = None if run.answered_at is None else (run.answered_at, run.answered_at)
    lines = [
        run_title(run, version),
        *([trial_text(run.limit)] if run.limit else []),
        *(["answered by goldpan's built-in baseline, a weak annotator"] if run.baseline else []),
        f"rows: {run.records} ({states})",
    ]
    for metrics in run.metrics:
        main = main_figure(metrics.figures)
        lines.append(
            f"{metrics.feature}: grade {grade(value_of_figure(main))},"
            f" {metrics.items['evaluated']} rows evaluated"
        )
        majority = {
            figure["name"]: figure for figure in (metrics.baselines or [{"figures": []}])[0]["figures"]
        }
        lines += [
            f"  {figure['name']} {figure_text(figure)}"
            + (f"; majority {figure_text(majority[figure['name']])}" if figure["name"] in majority else "")
            for figure in metrics.figures
        ]
        if baseline_of(metrics) is None:
            lines.append("  no majority baseline")
    return [
        *lines,
        f"tokens: {', '.join(f'{count} {name}' for name, count in run.tokens.items() if count) or 'none'}",
        f"cost: {cost}",
        f"provider: {run.service} ({run.provider_kind}); parameters: {run.params}; samples: {run.samples}",
        f"prompt {run.prompt_hash}",
        f"data {run.data_hash}",
        f"newest answer: {days(answered) or 'unknown'}; recorded {run.recorded_at}",
        f"git: {git}; goldpan {run.goldpan_version}",
        f"rows: {history.rows_file(run.id)}",
    ]


def _pending(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_with_runs
    from goldpan.cli.tables import print_table
    from goldpan.experiments.history import History
    from goldpan.experiments.listing import pending_runs

    project = project_with_runs(options)
    pending = pending_runs(project, History(project.runs))
    rows = [[of.stage, of.why] for of in pending]
    if not rows:
        print(f"nothing is pending in study {project.study.study}")
        return
    print(f"study {project.study.study}")
    print_table(["module", "why"], rows, empty="")


def _compare(options: argparse.Namespace) -> None:
    from goldpan.cli.tables import json_text
    from goldpan.experiments.compare import compare_runs
    from goldpan.experiments.compare_page import comparison_page, comparison_text
    from goldpan.files import write_bytes

    history = history_of(options)
    found = compare_runs(history, history.named(options.first), history.named(options.second))
    if options.html:
        write_bytes(options.html, comparison_page(found).encode())
    if options.json:
        print(json_text(found.as_json()), end="")
        return
    for line in comparison_text(found):
        print(line)
    if options.html:
        print(f"page: {options.html}")


def _rebuild(options: argparse.Namespace) -> None:
    history = history_of(options)
    recorded = history.rebuild()
    print(f"{history.folder / 'registry.json'}: {len(recorded.runs)} runs")
    modules = len({run.module for run in recorded.runs})
    print(f"{history.folder / 'leaderboard'}: {modules} page{'' if modules == 1 else 's'}")
    print_unreadable(recorded.unreadable)


def _cleanup(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_with_runs
    from goldpan.cli.tables import print_table
    from goldpan.experiments.cleanup import leftovers, put_aside
    from goldpan.experiments.history import History

    project = project_with_runs(options)
    history = History(project.runs)
    found = leftovers(project, history)
    for study, why in found.unknown.items():
        print(f"study {study} {why}; its runs stay")
    rows = [[path.name, why] for path, why in found.files.items()]
    print_table(["file", "why"], rows, empty="nothing to clean up")
    if rows and options.apply:
        print(f"moved to {put_aside(history, found.files)}")
    elif rows:
        print("nothing was moved; --apply moves them into a folder, and removes nothing")
