"""A person's word to ask a stage on although most of its answers are bad."""

from __future__ import annotations

from goldpan.files import read_json, write_json
from goldpan.study.load import Project
from goldpan.tasks.task import load_task


def may_go_on(project: Project, stage: str, *, now: bool) -> bool:
    """Whether a person says, or has said, to ask these tasks of this model in spite of bad answers.

    The word is kept with the tasks and the model that it was said of, and holds for no others.

    Args:
        project, stage: of which it is said.
        now: whether it is said now.
    """
    word = project.root / project.paths.go_on(stage)
    if not now and not word.exists():
        return False
    settings = project.study.asked_stages[stage]
    tasks = {choice.task: load_task(choice.task, project.tasks).hash for choice in settings.task}
    asked = {"model": settings.model, "tasks": tasks}
    if now:
        write_json(word, asked)
    return bool(read_json(word) == asked)
