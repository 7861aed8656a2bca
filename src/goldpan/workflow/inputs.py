"""Which files the rules name, as plain Python: no data file is opened here.

What a rule calls as an input function takes Snakemake's wildcards, of which any object with these attributes
will do; everything else takes names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from os.path import relpath
from pathlib import Path
from typing import Any

from goldpan.batches.rounds import planned_shards, rounds_to_settle
from goldpan.errors import StudyError
from goldpan.evaluation.files import describing_stages, gold_files, predicted_files
from goldpan.heads.files import annotated_files, annotated_places
from goldpan.models.folders import is_model_folder, shaping_files
from goldpan.providers.model_choice import asked_stage
from goldpan.records.inputs import source_files
from goldpan.stages.records import rationales_carried
from goldpan.study.load import Project
from goldpan.study.wave import Wave
from goldpan.tasks.task import task_files
from goldpan.waves.collect.listing import sheet_files
from goldpan.waves.sampling.draw_file import given_out_settings
from goldpan.waves.sheets.write import sheet_names
from goldpan.waves.steps.given_out import drawn_from, given_out_before, origins_gone, wave_given_out


class Inputs:
    """The files of one study, by what its configuration and the user's folders hold now.

    Paths are relative to the working folder, so that a project that is moved or cloned is not stale.

    Args:
        project: the project; the working folder is its root.

    Raises:
        StudyError, SourceError, TaskError: a file that the study names is missing or not what it should be.
    """

    def __init__(self, project: Project):
        self.project, self.study, self.paths = project, project.study, project.paths
        self._model_files: dict[str, list[str]] = {}
        self.input_files = {
            name: {file: relpath(path) for file, path in source_files(source, project.root).items()}
            for name, source in self.study.sources.items()
        }
        self.task_files = {
            name: sorted(
                {relpath(file) for choice in stage.task for file in task_files(choice.task, project.tasks)}
            )
            for name, stage in self.study.stages.items()
        }
        self.filled_sheets = {
            name: [
                relpath(path)
                for path in sheet_files(project.root / wave.annotations_folder(self.study.study, name))
            ]
            for name, wave in self.study.waves.items()
        }

        # As they were given out, whatever the study says of them now.
        self.waves = {name: wave_given_out(project, name) or wave for name, wave in self.study.waves.items()}

    # Stages

    def _records_of(self, sources: Iterable[str]) -> list[str]:
        return [self.paths.records(source, file) for source in sources for file in self.input_files[source]]

    def source_file(self, wildcards: Any) -> str:
        """The user's file, or its stand-in where Snakemake would take a part of its path for a wildcard."""
        return self._source_file(wildcards.source, wildcards.file)

    def _source_file(self, source: str, file: str) -> str:
        path = self.input_files[source][file]
        return self.paths.stand_in(source, file) if "{" in path else path

    def files_of_source(self, wildcards: Any) -> list[str]:
        """The user's files of a source, in their order."""
        return [self._source_file(wildcards.source, file) for file in self.input_files[wildcards.source]]

    def limits(self, sources: Iterable[str]) -> list[str]:
        """What says which rows of sources are read, of those that have a limit."""
        limited = [source for source in sources if self.study.sources[source].limit]
        return [self.paths.limit(source) for source in dict.fromkeys(limited)]

    def limit_of_source(self, wildcards: Any) -> list[str]:
        """What says which rows of a source are read, where it has a limit."""
        return self.limits([wildcards.source])

    def limits_of_stage(self, wildcards: Any) -> list[str]:
        """The same of the sources that a stage's records come from."""
        return self.limits(self.study.sources_of(wildcards.stage))

    def source_setting(self, wildcards: Any) -> str:
        """How a source is read, as text, whose change makes its records stale."""
        return self.study.sources[wildcards.source].model_dump_json(exclude={"files", "limit"})

    def of_stage(self, wildcards: Any) -> list[str]:
        """A stage asks about its sources' records, or about what an earlier stage answered."""
        earlier = self.study.stages[wildcards.stage].input.stage
        if earlier is None:
            return self._records_of(self.study.sources_of(wildcards.stage))
        return [self.paths.stage_records(earlier), self.paths.features(earlier)]

    def tasks(self, wildcards: Any) -> list[str]:
        """The task files and prompts of a stage."""
        return self.task_files[wildcards.stage]

    def stage_setting(self, *names: str) -> Callable[[Any], str]:
        """Settings of a stage, as its requests are made, whose change makes a step stale, as text."""

        def setting(wildcards: Any) -> str:
            stage = asked_stage(self.study.stages[wildcards.stage])
            return _as_text(stage.model_dump(mode="json", include=set(names)))

        return setting

    def stage_records_setting(self, wildcards: Any) -> str:
        """Settings of a stage whose change makes its records stale, with the rationales that they carry."""
        rationales = sorted(rationales_carried(self.project, wildcards.stage))
        said = self.stage_setting("input")(wildcards)
        return f"{said} rationales: {', '.join(rationales)}" if rationales else said

    def features_setting(self, wildcards: Any) -> str:
        """Settings of a stage whose change makes its features stale, as text."""
        stage = self.study.stages[wildcards.stage]
        aggregate = f" aggregate: {stage.aggregate or 'by type'}" if stage.samples > 1 else ""
        return self.stage_setting("task", "output", "price_usd_per_million")(wildcards) + aggregate

    def round_before(self, wildcards: Any) -> list[str]:
        """A round asks what the one before it left; the first has none before it."""
        number = int(wildcards.round)
        return [self.paths.settled(wildcards.stage, number - 1)] if number > 1 else []

    def _of_shards(self, wildcards: Any, artifact: Callable[[str, Any, str], str]) -> list[str]:
        """An artifact of each shard of a round, as far as it is planned."""
        plan = self.paths.plan(wildcards.stage, wildcards.round)
        return [artifact(wildcards.stage, wildcards.round, shard) for shard in planned_shards(plan)]

    def batches(self, wildcards: Any) -> list[str]:
        """The batch-id files of a round."""
        return self._of_shards(wildcards, self.paths.batch)

    def raw(self, wildcards: Any) -> list[str]:
        """The raw lines of a round."""
        return self._of_shards(wildcards, self.paths.raw)

    def settled_rounds(self, wildcards: Any) -> list[str]:
        """Every round up to the first that leaves nothing to ask, as far as they are settled."""
        return rounds_to_settle(self.paths, wildcards.stage)

    def tables(self, stage: str) -> list[str]:
        """The per-file tables of a stage, if it wants them."""
        if self.study.stages[stage].tables is None:
            return []
        sources = self.study.sources_of(stage)
        files = [(source, file) for source in sources for file in self.input_files[source]]
        return list(self.paths.tables(stage, files).values())

    # Waves

    def sheets(self, wave: str) -> list[str]:
        """The sheets of a wave."""
        return [self.paths.sheet(wave, name) for name in sheet_names(self.waves[wave])]

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
        return self._of_wave(self.study.waves[wave], wave)

    def of_changes(self, wildcards: Any) -> list[str]:
        """A draw and what it is compared with."""
        wave, settings = wildcards.wave, self.waves[wildcards.wave]
        compared = [] if origins_gone(self.project, settings) else self._of_wave(settings, wave)
        return [self.draw(wave), *compared]

    def _of_wave(self, settings: Wave, wave: str) -> list[str]:
        now = self.study.waves[wave]
        files = self.task_files[settings.stage] if settings.stage else []
        if now.from_ is not None:
            files = [relpath(file) for file in task_files(now.from_.task, self.project.tasks)]
        guidelines = [now.guidelines] if now.guidelines else []
        return [*drawn_from(self.project, settings), *files, *guidelines]

    def draw_of(self, wildcards: Any) -> str:
        """What was given out of a wave."""
        return self.draw(wildcards.wave)

    def settings_to_give_out(self, wildcards: Any) -> str:
        """The settings of a wave that would be given out now, as text."""
        return repr(sorted(given_out_settings(self.study.waves[wildcards.wave]).items()))

    def filled(self, wildcards: Any) -> list[str]:
        """The sheets of a wave that came back, but for those whose path Snakemake would take for a pattern.

        They are read like the others; `wave_setting` makes steps stale when they change.
        """
        return [path for path in self.filled_sheets[wildcards.wave] if "{" not in path]

    def wave_setting(self, *names: str) -> Callable[[Any], str]:
        """Settings of a wave whose change makes a step stale, as text."""

        def setting(wildcards: Any) -> str:
            settings = self.waves[wildcards.wave].model_dump(mode="json", include=set(names))
            with_braces = [
                (path, Path(path).stat().st_mtime_ns, Path(path).stat().st_size)
                for path in self.filled_sheets[wildcards.wave]
                if "{" in path
            ]
            # Left out where there is none: else a project of before would be stale.
            return repr(sorted(settings.items())) + (f" sheets: {with_braces}" if with_braces else "")

        return setting

    # Embeddings, heads and annotated files

    def embedding_setting(self, embedding: str) -> str:
        """Settings of an embedding whose change makes it stale, as text."""
        settings = self.study.embeddings[embedding]
        return _as_text(settings.model_dump(mode="json", exclude={"source", "shards"}))

    def embedding_model_files(self, embedding: str) -> list[str]:
        """The files of an embedding's model that lies in a folder of the project's; looked for once, not for
        each of its jobs."""
        if embedding not in self._model_files:
            folder = self.project.root / self.study.embeddings[embedding].model
            files = shaping_files(folder).values() if is_model_folder(folder) else ()
            self._model_files[embedding] = [relpath(path) for path in sorted(files)]
        return self._model_files[embedding]

    def embedded_places(self, embedding: str) -> list[tuple[str, str]]:
        """(source, file) of all records files of an embedding."""
        return [
            (source, file)
            for source in self.study.embeddings[embedding].source
            for file in self.input_files[source]
        ]

    def embeddings(self, embedding: str) -> list[str]:
        """All embeddings files of an embedding."""
        return [self.paths.embeddings(embedding, *place) for place in self.embedded_places(embedding)]

    def shards_of_embedding(self, embedding: str) -> dict[int, list[tuple[str, str]]]:
        """Shard -> the places of its records files."""
        shards: dict[int, list[tuple[str, str]]] = {}
        for place in self.embedded_places(embedding):
            shards.setdefault(self.study.embeddings[embedding].shard_of(*place), []).append(place)
        return shards

    def can_train(self, head: str) -> bool:
        """Whether the labels of a head can be made; those of a wave need filled sheets."""
        wave = self.study.heads[head].labels.wave
        return wave is None or bool(self.filled_sheets[wave])

    def can_annotate(self, annotated: str) -> bool:
        """Whether all heads that annotate can be trained."""
        return all(self.can_train(head) for head in self.study.annotated[annotated].heads)

    def records_to_annotate(self, wildcards: Any) -> str:
        """The records of an annotated file.

        Raises:
            StudyError: the study wants the file compressed in another way.
        """
        suffix = self.study.annotated[wildcards.annotated].suffix
        if wildcards.suffix != suffix:
            raise StudyError(
                f"files of annotated.{wildcards.annotated} end in {suffix}; `compression` in the study says"
                " otherwise"
            )
        return self.paths.records(wildcards.source, wildcards.file)

    def external_heads(self, wildcards: Any) -> list[str]:
        """The files of heads that were made elsewhere. Raises StudyError when one of them is not there."""
        files: list[str] = []
        for name in self.study.annotated[wildcards.annotated].regression_head_checkpoints.values():
            path = self.project.root / name
            if not path.exists():
                raise StudyError(
                    f"annotated.{wildcards.annotated}.regression_head_checkpoints: there is no file or folder"
                    f" `{name}`"
                )
            files += map(relpath, _files_in(path))
        return files

    def of_embedding_summary(self, wildcards: Any) -> list[str]:
        """What an embedding has made, and the limits of its sources."""
        sources = self.study.embeddings[wildcards.embedding].source
        return [*self.embeddings(wildcards.embedding), *self.limits(sources)]

    def counts_of_annotated(self, wildcards: Any) -> list[str]:
        """The counts of all annotated files, and the limits of their sources."""
        settings = self.study.annotated[wildcards.annotated]
        places = annotated_places(self.project, wildcards.annotated)
        return [
            *(self.paths.annotated_counts(wildcards.annotated, *place, settings.suffix) for place in places),
            *self.limits(self.study.embeddings[settings.embedding].source),
        ]

    # Evaluations

    def of_evaluation(self, wildcards: Any) -> list[str]:
        """The gold, what was drawn and merged, or the tasks of gold in fields, and the predictions that an
        evaluation measures; of stages also the summaries, which know the cost."""
        evaluation = self.study.evaluations[wildcards.evaluation]
        wave, predictions = evaluation.wave, evaluation.predictions.values()
        if wave is None:
            stages = describing_stages(self.project, evaluation)
            beside = sorted({file for stage in stages for file in self.task_files[stage]})
        else:
            beside = [self.paths.sample(wave), self.paths.merged(wave)]
        return [
            *gold_files(self.project, evaluation),
            *beside,
            *(self.paths.summary(predicted.stage) for predicted in predictions if predicted.stage),
            *(path for predicted in predictions for path in predicted_files(self.project, predicted)),
            *self.limits(chain.from_iterable(map(self.study.sources_predicted, predictions))),
        ]

    def evaluation_setting(self, wildcards: Any) -> str:
        """The settings of an evaluation, as text."""
        return self.study.evaluations[wildcards.evaluation].model_dump_json()

    # All that the study asks for

    def everything(self) -> Iterator[str]:
        """What can be made now of all that the study asks for."""
        study, paths = self.study, self.paths
        for stage in study.stages:
            yield from (paths.features(stage), paths.features_parquet(stage), paths.summary(stage))
            yield from self.tables(stage)
        for wave in study.waves:
            yield from (paths.sample(wave), *self.sheets(wave), paths.wave_changes(wave))
            if self.filled_sheets[wave]:
                yield from (paths.agreement(wave, "html"), paths.disagreements(wave))
                yield paths.gold(wave, "card.md")
        for embedding in study.embeddings:
            yield from (*self.embeddings(embedding), paths.embedding_summary(embedding))
        yield from (paths.head(head, "metrics.json") for head in study.heads if self.can_train(head))
        for annotated in filter(self.can_annotate, study.annotated):
            yield from (*annotated_files(self.project, annotated), paths.annotated_summary(annotated))
        for name, selection in study.selections.items():
            if self.can_annotate(selection.annotated):
                yield paths.selection(name, selection.suffix)
        for name, evaluation in study.evaluations.items():
            annotated_ones = [
                evaluated.annotated for evaluated in evaluation.predictions.values() if evaluated.annotated
            ]
            has_gold = evaluation.wave is None or self.filled_sheets[evaluation.wave]
            if has_gold and all(map(self.can_annotate, annotated_ones)):
                yield paths.evaluation(name, "html")


def _files_in(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def _as_text(settings: dict[str, Any]) -> str:
    return repr(sorted(settings.items()))
