"""`goldpan optimise adopt`: what a search proposes becomes a task of the project, under a new name."""

from __future__ import annotations

import argparse

from goldpan.cli import add_project_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan optimise` to the command line."""
    parser = commands.add_parser("optimise", help="what searches for better prompts propose")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    adopt = actions.add_parser("adopt", help="copy the proposed task to config/tasks, under a new name")
    adopt.add_argument("search", metavar="NAME", help="the search, as the study calls it")
    adopt.add_argument("--as", dest="new_name", metavar="TASK", help="the new name (default: PARENT_v2, ...)")
    add_project_options(adopt)
    adopt.set_defaults(run=_adopt)


def _adopt(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.optimise.proposal import adopt_proposal

    project = project_of(options)
    files = adopt_proposal(project, options.search, options.new_name)
    for file in files:
        print(file)
    stage = project.study.optimised[options.search].stage
    print(
        f"To ask it, write `task: {files[0].stem}` in stages.{stage} of {project.study_file}: the"
        " rows that the search has asked are in the ledger and are not paid again."
    )
