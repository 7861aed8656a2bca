"""The files of sources, their limits and stages, as the rules name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from goldpan.batches.rounds import planned_shards, rounds_to_settle
from goldpan.chains.counts import chain_files, sources_of_chain
from goldpan.chains.filter.kind import threshold_inputs
from goldpan.chains.local_kinds import local_inputs, local_version
from goldpan.models.folders import shaping_files
from goldpan.providers.model_choice import asked_stage
from goldpan.records.formats import is_pdf
from goldpan.records.pdf.document import document_name
from goldpan.records.pdf.pages import FORMAT as PAGES_FORMAT
from goldpan.stages.records import rationales_carried
from goldpan.study.load import Project
from goldpan.study.local_stage import ClustersStage, FilterStage
from goldpan.study.model import Source
from goldpan.study.pdf import PdfSettings
from goldpan.study.provider import OwnModelSettings
from goldpan.tasks.task import task_files
from goldpan.workflow.file_groups import file_groups, is_small
from goldpan.workflow.paths_in_rules import path_in_rules

_OF_RECORDS = {"input", "upstream", "duplicates"}


def looks_like_a_pattern(path: str) -> bool:
    """Whether Snakemake would take a part of a path for a wildcard (`{a}`) or a variable (`<a>`)."""
    return "{" in path or "<" in path


FindFiles = Callable[[Source, Path], dict[str, Path]]


class StageInputs:
    """Sources and stages; see `Inputs`.

    Attributes:
        input_files: source -> name of a file -> its path.
        task_files: stage -> its task files and prompts; of stages that ask nobody there are none.
        groups: source -> name of a group -> the small files that are made in one job.
        alone: source -> the files that have a job each.
    """

    def __init__(self, project: Project, find: FindFiles):
        self.project, self.study, self.paths = project, project.study, project.paths
        self.input_files = {
            name: {
                file: path_in_rules(path, project.root) for file, path in find(source, project.root).items()
            }
            for name, source in self.study.sources.items()
        }
        self.task_files = {
            name: sorted(
                {
                    path_in_rules(file, project.root)
                    for choice in stage.task
                    for file in task_files(choice.task, project.tasks)
                }
            )
            for name, stage in self.study.asked_stages.items()
        }
        self.groups = {
            source: file_groups(file for file in files if self._may_share(source, file))
            for source, files in self.input_files.items()
        }
        self.alone = {source: self._not_grouped(source) for source in self.input_files}

    def _may_share(self, source: str, file: str) -> bool:
        """Whether a file is a small one that is read as it is: not a PDF, nor by way of a stand-in."""
        path = self.input_files[source][file]
        return is_small(self.project.root / path) and self._rows_file(source, file) == path

    def _not_grouped(self, source: str) -> list[str]:
        grouped = set(chain.from_iterable(self.groups[source].values()))
        return [file for file in self.input_files[source] if file not in grouped]

    @property
    def groups_of_files(self) -> Iterator[tuple[str, str, list[str]]]:
        """(source, name of the group, its files) of all groups."""
        for source, groups in self.groups.items():
            for name, files in groups.items():
                yield source, name, files

    def with_files_alone(self, sources: Iterable[str]) -> list[str]:
        """Those of some sources that have files with a job each."""
        return [source for source in sources if self.alone[source]]

    def files_still_to_come(self) -> list[str]:
        """The files of sources that are not there yet."""
        files = [file for files in self.input_files.values() for file in files.values()]
        return [file for file in files if not (self.project.root / file).exists()]

    @property
    def with_clusters(self) -> list[str]:
        """The stages that leave clusters beside their features."""
        return [name for name, stage in self.study.local_stages.items() if isinstance(stage, ClustersStage)]

    def places(self, sources: Iterable[str]) -> list[tuple[str, str]]:
        """(source, file) of all files of some sources."""
        return [(source, file) for source in sources for file in self.input_files[source]]

    def source_file(self, wildcards: Any) -> str:
        """The user's file, or its stand-in where Snakemake would take a part of its path for a wildcard."""
        return self._source_file(wildcards.source, wildcards.file)

    def rows_file(self, wildcards: Any) -> str:
        """What the rows of a file are read from: the file itself, or the extracted pages of a PDF."""
        return self._rows_file(wildcards.source, wildcards.file)

    def _rows_file(self, source: str, file: str) -> str:
        if self._is_pdf(source, file):
            return self.paths.pdf_pages(source, file)
        return self._source_file(source, file)

    def _is_pdf(self, source: str, file: str) -> bool:
        return is_pdf(self.study.sources[source], self.project.root / self.input_files[source][file])

    def pdf_setting(self, wildcards: Any) -> str:
        """What the pages of a PDF depend on beside itself: the limits, and not how it is cut into records."""
        source = self.study.sources[wildcards.source]
        limits = (source.pdf or PdfSettings()).model_dump_json(include={"most_pages", "most_megabytes"})
        document = document_name(source.files, Path(self.input_files[wildcards.source][wildcards.file]))
        return f"{PAGES_FORMAT} {document} {limits}"

    def _source_file(self, source: str, file: str) -> str:
        path = self.input_files[source][file]
        return self.paths.stand_in(source, file) if looks_like_a_pattern(path) else path

    def files_of_source(self, wildcards: Any) -> list[str]:
        """What the rows of a source are read from, in the order of the user's files."""
        return [self._rows_file(wildcards.source, file) for file in self.input_files[wildcards.source]]

    def limits(self, sources: Iterable[str]) -> list[str]:
        """What says which rows of sources are read, of those that have a limit."""
        limited = [source for source in sources if self.study.sources[source].limit]
        return [self.paths.limit(source) for source in dict.fromkeys(limited)]

    def source_setting(self, wildcards: Any) -> str:
        """How a source is read, as text, whose change makes its records stale."""
        return self.setting_of(wildcards.source)

    def setting_of(self, source: str) -> str:
        """How a source is read, as text, by its name."""
        return self.study.sources[source].model_dump_json(exclude={"files", "limit"})

    def of_stage(self, wildcards: Any) -> list[str]:
        """A stage asks about its sources' records, or about what an earlier stage answered."""
        settings = self.study.stages[wildcards.stage].input
        files = [path for name in settings.stages for path in self._answers_of(name)]
        if not files or settings.neighbours:
            sources = self.places(self.study.sources_of(wildcards.stage))
            files += [self.paths.records(*place) for place in sources]
        return files

    def _answers_of(self, stage: str) -> list[str]:
        return [self.paths.stage_records(stage), self.paths.features(stage)]

    def stage_setting(self, *names: str) -> Callable[[Any], str]:
        """Settings of a stage, as its requests are made, whose change makes a step stale, as text."""

        def setting(wildcards: Any) -> str:
            stage = asked_stage(self.study.asked_stages[wildcards.stage])
            said = stage.model_dump(mode="json", include=set(names))
            provider = self.study.providers[stage.provider]
            if isinstance(provider, OwnModelSettings) and "model" in names:
                # Which weights these are, the files of the model say.
                said["model"] = provider.which_model
            return repr(sorted(said.items()))

        return setting

    def stage_records_setting(self, wildcards: Any) -> str:
        """Settings of a stage whose change makes its records stale, with the rationales that they carry."""
        rationales = sorted(rationales_carried(self.project, wildcards.stage))
        stage = self.study.stages[wildcards.stage]
        said = repr(sorted(stage.model_dump(mode="json", include=_OF_RECORDS).items()))
        if self.share(wildcards.stage):
            # Only records of one task share an answer.
            conditions = [choice.when for choice in self.study.asked_stages[wildcards.stage].task]
            said = f"{said} tasks: {conditions!r}"
        return f"{said} rationales: {', '.join(rationales)}" if rationales else said

    def features_setting(self, wildcards: Any) -> str:
        """Settings of a stage whose change makes its features stale, as text."""
        stage = self.study.asked_stages[wildcards.stage]
        aggregate = f" aggregate: {stage.aggregate or 'by type'}" if stage.samples > 1 else ""
        return self.stage_setting("task", "output", "price_usd_per_million")(wildcards) + aggregate

    def local_setting(self, wildcards: Any) -> str:
        """Settings of a stage that asks nobody whose change makes its features stale, as text."""
        stage = self.study.local_stages[wildcards.stage]
        said = stage.model_dump_json(exclude={"input", "upstream"})
        version = local_version(self.project, wildcards.stage)
        return said if version == 1 else f"{said} version {version}"

    def local_files(self, wildcards: Any) -> list[str]:
        """What the features of a stage that asks nobody are made from, besides its records."""
        return local_inputs(self.project, wildcards.stage)

    @property
    def with_classifier(self) -> list[str]:
        """The filters that a classifier decides in, which takes longer than what other local stages do."""
        stages = self.study.local_stages.items()
        return [name for name, stage in stages if isinstance(stage, FilterStage) and stage.scores]

    @property
    def plain_local(self) -> list[str]:
        """The stages that ask nobody and need nothing else than all of these."""
        others = (*self.with_clusters, *self.with_classifier)
        return [name for name in self.study.local_stages if name not in others]

    def threshold_files(self, wildcards: Any) -> list[str]:
        """What the threshold of a filter is chosen from, besides its records."""
        return threshold_inputs(self.project, wildcards.stage)

    def round_before(self, wildcards: Any) -> list[str]:
        """A round asks what the one before it left; the first has none before it."""
        number = int(wildcards.round)
        return [self.paths.settled(wildcards.stage, number - 1)] if number > 1 else []

    def _of_shards(self, wildcards: Any, artifact: Callable[[str, Any, str], str]) -> list[str]:
        """An artifact of each shard of a round, as far as it is planned."""
        plan = self.paths.plan(wildcards.stage, wildcards.round)
        return [
            artifact(wildcards.stage, wildcards.round, shard)
            for shard in planned_shards(self.project.root / plan)
        ]

    def batches(self, wildcards: Any) -> list[str]:
        """The batch-id files of a round."""
        return self._of_shards(wildcards, self.paths.batch)

    @property
    def answered_in_jobs(self) -> list[str]:
        """The stages that a model of one's own answers, in jobs that have a device."""
        stages = self.study.asked_stages.items()
        return [name for name, stage in stages if self._own_model(stage.provider) is not None]

    def _own_model(self, provider: str) -> OwnModelSettings | None:
        settings = self.study.providers[provider]
        return settings if isinstance(settings, OwnModelSettings) else None

    def answered(self, wildcards: Any) -> list[str]:
        """What came of each shard of a round, where jobs answer them; nothing of other stages, whose batches
        are waited for."""
        if wildcards.stage not in self.answered_in_jobs or self.project.replays:
            return []
        return self._of_shards(wildcards, self.paths.answered)

    def gpus(self, wildcards: Any) -> int:
        """The GPUs that a job needs which answers a shard of a stage."""
        settings = self._own_model(self.study.asked_stages[wildcards.stage].provider)
        return settings.gpus_of_a_job if settings is not None else 0

    def own_model_files(self, wildcards: Any) -> list[str]:
        """The files of the model of one's own that answers a stage: the fine-tuned one, which may be yet to
        be made, or those of a folder of the project's."""
        settings = self._own_model(self.study.asked_stages[wildcards.stage].provider)
        if settings is None or self.project.replays:
            return []
        if settings.finetuned is not None:
            return [self.paths.finetuned(settings.finetuned, "merged")]
        folders = [settings.model, getattr(settings, "adapter", None)]
        return [
            path_in_rules(path, self.project.root)
            for folder in folders
            if folder is not None and (self.project.root / folder).is_dir()
            for path in sorted(shaping_files(self.project.root / folder).values())
        ]

    def raw(self, wildcards: Any) -> list[str]:
        """The raw lines of a round."""
        return self._of_shards(wildcards, self.paths.raw)

    def settled_rounds(self, wildcards: Any) -> list[str]:
        """Every round up to the first that leaves nothing to ask, as far as they are settled."""
        return rounds_to_settle(self.paths, wildcards.stage, self.project.root)

    def chain(self, wildcards: Any) -> list[str]:
        """What the counts of a chain up to a stage are made from."""
        limits = self.limits(sources_of_chain(self.project, wildcards.stage))
        return [*chain_files(self.project, wildcards.stage), *limits]

    def share(self, stage: str) -> str | None:
        """The path of the text by which records of a stage share an answer, if they do."""
        settings = self.study.asked_stages.get(stage)
        return settings.duplicates.share if settings and settings.duplicates else None

    def tables(self, stage: str) -> list[str]:
        """The per-file tables of a stage, if it wants them."""
        settings = self.study.asked_stages.get(stage)
        if settings is None or settings.tables is None:
            return []
        return list(self.paths.tables(stage, self.places(self.study.sources_of(stage))).values())
