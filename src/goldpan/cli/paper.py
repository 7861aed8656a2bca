"""`goldpan paper`: tables, figures, a methods text and checklists for the paper of a study."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan paper` to the command line."""
    parser = commands.add_parser(
        "paper", help="write tables, figures, methods text and reporting checklists of a study"
    )
    parser.add_argument("study", help="name or file of the study")
    parser.add_argument("--font", type=Path, help="a TrueType file that the PDFs are written with")
    parser.add_argument("--root", default=".", help="folder of the project (default: this one)")
    parser.add_argument("--results", help="another results folder than config/config.yaml names")
    parser.set_defaults(run=_paper, ledger=None)


def _paper(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.report.paper.kit import write_paper
    from goldpan.visible_text import printable

    for line in write_paper(project_of(options), options.font).summary_lines():
        print(printable(line))
