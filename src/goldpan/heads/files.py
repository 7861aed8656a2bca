"""Which artifacts heads and annotated files are made of: names, which rules ask for, too."""

from __future__ import annotations

from goldpan.records.inputs import files_of_sources
from goldpan.study.load import Project

HEAD_FILES = ("config.json", "model.safetensors", "labels.jsonl", "metrics.json")
ANNOTATED_REMEDY = "delete the file and run again: it is annotated anew"
"""What to do with an annotated file, or its counts, that cannot be read."""


def label_files(project: Project, head: str) -> list[str]:
    """The artifacts that the labels of a head stand in."""
    paths, origin = project.paths, project.study.heads[head].labels
    if origin.wave:
        return paths.gold_splits(origin.wave)
    if origin.stage:
        return [paths.features(stage) for stage in origin.stage]
    return [paths.records(*place) for place in files_of_sources(project, origin.source or [])]


def labelled_records(project: Project, head: str) -> list[str]:
    """The records files of the sources that a head learns from."""
    places = files_of_sources(project, project.study.label_sources(head))
    return [project.paths.records(*place) for place in places]


def labelled_embeddings(project: Project, head: str) -> list[str]:
    """The embeddings of these records."""
    embedding = project.study.heads[head].embedding
    places = files_of_sources(project, project.study.label_sources(head))
    return [project.paths.embeddings(embedding, *place) for place in places]


def annotated_places(project: Project, annotated: str) -> list[tuple[str, str]]:
    """(source, file) of all records files that are annotated."""
    settings = project.named("set of annotated files", project.study.annotated, annotated)
    embedding = project.study.embeddings[settings.embedding]
    return list(files_of_sources(project, embedding.source))


def annotated_files(project: Project, annotated: str) -> list[str]:
    """The annotated rows of all records files."""
    suffix = project.study.annotated[annotated].suffix
    places = annotated_places(project, annotated)
    return [project.paths.annotated(annotated, source, file, suffix) for source, file in places]


def trained_heads(project: Project, annotated: str) -> list[str]:
    """The checkpoints of the study's own heads among those that annotate."""
    return [
        project.paths.head(head, name)
        for head in project.study.annotated[annotated].heads
        for name in HEAD_FILES[:2]
    ]
