"""Whether a study asks what its own search proposed; looked at as a run starts, so it imports little."""

from __future__ import annotations

from pathlib import Path

from goldpan.study.load import Project


def proposed_by(search: str) -> str:
    """How the file of a proposed task begins, behind its `# `."""
    return f"Proposed by the search `{search}` (goldpan)"


def is_adopted(project: Project, search: str) -> bool:
    """Whether the stage of a search asks the task that this very search proposed.

    Such a search has done its work: made again it would begin at its own result, for new money.
    """
    stage = project.study.asked_stages[project.study.optimised[search].stage]
    files = [project.tasks / f"{choice.task}.yaml" for choice in stage.task]
    return any(_first_line(file).startswith(f"# {proposed_by(search)}") for file in files if file.exists())


def _first_line(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as text:
        return text.readline(1_000)
