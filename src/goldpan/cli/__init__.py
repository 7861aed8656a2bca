"""The command line. Each group of commands is one module, imported when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from goldpan import __version__
from goldpan.errors import GoldpanError, storage_error

_GROUPS = (
    "project_folder",
    "study",
    "preview",
    "features",
    "report",
    "batches",
    "waves",
    "plain_tables",
    "paper",
    "experiments",
    "optimise",
    "models",
    "ledger",
    "imports",
    "convert",
    "bundle",
    "docs",
    "serve",
    "efficiency",
    "step",
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each command's function is its default `run`."""
    from importlib import import_module

    parser = argparse.ArgumentParser(
        prog="goldpan",
        description="Label a corpus through batch APIs, paid for exactly once.",
        epilog="Start with `goldpan init FOLDER`. The workflow is run by Snakemake, or `goldpan run`.",
    )
    parser.add_argument("--version", action="version", version=f"goldpan {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for group in _GROUPS:
        import_module(f"goldpan.cli.{group}").add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code.

    Errors of goldpan are shown as what happened, where, and what to do; anything else is a fault of goldpan
    and shows its traceback.
    """
    options = _parsed(arguments)
    try:
        return options.run(options) or 0
    except GoldpanError as error:
        print(f"goldpan: {type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("goldpan: stopped; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        named = storage_error(error)
        if named is None:
            raise
        print(f"goldpan: {type(named).__name__}: {named}", file=sys.stderr)
        return named.exit_code


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command; `others` is what a command that runs another program passes on to it."""
    parser = build_parser()
    options, others = parser.parse_known_args(arguments)
    if others and not hasattr(options, "takes_other_arguments"):
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.others = others
    return options


def add_project_options(parser: argparse.ArgumentParser) -> None:
    """Options that say which study of which project is meant."""
    parser.add_argument("--study", help="name or file of the study; default: as config/config.yaml says")
    parser.add_argument("--root", default=".", help="folder of the project (default: this one)")
    parser.add_argument("--ledger", help="another ledger than config/config.yaml names")
    parser.add_argument("--results", help="another results folder than config/config.yaml names")
