"""The commit that a project's files were at."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


def git_state(root: Path, besides: Path) -> dict[str, Any] | None:
    """The commit of a project, and whether files that git knows differ from it; None outside a repository.

    Args:
        root: folder of the project.
        besides: folder whose changes do not count.
    """
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return None
    ignored = [f":(exclude){besides}"] if besides.is_relative_to(root) else []
    changes = _git(root, "status", "--porcelain", "--untracked-files=no", "--", str(root), *ignored)
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
