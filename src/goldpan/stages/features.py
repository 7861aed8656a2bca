"""The typed features of a stage of any kind: of its tasks, or those that a stage which asks nobody has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from goldpan.stages.columns import features_of
from goldpan.stages.mention_features import CLUSTER_FEATURES, LOCATE_FEATURES
from goldpan.study.load import Project
from goldpan.study.local_stage import ClustersStage, FilterStage, GatherStage, LocateStage
from goldpan.study.stage import Stage
from goldpan.tasks.features import Binary, Extraction, Feature, Field_, Score, Text
from goldpan.tasks.task import Task, load_task

KEPT = "kept"
"""The feature of a filter that says whether a record goes on."""

_KEPT = Binary(name=KEPT, type="binary", description="The record goes on.")
_KEYWORDS = Extraction(
    name="keywords",
    type="extraction",
    description="The keywords that were found, with their places in the text.",
    fields=[
        Field_(name="keyword", description="As the list has it."),
        Field_(name="start", type="integer", description="Characters of the text before it."),
        Field_(name="end", type="integer", description="Characters of the text up to its end."),
    ],
)
_LARGEST_SCORE = 1e9
_SCORED: list[Feature] = [
    Text(name="label", type="text", description="The label that the classifier finds likeliest."),
    Score(
        name="score",
        type="score",
        description="How likely the record is what is sought, 0 to 1; of a regression the number.",
        # What a regression predicts has no bounds.
        min=-_LARGEST_SCORE,
        max=_LARGEST_SCORE,
        integer=False,
    ),
]

_MOST_ITEMS = 1_000_000


def _gathered(settings: GatherStage) -> list[Feature]:
    features: list[Feature] = []
    for name, gathered in settings.features.items():
        if gathered.any is not None:
            about = gathered.description or f"Any of its items has: {gathered.any}"
            features.append(Binary(name=name, type="binary", description=about))
        else:
            about = gathered.description or f"The number of its items that have: {gathered.count}"
            features.append(
                Score(name=name, type="score", description=about, min=0, max=_MOST_ITEMS, integer=True)
            )
    return features


def _of_filter(settings: FilterStage) -> list[Feature]:
    keywords: list[Feature] = [] if settings.keywords is None else [_KEYWORDS]
    return [_KEPT, *keywords, *(_SCORED if settings.scores else [])]


FEATURES_OF_KIND: dict[type, Callable[[Any], list[Feature]]] = {
    FilterStage: _of_filter,
    LocateStage: lambda settings: LOCATE_FEATURES,
    ClustersStage: lambda settings: CLUSTER_FEATURES,
    GatherStage: _gathered,
}
"""Settings of a local stage -> its features, from these settings."""


def features_of_stage(project: Project, stage: str) -> list[Feature]:
    """The features of a stage of any kind, each once.

    Raises:
        TaskError: one of its tasks cannot be loaded, or two of them do not go together.
    """
    settings = project.study.stages[stage]
    if isinstance(settings, Stage):
        return features_of(_tasks(project, settings))
    return FEATURES_OF_KIND[type(settings)](settings)


def all_features_of_stage(project: Project, stage: str) -> list[Feature]:
    """The same, with those of all tasks of a stage one after the other, also where they share a name."""
    settings = project.study.stages[stage]
    if isinstance(settings, Stage):
        return [feature for task in _tasks(project, settings) for feature in task.features]
    return features_of_stage(project, stage)


def _tasks(project: Project, settings: Stage) -> list[Task]:
    return [load_task(choice.task, project.tasks) for choice in settings.task]
