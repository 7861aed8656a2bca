"""Which artifacts heads and annotated files are made of: names, which rules ask for, too."""

from __future__ import annotations

from goldpan.records.inputs import files_of_sources, source_files
from goldpan.study.load import Project
from goldpan.study.paths import annotated_names

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


def names_of_annotated(project: Project, annotated: str) -> dict[tuple[str, str], str]:
    """(source, file) of each records file that is annotated -> how its annotated file is called."""
    files: dict[str, list[str]] = {}
    for source, file in annotated_places(project, annotated):
        files.setdefault(source, []).append(file)
    return {
        (source, file): name
        for source, of_source in files.items()
        for file, name in annotated_names(of_source).items()
    }


def annotated_source_file(project: Project, source: str, name: str) -> str:
    """The file of a source whose annotated file is called `name`; `name` itself where there is none."""
    names = annotated_names(source_files(project.study.sources[source], project.root))
    return next((file for file, its_name in names.items() if its_name == name), name)


def annotated_files(project: Project, annotated: str) -> list[str]:
    """The annotated rows of all records files."""
    suffix = project.study.annotated[annotated].suffix
    names = names_of_annotated(project, annotated)
    return [project.paths.annotated(annotated, source, name, suffix) for (source, _), name in names.items()]


def rename_annotated(project: Project, only_look: bool = False) -> list[str]:
    """Give annotated files of goldpan 0.1.0, called by the whole name of their source file
    (`part0.jsonl.jsonl`), the names they have now, with their counts: they are not made again.

    Args:
        only_look: rename nothing.

    Returns:
        The new names of those that were, or would be, renamed.
    """
    renamed = []
    for annotated, settings in project.study.annotated.items():
        names = names_of_annotated(project, annotated)
        wanted = {(source, name) for (source, _), name in names.items()}
        for (source, file), name in names.items():
            if (source, file) in wanted:
                continue
            for path_of in (project.paths.annotated_counts, project.paths.annotated):
                before = project.root / path_of(annotated, source, file, settings.suffix)
                now = project.root / path_of(annotated, source, name, settings.suffix)
                if before.is_file() and not now.exists():
                    if not only_look:
                        before.rename(now)
                    renamed.append(path_of(annotated, source, name, settings.suffix))
    return [path for path in renamed if not path.endswith(".counts.json")]


def trained_heads(project: Project, annotated: str) -> list[str]:
    """The checkpoints of the study's own heads among those that annotate."""
    return [
        project.paths.head(head, name)
        for head in project.study.annotated[annotated].heads
        for name in HEAD_FILES[:2]
    ]
