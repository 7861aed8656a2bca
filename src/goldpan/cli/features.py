"""`goldpan features`: what is answered so far of a stage that has not ended."""

from __future__ import annotations

import argparse

from goldpan.cli import add_project_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan features` to the command line."""
    parser = commands.add_parser(
        "features", help="make the features of what is answered so far of a stage that has not ended"
    )
    parser.add_argument("stage", help="name of the stage")
    add_project_options(parser)
    parser.set_defaults(run=_features)


def _features(options: argparse.Namespace) -> None:
    from goldpan.batches.rounds import stage_has_ended
    from goldpan.cli.project import project_of, stage_of
    from goldpan.stages.rows import PENDING

    run = stage_of(project_of(options), options.stage)
    if stage_has_ended(run.project, run.name):
        print(f"the stage has ended; its features are {run.paths.features(run.name)}")
        return
    summary = run.consolidate_so_far().as_dict()
    for state, count in summary["states"].items():
        if count or state == PENDING:
            reasons = summary["reasons"].get(state, {})
            why = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
            print(f"{count} {state}" + (f" ({why})" if why else ""))
    partial = run.paths.partial(run.name, "features.jsonl")
    if summary["states"][PENDING]:
        print(f"{partial}; the next run goes on")
    else:
        print(f"{partial}; nothing is pending: a run makes the final ones")
