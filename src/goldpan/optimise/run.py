"""One search for a better prompt of a project, from the files it reads to the files it leaves."""

from __future__ import annotations

from goldpan.study.load import Project


def optimise_in_project(project: Project, name: str) -> None:
    """Search, and write what was found; goes on where a search of the same settings was stopped."""
    raise NotImplementedError(project, name)
