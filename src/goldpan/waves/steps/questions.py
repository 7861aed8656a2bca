"""What annotators of a wave are asked, as the study and its tasks say it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.files import canonical_json, sha256_hex
from goldpan.stages.features import features_of_stage
from goldpan.statistics.scales import scale_of
from goldpan.study.load import Project
from goldpan.study.wave import Wave
from goldpan.tasks.features import Exclusive, Feature
from goldpan.tasks.task import Task, load_task
from goldpan.waves.codebook import Codebook, wave_features
from goldpan.waves.merging.dawid_skene_strategy import check_labels_closed
from goldpan.waves.steps.answered_table import check_table_names


@dataclass(frozen=True)
class Questions:
    """What a wave can ask, of which it asks some or all.

    Attributes:
        wave, where: as the study has it, and its place there, for errors.
        root: folder that the path of the guidelines starts from.
        by_task: the features of each task by name; those of a stage that asks nobody as of one task.
        exclusive: the groups of features of which one may hold.
        hash: what tells whether something else is asked.
    """

    wave: Wave
    where: str
    root: Path
    by_task: Sequence[Mapping[str, Feature]]
    exclusive: Sequence[Exclusive]
    hash: str

    @property
    def by_name(self) -> dict[str, Feature]:
        """All features, the last of each name."""
        return {name: feature for of_task in self.by_task for name, feature in of_task.items()}

    def codebook(self) -> Codebook:
        """What annotators are asked if the wave is given out now.

        Raises:
            StudyError: a feature is not there, differs between tasks, or cannot be merged as the wave says.
            OSError: the guidelines cannot be read.
        """
        wave, names = self.wave, self.wave.features
        if wave.from_ is not None:
            check_table_names(wave.from_, self.by_task[0], f"{self.where}.from")
            names = names or list(wave.from_.answers) or None
        features = wave_features(names, self.by_task, self.where)
        for feature in features.values():
            check_labels_closed(feature.name, scale_of(feature), wave.strategy)
        groups = {group.order[0]: group for group in self.exclusive}
        return Codebook(
            features=tuple(features.values()),
            task_hash=self.hash,
            exclusive=tuple(group for group in groups.values() if set(group.order) <= set(features)),
            guidelines=(self.root / wave.guidelines).read_text(encoding="utf-8") if wave.guidelines else "",
            cannot_tell=wave.cannot_tell,
        )


def questions_of(project: Project, name: str) -> Questions:
    """What a wave of a study can ask.

    Raises:
        TaskError: a task of its stage or table cannot be loaded.
    """
    wave, where = project.study.waves[name], f"waves.{name}"
    tasks = _tasks(project, wave)
    if not tasks:
        features = features_of_stage(project, wave.stage or "")
        settings = project.study.stages[wave.stage or ""].model_dump(mode="json")
        by_task = [{feature.name: feature for feature in features}]
        return Questions(wave, where, project.root, by_task, [], sha256_hex(canonical_json(settings)))
    return Questions(
        wave,
        where,
        project.root,
        [{feature.name: feature for feature in task.features} for task in tasks],
        [group for task in tasks for group in task.exclusive],
        " ".join(task.hash for task in tasks),
    )


def _tasks(project: Project, wave: Wave) -> list[Task]:
    """The tasks of a wave's stage, of which a local one has none, or that of its table."""
    if wave.from_ is not None:
        return [load_task(wave.from_.task, project.tasks, needs_prompt=False)]
    asked = project.study.asked_stages.get(wave.stage or "")
    return [load_task(choice.task, project.tasks) for choice in asked.task] if asked else []
