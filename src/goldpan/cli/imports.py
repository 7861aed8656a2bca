"""`goldpan import`: labels and answers that were made elsewhere, brought into a project."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from goldpan.cli import import_annotations


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan import` to the command line."""
    parser = commands.add_parser(
        "import", help="bring in labels of other tools, or answers that were paid for elsewhere"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    import_annotations.add_command(actions)
    if find_spec("goldpan.cli.import_answers"):
        from goldpan.cli import import_answers  # type: ignore[attr-defined, unused-ignore]

        import_answers.add_command(actions)
