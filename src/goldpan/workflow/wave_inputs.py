"""The files of waves, as the rules name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from goldpan.study.load import Project
from goldpan.study.wave import Wave
from goldpan.tasks.task import task_files
from goldpan.waves.collect.listing import sheet_files
from goldpan.waves.sampling.draw_file import given_out_settings
from goldpan.waves.sheets.write import sheet_names
from goldpan.waves.steps.given_out import (
    compared_with,
    drawn_from,
    given_out_before,
    origins_gone,
    wave_given_out,
)
from goldpan.workflow.paths_in_rules import path_in_rules
from goldpan.workflow.stage_inputs import looks_like_a_pattern


class WaveInputs:
    """Waves; see `Inputs`.

    Args:
        project: the project.
        tasks: stage -> the files of its tasks.
    """

    def __init__(self, project: Project, tasks: Mapping[str, list[str]]):
        self.project, self.study, self.paths, self._tasks = project, project.study, project.paths, tasks
        self.filled_sheets = {
            name: [
                path_in_rules(path, project.root)
                for path in sheet_files(project.root / wave.annotations_folder(self.study.study, name))
            ]
            for name, wave in self.study.waves.items()
        }
        # As they were given out, whatever the study says of them now.
        self.given_out = {
            name: wave_given_out(project, name) or wave for name, wave in self.study.waves.items()
        }

    def sheets(self, wave: str) -> list[str]:
        """The sheets of a wave."""
        return [self.paths.sheet(wave, name) for name in sheet_names(self.given_out[wave])]

    def missing_sheets(self, wave: str) -> list[str]:
        """The sheets of a wave that are still to be written; those that are there were given out."""
        return [path for path in self.sheets(wave) if not (self.project.root / path).exists()]

    def draw(self, wave: str) -> str:
        """What was given out of a wave. Only a wave that has none is drawn by a rule."""
        return self.study.waves[wave].draw_file(self.study.study, wave)

    def is_drawn(self, wave: str) -> bool:
        """Whether a wave has its draw."""
        return (self.project.root / self.draw(wave)).exists()

    def to_draw(self, wave: str) -> list[str]:
        """What a wave is drawn from; nothing where a sample of an earlier goldpan is taken over."""
        if given_out_before(self.project, wave):
            return []
        settings = self.study.waves[wave]
        return [*drawn_from(self.project, settings), *self._asked(settings, wave)]

    def of_changes(self, wildcards: Any) -> list[str]:
        """A draw and what it is compared with."""
        wave, settings = wildcards.wave, self.given_out[wildcards.wave]
        if origins_gone(self.project, settings):
            return [self.draw(wave)]
        return [self.draw(wave), *compared_with(self.project, settings), *self._asked(settings, wave)]

    def _asked(self, settings: Wave, wave: str) -> list[str]:
        """What says what annotators are asked."""
        now = self.study.waves[wave]
        # A stage that asks nobody has no tasks.
        files = self._tasks.get(settings.stage or "", [])
        if now.from_ is not None:
            files = [
                path_in_rules(file, self.project.root)
                for file in task_files(now.from_.task, self.project.tasks)
            ]
        guidelines = [now.guidelines] if now.guidelines else []
        return [*files, *guidelines]

    def settings_to_give_out(self, wildcards: Any) -> str:
        """The settings of a wave that would be given out now, as text."""
        return repr(sorted(given_out_settings(self.study.waves[wildcards.wave]).items()))

    def filled(self, wildcards: Any) -> list[str]:
        """The sheets of a wave that came back, but for those whose path Snakemake would take for a pattern.

        They are read like the others; `wave_setting` makes steps stale when they change.
        """
        return [path for path in self.filled_sheets[wildcards.wave] if not looks_like_a_pattern(path)]

    def gold_group(self, wildcards: Any) -> str | None:
        """By what agreement draws its items; a change makes it stale."""
        return self.given_out[wildcards.wave].gold.group

    def grouping_sample(self, wildcards: Any) -> list[str]:
        """The sample, where agreement draws its items by their groups; it needs none otherwise."""
        return [] if self.gold_group(wildcards) is None else [self.paths.sample(wildcards.wave)]

    def wave_setting(self, *names: str) -> Callable[[Any], str]:
        """Settings of a wave whose change makes a step stale, as text."""

        def setting(wildcards: Any) -> str:
            settings = self.given_out[wildcards.wave].model_dump(mode="json", include=set(names))
            with_braces = [
                (path, (found := (self.project.root / path).stat()).st_mtime_ns, found.st_size)
                for path in self.filled_sheets[wildcards.wave]
                if looks_like_a_pattern(path)
            ]
            # Left out where there is none: else a project of before would be stale.
            return repr(sorted(settings.items())) + (f" sheets: {with_braces}" if with_braces else "")

        return setting
