"""Which files the rules name, as plain Python: no data file is opened here.

What a rule calls as an input function takes Snakemake's wildcards, of which any object with these attributes
will do; everything else takes names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import SimpleNamespace
from typing import Any

from goldpan.chains.counts import final_stages, stage_files_of_chain
from goldpan.evaluation.files import (
    describing_stages,
    evaluated_chains,
    field_evaluations,
    gold_files,
    judging_files,
    predicted_files,
)
from goldpan.files import sha256_hex
from goldpan.finetune.base_folder import base_files
from goldpan.finetune.exports.files import (
    artifacts_of_export,
    asking_files,
    exported_sources,
    exported_stage,
)
from goldpan.heads.files import annotated_files
from goldpan.records.inputs import source_files
from goldpan.stages.proposed_tasks import is_adopted
from goldpan.study.evaluation import Evaluation
from goldpan.study.load import Project
from goldpan.workflow.head_inputs import HeadInputs
from goldpan.workflow.paths_in_rules import path_in_rules
from goldpan.workflow.stage_inputs import FindFiles, StageInputs
from goldpan.workflow.wave_inputs import WaveInputs


class Inputs:
    """The files of one study, by what its configuration and the user's folders hold now.

    Paths are relative to the project's folder, so that a project that is moved or cloned is not stale. It is
    the working folder, or that of a Snakemake module with a prefix, which Snakemake puts before these paths.

    Args:
        project: the project.
        find: gives the files of a source; `files_to_come` where other rules may still make them.

    Attributes:
        stages, waves, heads: the files of sources and stages, of waves, and of what is learned.

    Raises:
        StudyError, SourceError, TaskError: a file that the study names is missing or not what it should be.
    """

    def __init__(self, project: Project, find: FindFiles = source_files):
        self.project, self.study, self.paths = project, project.study, project.paths
        self.stages = StageInputs(project, find)
        self.waves = WaveInputs(project, self.stages.task_files)
        self.heads = HeadInputs(self.stages, self.waves)

    def of_evaluation(self, wildcards: Any) -> list[str]:
        """The gold, what was drawn and merged, or the tasks of gold in fields, and the predictions that an
        evaluation measures; of stages also the summaries, which know the cost."""
        evaluation = self.study.evaluations[wildcards.evaluation]
        wave, predictions = evaluation.wave, evaluation.predictions.values()
        if wave is None:
            stages = describing_stages(self.project, evaluation)
            beside = sorted({file for stage in stages for file in self.stages.task_files.get(stage, [])})
        else:
            beside = [self.paths.sample(wave), self.paths.merged(wave)]
        return [
            *gold_files(self.project, evaluation),
            *beside,
            *(self.paths.summary(predicted.stage) for predicted in predictions if predicted.stage),
            *(path for predicted in predictions for path in predicted_files(self.project, predicted)),
            *self._judging(wildcards.evaluation),
            *self._chains(evaluation),
            *self.stages.limits(chain.from_iterable(map(self.study.sources_predicted, predictions))),
        ]

    def _chains(self, evaluation: Evaluation) -> list[str]:
        """How far records went in the chains of stages, where the wave holds what they left out."""
        wave = None if evaluation.wave is None else self.waves.given_out[evaluation.wave]
        stages = set(evaluated_chains(self.study, evaluation, wave).values())
        return [path for stage in sorted(stages) for path in stage_files_of_chain(self.project, stage)]

    def of_errors(self, wildcards: Any) -> list[str]:
        """What an error analysis reads: all that its evaluation does, the records that predictions are about,
        the embedding that mistakes are put into clusters by, and stages that ask the same in other words."""
        settings = self.study.errors[wildcards.errors]
        evaluation = self.study.evaluations[settings.evaluation or wildcards.errors]
        stages = {predicted.stage for predicted in evaluation.predictions.values() if predicted.stage}
        return [
            *self.of_evaluation(SimpleNamespace(evaluation=settings.evaluation or wildcards.errors)),
            *map(self.paths.stage_records, sorted(stages | set(settings.paraphrases))),
            *map(self.paths.features, settings.paraphrases),
            *(self.heads.embeddings(settings.embedding) if settings.embedding else ()),
        ]

    def errors_setting(self, wildcards: Any) -> str:
        """What the study says of an error analysis and its evaluation."""
        settings = self.study.errors[wildcards.errors]
        evaluation = self.study.evaluations[settings.evaluation or wildcards.errors]
        return settings.model_dump_json() + evaluation.model_dump_json()

    def of_optimised(self, wildcards: Any) -> list[str]:
        """What a search for a better prompt reads: the task, the records of its stage, the gold, and what
        people answered where that tells the ceiling."""
        settings = self.study.optimised[wildcards.optimised]
        evaluation = self.study.evaluations[settings.evaluation or settings.stage]
        wave = settings.ceiling or evaluation.wave
        return [
            self.paths.stage_records(settings.stage),
            *self.stages.task_files[settings.stage],
            *gold_files(self.project, evaluation),
            *([self.paths.answers(wave), self.paths.sample(wave)] if wave else ()),
        ]

    def optimised_setting(self, wildcards: Any) -> str:
        """What the study says of a search, its stage and its evaluation; not how the stage is asked."""
        settings = self.study.optimised[wildcards.optimised]
        stage = self.study.asked_stages[settings.stage]
        evaluation = self.study.evaluations[settings.evaluation or settings.stage]
        asked = stage.model_dump_json(include={"provider", "model", "params", "output", "endpoint"})
        return settings.model_dump_json() + asked + evaluation.model_dump_json()

    def of_export(self, wildcards: Any) -> list[str]:
        """What fine-tuning data are made of: records, answers, gold, tasks and prompts."""
        settings = self.study.exports[wildcards.export]
        limits = self.stages.limits(exported_sources(self.study, settings))
        asking = asking_files(self.project, wildcards.export)
        return [
            *artifacts_of_export(self.project, wildcards.export),
            *(path_in_rules(file, self.project.root) for file in asking),
            *limits,
        ]

    def export_setting(self, wildcards: Any) -> str:
        """What the study says of an export, and how its stage asks."""
        settings = self.study.exports[wildcards.export]
        stage = self.study.asked_stages.get(exported_stage(self.study, settings) or "")
        asked = (
            "" if stage is None else stage.model_dump_json(include={"model", "params", "output", "endpoint"})
        )
        return settings.model_dump_json() + asked

    def _can_export(self, export: str) -> bool:
        """Whether the stage of an export can be answered, and its gold is there."""
        settings = self.study.exports[export]
        has_gold = settings.gold is None or bool(self.waves.filled_sheets[settings.gold])
        stage = exported_stage(self.study, settings)
        return has_gold and (stage is None or self.heads.can_answer(stage))

    def base_model_files(self, wildcards: Any) -> list[str]:
        """The files of the model that is fine-tuned, where it lies in a folder of its own.

        Raises:
            StudyError: it is not here.
        """
        files = base_files(self.project, wildcards.finetune)
        return [path_in_rules(path, self.project.root) for path in files]

    def of_run(self, wildcards: Any) -> list[str]:
        """What a stage was asked and answered, the evaluations that measure it, and what says who it is."""
        stage = wildcards.stage
        evaluations = field_evaluations(self.study, stage)
        return [
            self.paths.stage_records(stage),
            self.paths.features(stage),
            self.paths.summary(stage),
            *(self.paths.evaluation(name, "json") for name in evaluations),
            *(path for name in evaluations for path in self._judging(name)),
            *self.stages.task_files[stage],
            *self.stages.limits(self.study.sources_of(stage)),
        ]

    def of_paper(self, _: Any) -> list[str]:
        """What the paper kit tells of: all that can be made now, but for what is sent to trackers."""
        study, paths = self.study, self.paths
        uploads = {paths.upload(tracker, stage) for tracker in study.trackers for stage in study.stages}
        return [path for path in self.everything() if path not in uploads]

    def _can_draw(self, wave: str) -> bool:
        """Whether what a wave is drawn from can be answered, and the errors it is drawn from can be found; a
        wave that was drawn stays what it is."""
        settings = self.study.waves[wave]
        can_answer = settings.stage is None or self.heads.can_answer(settings.stage)
        if settings.among is None or self.waves.is_drawn(wave):
            return can_answer
        return can_answer and self._can_analyse(settings.among.errors or "")

    def _can_analyse(self, errors: str) -> bool:
        """Whether the evaluation of an error analysis can be made."""
        return self._can_evaluate(self.study.evaluations[self.study.errors[errors].evaluation or errors])

    def of_table(self, table: str) -> list[str]:
        """What the stages of a table's chain were asked and answered, and what says what that is."""
        stages = self.study.chain_to(self.study.tables[table].stage)
        asked = [stage for stage in stages if stage in self.study.asked_stages]
        return [
            *map(self.paths.stage_records, stages),
            *map(self.paths.features, stages),
            *map(self.paths.summary, stages),
            *(self.paths.asked(stage, 1) for stage in asked),
            *sorted({file for stage in asked for file in self.stages.task_files[stage]}),
        ]

    def tables(self, table: str) -> list[str]:
        """The files of a table."""
        return [self.paths.table(table, suffix) for suffix in self.study.tables[table].suffixes]

    def _judging(self, evaluation: str) -> list[str]:
        return judging_files(self.project, self.study.evaluations[evaluation], self.waves.filled_sheets)

    def of_index(self) -> list[str]:
        """What the page of the study is made from: all that can be made now, but for receipts of uploads, as
        a tracker may be down, and for the files that a summary counts, of which there may be very many."""
        study, paths = self.study, self.paths
        counted = {path for name in study.embeddings for path in self.heads.embeddings(name)}
        counted |= {path for name in study.annotated for path in annotated_files(self.project, name)}
        counted |= {paths.upload(tracker, stage) for tracker in study.trackers for stage in study.stages}
        return [path for path in self.everything() if path not in counted]

    def study_setting(self) -> str:
        """What the study says, as a hash; how it is asked is not in it, as it makes no artifact stale."""
        return sha256_hex(self.study.in_mode("batch").model_dump_json().encode())

    def everything(self) -> Iterator[str]:
        """What can be made now of all that the study asks for."""
        study, paths = self.study, self.paths
        for stage in filter(self.heads.can_answer, study.stages):
            yield from (paths.features(stage), paths.features_parquet(stage), paths.summary(stage))
            yield from self.stages.tables(stage)
            if self.stages.share(stage):
                yield paths.duplicates(stage)
        yield from map(paths.chain, filter(self.heads.can_answer, final_stages(self.project)))
        for name, table in study.tables.items():
            if all(map(self.heads.can_answer, study.chain_to(table.stage))):
                yield from self.tables(name)
        for wave in filter(self._can_draw, study.waves):
            yield from (paths.sample(wave), *self.waves.sheets(wave), paths.wave_changes(wave))
            if self.waves.filled_sheets[wave]:
                yield from (paths.agreement(wave, "html"), paths.disagreements(wave))
                yield paths.gold(wave, "card.md")
        for embedding in study.embeddings:
            yield from (*self.heads.embeddings(embedding), paths.embedding_summary(embedding))
        yield from (paths.head(head, "metrics.json") for head in study.heads if self.heads.can_train(head))
        for annotated in filter(self.heads.can_annotate, study.annotated):
            yield from (*annotated_files(self.project, annotated), paths.annotated_summary(annotated))
        for name, selection in study.selections.items():
            if self.heads.can_annotate(selection.annotated):
                yield paths.selection(name, selection.suffix)
        for name, evaluation in study.evaluations.items():
            if self._can_evaluate(evaluation):
                yield paths.evaluation(name, "html")
                if evaluation.wave is None:
                    for stage in filter(study.asked_stages.__contains__, self._evaluated_stages(evaluation)):
                        yield paths.run(stage, "json")
                        if not self.project.replays:
                            yield from (paths.upload(tracker, stage) for tracker in study.trackers)
        yield from (paths.errors(name, "html") for name in study.errors if self._can_analyse(name))
        for name, optimised in study.optimised.items():
            gold = study.evaluations[optimised.evaluation or optimised.stage]
            if self._can_evaluate(gold) and not is_adopted(self.project, name):
                yield paths.optimised(name, "search.html")
        yield from (paths.export(name, "card.json") for name in filter(self._can_export, study.exports))
        yield from (
            paths.finetuned(name, "training.json")
            for name, finetune in study.finetunes.items()
            if self._can_export(finetune.export)
        )

    def _evaluated_stages(self, evaluation: Evaluation) -> list[str]:
        return [predicted.stage for predicted in evaluation.predictions.values() if predicted.stage]

    def _can_evaluate(self, evaluation: Evaluation) -> bool:
        """Whether the gold of an evaluation is there, and what it measures can be made."""
        annotated = [one.annotated for one in evaluation.predictions.values() if one.annotated]
        has_gold = evaluation.wave is None or bool(self.waves.filled_sheets[evaluation.wave])
        can_answer = all(map(self.heads.can_answer, self._evaluated_stages(evaluation)))
        return has_gold and can_answer and all(map(self.heads.can_annotate, annotated))
