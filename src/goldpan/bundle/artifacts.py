"""Which artifacts of a study a replay makes again, and which of them models on a machine have computed.

Left out are what a run leaves on its way (plans, request files, batch-id files, raw lines, logs), for a
replay asks nothing and has one round; the sheets in `results/`, which people may be filling in; and what says
who was asked, when and from where (runs, receipts of trackers).
"""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.bundle.manifest import ExpectedArtifact
from goldpan.files import sha256_file
from goldpan.heads.files import HEAD_FILES, names_of_annotated
from goldpan.records.inputs import files_of_sources
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage
from goldpan.study.paths import GOLD_FILES


def expected_artifacts(project: Project) -> list[ExpectedArtifact]:
    """The artifacts that are there and that a replay makes, with their hashes, by path."""
    by_model = ModelArtifacts(project)
    artifacts = []
    for path in sorted(set(comparable_artifacts(project))):
        file = project.root / path
        if file.is_file():
            artifacts.append(
                ExpectedArtifact(
                    path=path.removeprefix(f"{project.paths.base}/"),
                    bytes=file.stat().st_size,
                    sha256=sha256_file(file),
                    by_model=path in by_model,
                )
            )
    return artifacts


def comparable_artifacts(project: Project) -> Iterator[str]:
    """The names of all artifacts that are the same wherever they are made, whether or not they are there."""
    study, paths = project.study, project.paths
    places = list(files_of_sources(project, study.sources))
    yield from (paths.records(*place) for place in places)
    for stage in study.stages:
        yield from (paths.stage_records(stage), paths.features(stage), paths.features_parquet(stage))
        yield from (paths.summary(stage), paths.chain(stage), paths.clusters(stage), paths.threshold(stage))
        yield paths.duplicates(stage)
        if stage in study.asked_stages and study.asked_stages[stage].tables is not None:
            of_stage = list(files_of_sources(project, study.sources_of(stage)))
            yield from paths.tables(stage, of_stage).values()
    for wave in study.waves:
        yield from (paths.sample(wave), paths.sample_llm(wave), paths.sample_counts(wave))
        yield from (paths.answers(wave), paths.wave_status(wave), paths.merged(wave))
        yield from (paths.disagreements(wave), paths.adjudication(wave))
        yield from (paths.agreement(wave, suffix) for suffix in ("json", "html", "txt"))
        yield from (paths.gold(wave, name) for name in GOLD_FILES)
    for name, embedding in study.embeddings.items():
        of_embedding = files_of_sources(project, embedding.source)
        yield from (paths.embeddings(name, *place) for place in of_embedding)
        yield paths.embedding_summary(name)
    for head in study.heads:
        yield from (paths.head(head, name) for name in HEAD_FILES)
    for name, annotated in study.annotated.items():
        for (source, _), called in names_of_annotated(project, name).items():
            yield paths.annotated(name, source, called, annotated.suffix)
            yield paths.annotated_counts(name, source, called, annotated.suffix)
        yield paths.annotated_summary(name)
    for name, selection in study.selections.items():
        yield from (paths.selection(name, selection.suffix), paths.selection_counts(name, selection.suffix))
    for name in study.evaluations:
        yield from (paths.evaluation(name, suffix) for suffix in _OF_EVALUATION)
    for name, table in study.tables.items():
        yield from (paths.table(name, suffix) for suffix in table.suffixes)


class ModelArtifacts:
    """The artifacts that models on a machine have computed, or that are made from what they computed."""

    def __init__(self, project: Project):
        study, paths = project.study, project.paths
        classified = {
            name
            for name, stage in study.local_stages.items()
            if isinstance(stage, FilterStage) and stage.scores
        }
        stages = {name for name in study.stages if classified & set(study.chain_to(name))}
        evaluations = {
            name
            for name, evaluation in study.evaluations.items()
            for predicted in evaluation.predictions.values()
            if predicted.annotated is not None or predicted.stage in stages
        }
        self.needed = bool(classified or study.embeddings)
        self._names = {paths.evaluation(name, suffix) for name in evaluations for suffix in _OF_EVALUATION}
        self._names |= {
            paths.table(name, suffix)
            for name, table in study.tables.items()
            if table.stage in stages
            for suffix in table.suffixes
        }
        self._folders = tuple(
            [f"{paths.base}/{part}/" for part in ("embeddings", "heads", "annotated", "selections")]
            + [f"{paths.stage(stage)}/" for stage in sorted(stages)]
            + [paths.run(stage, "") for stage in sorted(stages)]
        )

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and (path in self._names or path.startswith(self._folders))


_OF_EVALUATION = ("json", "html", "errors.csv")
