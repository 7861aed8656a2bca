"""`goldpan import annotations`: labels of other tools into a golden set or the sheets of a wave."""

from __future__ import annotations

import argparse
from pathlib import Path

from goldpan.cli import add_project_options


def add_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to `goldpan import`."""
    parser = actions.add_parser(
        "annotations", help="labels of other tools: into a golden set, or the sheets of a wave"
    )
    parser.add_argument("file", type=Path, nargs="+", metavar="FILE", help="exports, or folders of them")
    parser.set_defaults(run=_annotations)
    add_project_options(parser)


def _annotations(options: argparse.Namespace) -> None:
    raise NotImplementedError
