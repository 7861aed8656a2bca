"""How rules name the user's files: by their paths from the project's folder."""

from __future__ import annotations

from os.path import relpath
from pathlib import Path


def path_in_rules(path: Path | str, root: Path) -> str:
    """A file's path from the project's folder, so that a project that is moved or cloned is not stale.

    Snakemake puts a module's prefix before paths, but not before absolute ones or those with `..` at their
    start. So a file outside the folder is named by its path from the working folder, or by its absolute one.

    Args:
        path: the file, relative to the working folder or absolute.
        root: the project's folder.
    """
    inside = relpath(path, root)
    if not inside.startswith(".."):
        return inside
    from_here = relpath(path)
    return from_here if from_here.startswith("..") else str(Path(path).absolute())
