"""`goldpan import`: labels and answers that were made elsewhere, brought into a project."""

from __future__ import annotations

import argparse

from goldpan.cli import import_annotations, import_answers


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan import` to the command line."""
    parser = commands.add_parser(
        "import", help="bring in labels of other tools, or answers that were paid for elsewhere"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for part in (import_annotations, import_answers):
        part.add_command(actions)
