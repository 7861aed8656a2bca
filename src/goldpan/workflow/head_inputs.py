"""The files of embeddings, heads and annotated files, as the rules name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from goldpan.embeddings.existing_files import existing_files
from goldpan.errors import StudyError
from goldpan.models.folders import is_model_folder, shaping_files
from goldpan.study.filter_references import waves_awaited
from goldpan.study.paths import annotated_names
from goldpan.workflow.paths_in_rules import path_in_rules
from goldpan.workflow.stage_inputs import StageInputs
from goldpan.workflow.wave_inputs import WaveInputs


class HeadInputs:
    """Embeddings, heads and annotated files; see `Inputs`."""

    def __init__(self, stages: StageInputs, waves: WaveInputs):
        self.project, self.study, self.paths = stages.project, stages.study, stages.paths
        self._stages, self._waves = stages, waves
        self._model_files: dict[str, list[str]] = {}
        self._annotated_names: dict[str, dict[str, str]] = {}
        self._existing: dict[str, dict[tuple[str, str], list[str]]] = {}

    def embedding_setting(self, embedding: str) -> str:
        """Settings of an embedding whose change makes it stale, as text."""
        settings = self.study.embeddings[embedding]
        exclude = {"source", "shards", "files"}
        return repr(sorted(settings.model_dump(mode="json", exclude=exclude).items()))

    def existing_embeddings(self, wildcards: Any) -> list[str]:
        """The HDF5 files made elsewhere with the embeddings of a records file.

        Raises:
            StudyError: there are none, or it is not known whose they are.
        """
        name = wildcards.embedding
        if name not in self._existing:
            places = {
                (source, file): self.project.root / self._stages.input_files[source][file]
                for source, file in self.embedded_places(name)
            }
            self._existing[name] = {
                place: [path_in_rules(path, self.project.root) for path in paths]
                for place, paths in existing_files(self.project, name, places).items()
            }
        return self._existing[name][wildcards.source, wildcards.file]

    def embedded_elsewhere(self) -> list[str]:
        """The embeddings that are there already."""
        return [name for name, settings in self.study.embeddings.items() if settings.files is not None]

    def embedding_model_files(self, embedding: str) -> list[str]:
        """The files of an embedding's model that lies in a folder of the project's; looked for once, not for
        each of its jobs."""
        if embedding not in self._model_files:
            folder = self.project.root / self.study.embeddings[embedding].model
            files = shaping_files(folder).values() if is_model_folder(folder) else ()
            self._model_files[embedding] = [path_in_rules(path, self.project.root) for path in sorted(files)]
        return self._model_files[embedding]

    def embedded_places(self, embedding: str) -> list[tuple[str, str]]:
        """(source, file) of all records files of an embedding."""
        return self._stages.places(self.study.embeddings[embedding].source)

    def embeddings(self, embedding: str) -> list[str]:
        """All embeddings files of an embedding."""
        return [self.paths.embeddings(embedding, *place) for place in self.embedded_places(embedding)]

    def all_embeddings(self) -> Iterator[Path]:
        """The embeddings files of all embeddings."""
        for embedding in self.study.embeddings:
            yield from map(self.project.root.joinpath, self.embeddings(embedding))

    def shared_embedding_jobs(self, embedding: str) -> dict[str, list[tuple[str, str]]]:
        """Name of a job -> the places of the records files that it embeds: the shards of an embedding where
        it has any, else the groups of small files."""
        settings = self.study.embeddings[embedding]
        if settings.files is not None:
            return {}
        if not settings.shards:
            return self.groups_of_sources(settings.source)
        shards: dict[str, list[tuple[str, str]]] = {}
        for place in self.embedded_places(embedding):
            shards.setdefault(str(settings.shard_of(*place)), []).append(place)
        return shards

    def groups_of_sources(self, sources: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
        """Name of a job -> the places of a group of small files."""
        return {
            f"{source}_{group}": [(source, file) for file in files]
            for source in sources
            for group, files in self._stages.groups[source].items()
        }

    def embedded_alone(self) -> list[str]:
        """The embeddings of which some files have a job each."""
        return [
            name
            for name, settings in self.study.embeddings.items()
            if settings.files is None
            and not settings.shards
            and self._stages.with_files_alone(settings.source)
        ]

    def groups_of_annotated(self, annotated: str) -> dict[str, list[tuple[str, str]]]:
        """Name of a job -> the places of the records files that it annotates."""
        embedding = self.study.annotated[annotated].embedding
        return self.groups_of_sources(self.study.embeddings[embedding].source)

    def can_train(self, head: str) -> bool:
        """Whether the labels of a head can be made; those of a wave need filled sheets."""
        labels = self.study.heads[head].labels
        has_sheets = labels.wave is None or bool(self._waves.filled_sheets[labels.wave])
        return has_sheets and all(map(self.can_answer, labels.stage or []))

    def can_answer(self, stage: str) -> bool:
        """Whether a stage can be answered: filters before it may need the filled sheets of a wave."""
        return all(self._waves.filled_sheets[wave] for wave in waves_awaited(self.study, stage))

    def can_annotate(self, annotated: str) -> bool:
        """Whether all heads that annotate can be trained."""
        return all(self.can_train(head) for head in self.study.annotated[annotated].heads)

    def annotated_names(self, source: str) -> dict[str, str]:
        """File of a source -> how its annotated file is called; looked at once."""
        if source not in self._annotated_names:
            self._annotated_names[source] = annotated_names(self._stages.input_files[source])
        return self._annotated_names[source]

    def annotated_name(self, source: str, file: str) -> str:
        """How the annotated file of a records file is called."""
        return self.annotated_names(source)[file]

    def _source_file(self, wildcards: Any) -> str:
        """The file of a source that an annotated file is about. Raises StudyError when there is none."""
        names = self.annotated_names(wildcards.source)
        for file, name in names.items():
            if name == wildcards.file:
                return file
        now = f"; it is called {names[wildcards.file]} now" if wildcards.file in names else ""
        raise StudyError(f"there is no annotated file {wildcards.source}/{wildcards.file}{now}")

    def embeddings_to_annotate(self, wildcards: Any) -> str:
        """The embeddings of an annotated file. Raises StudyError when there are none by its name."""
        embedding = self.study.annotated[wildcards.annotated].embedding
        return self.paths.embeddings(embedding, wildcards.source, self._source_file(wildcards))

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
        return self.paths.records(wildcards.source, self._source_file(wildcards))

    def external_heads(self, wildcards: Any) -> list[str]:
        """The files of heads that were made elsewhere. Raises StudyError when one of them is not there."""
        return self.external_heads_of(wildcards.annotated)

    def external_heads_of(self, annotated: str) -> list[str]:
        """As `external_heads`, by name."""
        files: list[str] = []
        for name in self.study.annotated[annotated].regression_head_checkpoints.values():
            path = self.project.root / name
            if not path.exists():
                raise StudyError(
                    f"annotated.{annotated}.regression_head_checkpoints: there is no file or folder `{name}`"
                )
            inside = sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]
            files += [path_in_rules(file, self.project.root) for file in inside]
        return files

    def of_embedding_summary(self, wildcards: Any) -> list[str]:
        """What an embedding has made, and the limits of its sources."""
        sources = self.study.embeddings[wildcards.embedding].source
        return [*self.embeddings(wildcards.embedding), *self._stages.limits(sources)]

    def counts_of_annotated(self, wildcards: Any) -> list[str]:
        """The counts of all annotated files, and the limits of their sources."""
        settings = self.study.annotated[wildcards.annotated]
        sources = self.study.embeddings[settings.embedding].source
        return [
            self.paths.annotated_counts(
                wildcards.annotated, source, self.annotated_name(source, file), settings.suffix
            )
            for source, file in self._stages.places(sources)
        ] + self._stages.limits(sources)
