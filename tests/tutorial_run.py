"""docs/tutorial.md, typed step by step in a folder of its own; for its test and for its pictures."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.projects import CHECKOUT
from tests.typed_pages import Step, Typed, Written

TUTORIAL = CHECKOUT / "docs" / "tutorial.md"
PICTURES = CHECKOUT / "docs" / "images"
_RESULTS = "results/marketplace"
PAGES: Mapping[str, str] = {
    "tutorial_evaluation": f"{_RESULTS}/evaluation/uses.html",
    "tutorial_errors": f"{_RESULTS}/errors/uses.html",
    "tutorial_sheet": f"{_RESULTS}/waves/hard/sheets/anna.html",
    "tutorial_agreement": f"{_RESULTS}/waves/hard/agreement.html",
    "tutorial_search": f"{_RESULTS}/optimised/uses/search.html",
    "tutorial_search_diff": f"{_RESULTS}/optimised/uses/search.html",
    "tutorial_compare": "compare.html",
    "tutorial_leaderboard": "runs/leaderboard/uses.html",
    "tutorial_index": f"{_RESULTS}/index.html",
}
"""Picture -> the page of the project that it shows, at the step where the tutorial shows it."""


@dataclass
class TutorialRun:
    """A reader's folder, as far as the page was typed.

    Attributes:
        place: where the reader is.
    """

    place: Path

    def take(self, step: Step) -> str:
        """Do a step; what a command said, stdout and stderr together.

        Raises:
            AssertionError: a command failed.
        """
        if isinstance(step, Written):
            step.write(self.place)
        if not isinstance(step, Typed):
            return ""
        if step.command.startswith("cd "):
            self.place = self.place / shlex.split(step.command)[1]
            return ""
        done = subprocess.run(
            step.command,
            shell=True,
            cwd=self.place,
            env=_environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=580,
        )
        assert not done.returncode, f"{step.command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout


def _environment() -> dict[str, str]:
    """That of a reader who has activated the environment that goldpan is installed in."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
