"""`goldpan init` and `goldpan run`: a project to start from, and its workflow."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from goldpan.cli import add_project_options

# As `goldpan.workflow.new_project.TEMPLATES` has them, which is imported when it is needed.
_TEMPLATES = ("letters", "trace_critic", "two_step", "dataset_mentions", "keywords")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    init = commands.add_parser("init", help="make a small project to start from")
    init.add_argument("folder", metavar="FOLDER", help="where; made if need be, nothing is overwritten")
    init.add_argument(
        "--from",
        dest="template",
        choices=_TEMPLATES,
        default="letters",
        help="study that ships; default letters",
    )
    init.set_defaults(run=_init)

    run = commands.add_parser(
        "run",
        help="run the workflow: all that is stale, or the files that are named",
        usage="goldpan run [TARGET ...] [--study NAME] [-n] [mode=online] [limit=N] [options of Snakemake]",
        epilog="All else is given to Snakemake as it is, e.g. -n, --profile slurm, --forcerun RULE; see"
        " `snakemake --help`. KEY=VALUE is a setting of the project for this run: mode, limit, go_on, ...",
        allow_abbrev=False,
    )
    add_project_options(run)
    run.set_defaults(run=_run, takes_other_arguments=True)


def _init(options: argparse.Namespace) -> None:
    from goldpan.errors import StudyError
    from goldpan.workflow.new_project import make_project

    if not options.folder.strip():
        raise StudyError(
            "the folder has no name", remedy="goldpan init NAME, or `goldpan init .` for this one"
        )
    folder = Path(options.folder)
    for path in make_project(folder, options.template):
        print(folder / path)
    print("\nnext:")
    if folder.resolve() != Path.cwd():
        print(f"  cd {shlex.quote(options.folder)}")
    print("  goldpan run")


def _run(options: argparse.Namespace) -> None:
    """Become Snakemake: signals and its exit code are its own."""
    from goldpan.workflow.snakemake_command import snakemake_command

    root = Path(options.root)
    is_file = options.study is not None and options.study.endswith((".yaml", ".yml"))
    study = options.study
    if is_file and not (root / study).exists() and Path(study).exists():
        study = str(Path(study).resolve())
    config = {"study": study, "ledger": options.ledger, "results": options.results}
    command = snakemake_command(root, config, options.others)
    os.chdir(root)
    sys.stdout.flush()
    os.execv(command[0], command)
