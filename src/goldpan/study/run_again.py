"""How errors and pages tell a person to run a study.

A study is run by `goldpan run`, by Snakemake with options and a profile of one's own (`--profile slurm`), or
as a module of another workflow. No text knows which, so each says the same: as usual, and one command that
works in the project's folder where nothing else is usual.
"""

from __future__ import annotations

import shlex


def run_command(study: str, *words: str) -> str:
    """A command that runs a study, between backticks; `words` are settings (`limit=20`), options of Snakemake
    or files to make."""
    return f"`{shlex.join(['goldpan', 'run', *words, '--study', study])}`"


def run_as_usual(study: str, *words: str) -> str:
    """What to do to have a study run, for the end of a sentence; arguments as of `run_command`."""
    besides = f", with `{shlex.join(words)}`" if words else ""
    return f"run the study as usual{besides} (e.g. {run_command(study, *words)})"
