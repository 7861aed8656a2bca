"""`goldpan experiments`: the modules of a project, their data sets and their runs."""

from __future__ import annotations

import argparse

from goldpan.cli import add_project_options, golden, run_tables, runs, tracking


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan experiments` to the command line."""
    experiments = commands.add_parser(
        "experiments", help="modules of a table: their data sets and their runs"
    )
    actions = experiments.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check", help="check the data sets of modules against their tasks; spends nothing"
    )
    check.add_argument("module", nargs="*", help="ids of modules; default all")
    add_project_options(check)
    check.set_defaults(run=_check)
    for part in (runs, run_tables, tracking, golden):
        part.add_commands(actions)


def _check(options: argparse.Namespace) -> None:
    from goldpan.experiments.check import check_data_sets, modules_without_data, projects_with_modules

    projects, others = projects_with_modules(options.root, options.study)
    for checked in check_data_sets(projects, options.module, others):
        answers = "".join(
            f"; {feature}: "
            + (", ".join(f"{count} {answer}" for answer, count in sorted(counts.items())) or "none")
            for feature, counts in checked.answers.items()
        )
        print(f"{checked.study} {checked.module}: {checked.rows} rows{answers}")
        for note in checked.notes:
            print(f"  {note}")
    for project in projects:
        for module in modules_without_data(project):
            if not options.module or module in options.module:
                folder = project.study.modules.data if project.study.modules else ""
                print(f"{project.study.study} {module}: {folder} has no rows for it, so it is left out here")
