"""Shipped studies that were run to their end with the built-in baseline: their JSON artifacts and gold sets.

What is kept is what `make demo` and the other studies left, so that their pages can be looked at without
running them again.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from goldpan.study import Project, load_project
from tests.projects import CHECKOUT

NAMES = ("quickstart", "two_step", "dataset_mentions", "trace_critic")
_KEPT = CHECKOUT / "tests" / "data" / "finished_studies.tar.gz"


def finished_project(root: Path) -> Path:
    """A project with the checkout's configuration and what the four studies left; its folder."""
    with tarfile.open(_KEPT) as kept:
        kept.extractall(root, filter="data")
    shutil.copytree(CHECKOUT / "config", root / "config", ignore=shutil.ignore_patterns("derived"))
    shipped = root / "config" / "studies" / "trace_critic.yaml"
    text = shipped.read_text(encoding="utf-8")
    text = text.replace("provider: openai\n", "provider: baseline\n").replace(
        "model: gpt-4.1-mini\n", "model: goldpan-baseline-1\n"
    )
    shipped.write_text(text, encoding="utf-8")
    return root


def finished_study(root: Path, name: str) -> Project:
    """One of the studies in such a project."""
    return load_project(name, root=root)
