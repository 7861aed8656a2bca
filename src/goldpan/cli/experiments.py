"""`goldpan experiments`: the modules of a project and their data sets."""

from __future__ import annotations

import argparse

from goldpan.cli import runs


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan experiments` to the command line."""
    experiments = commands.add_parser("experiments", help="modules of a table and their data sets")
    actions = experiments.add_subparsers(dest="action", metavar="ACTION", required=True)
    runs.add_actions(actions)
