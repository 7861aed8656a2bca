"""Whether a stage asks a prompt that a search of its study has proposed."""

from __future__ import annotations

from goldpan.study.load import Project
from goldpan.tasks.proposed import search_that_proposed


def searches_adopted_by(project: Project, stage: str) -> set[str]:
    """Names of the searches that the tasks of a stage come from; none of a stage that asks nobody."""
    settings = project.study.asked_stages.get(stage)
    files = [project.tasks / f"{choice.task}.yaml" for choice in settings.task] if settings else []
    return {search for search in map(search_that_proposed, files) if search is not None}


def is_adopted(project: Project, search: str) -> bool:
    """Whether the stage of a search asks the task that this very search proposed.

    Such a search has done its work: made again it would begin at its own result, for new money.
    """
    return search in searches_adopted_by(project, project.study.optimised[search].stage)
