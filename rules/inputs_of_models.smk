"""Functions that name the inputs of embeddings, heads and annotated files. None of them opens a data file."""

from functools import cache


def embedding_setting(embedding):
    """Settings of an embedding whose change makes it stale, as text."""
    given = STUDY.embeddings[embedding].model_dump(
        mode="json", exclude={"source", "shards"}
    )
    return repr(sorted(given.items()))


@cache
def embedding_model_files(embedding):
    """The files of a model that lies in a folder of the project's; looked for once, not for each of its jobs."""
    folder = PROJECT.root / STUDY.embeddings[embedding].model
    if not is_model_folder(folder):
        return []
    return [relpath(path) for path in sorted(shaping_files(folder).values())]


def embedded_places(embedding):
    """(source, file) of all records files of an embedding."""
    return [
        (source, file)
        for source in STUDY.embeddings[embedding].source
        for file in INPUT_FILES[source]
    ]


def embeddings_of(embedding):
    """All embeddings files of an embedding."""
    return [PATHS.embeddings(embedding, *place) for place in embedded_places(embedding)]


def shards_of_embedding(embedding):
    """Shard -> the places of its records files."""
    shards = {}
    for place in embedded_places(embedding):
        shard = STUDY.embeddings[embedding].shard_of(*place)
        shards.setdefault(shard, []).append(place)
    return shards


def all_embeddings():
    """All embeddings, with their counts."""
    return [
        path
        for name in STUDY.embeddings
        for path in (*embeddings_of(name), PATHS.embedding_summary(name))
    ]


def can_train(head):
    """Whether the labels of a head can be made; those of a wave need filled sheets."""
    wave = STUDY.heads[head].labels.wave
    return wave is None or bool(FILLED_SHEETS[wave])


def can_annotate(annotated):
    """Whether all heads that annotate can be trained."""
    return all(can_train(head) for head in STUDY.annotated[annotated].heads)


def all_heads():
    """What the heads can do that can be trained."""
    return [PATHS.head(head, "metrics.json") for head in STUDY.heads if can_train(head)]


def records_to_annotate(wildcards):
    """The records of an annotated file, if that is how the study wants it compressed."""
    suffix = STUDY.annotated[wildcards.annotated].suffix
    if wildcards.suffix != suffix:
        raise WorkflowError(
            f"files of annotated.{wildcards.annotated} end in {suffix}; "
            "`compression` in the study says otherwise"
        )
    return PATHS.records(wildcards.source, wildcards.file)


def external_heads(annotated):
    """The files of heads that were made elsewhere."""
    paths = STUDY.annotated[annotated].regression_head_checkpoints.values()
    for path in paths:
        if not (PROJECT.root / path).exists():
            raise WorkflowError(
                f"annotated.{annotated}.regression_head_checkpoints: there is no file or folder `{path}`"
            )
    return [
        relpath(file)
        for path in (PROJECT.root / path for path in paths)
        for file in (
            sorted(one for one in path.iterdir() if one.is_file())
            if path.is_dir()
            else [path]
        )
    ]


def counts_of_annotated(annotated):
    """The counts of all annotated files."""
    suffix = STUDY.annotated[annotated].suffix
    return [
        PATHS.annotated_counts(annotated, *place, suffix)
        for place in annotated_places(PROJECT, annotated)
    ]


def all_annotated():
    """All annotated files whose heads can be trained, with their counts."""
    return [
        path
        for name in STUDY.annotated
        if can_annotate(name)
        for path in (*annotated_files(PROJECT, name), PATHS.annotated_summary(name))
    ]


def all_selections():
    """The selections from annotated files that can be made."""
    return [
        PATHS.selection(name, selection.suffix)
        for name, selection in STUDY.selections.items()
        if can_annotate(selection.annotated)
    ]
