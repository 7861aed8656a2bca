"""Checking embeddings, heads and selections as far as that is possible without data and without a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from goldpan.embeddings.existing_files import existing_files
from goldpan.errors import EmbeddingError, ErrorGatherer, GoldpanError, StudyError
from goldpan.heads.columns_check import PREFIXES, check_annotated_columns
from goldpan.heads.external import load_external_head
from goldpan.heads.output_keys import ALWAYS, STATE_KEYS
from goldpan.models.folders import local_model
from goldpan.models.installed import is_installed
from goldpan.records.source_rows import fields_unmet
from goldpan.stages.features import features_of_stage
from goldpan.study.load import Project
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.where import Where
from goldpan.waves.steps.run import WaveRun

_LEARNED = frozenset({"binary", "classification", "score"})


def check_models(project: Project) -> Iterator[str]:
    """Check what the study says of embeddings, heads and selections; yields a line about each, and raises in
    the end what is wrong.

    Raises:
        StudyError: a model, a feature or a checkpoint is not there or cannot be learned, or columns collide.
        HeadError: a head that was made elsewhere cannot be used.
        WhereError: a condition names what annotated rows do not have.
    """
    wrong = ErrorGatherer()
    for name in project.study.embeddings:
        with wrong.gather():
            yield f"embedding {name}: {_check_embedding(project, name)}"
    for name in project.study.heads:
        with wrong.gather():
            yield f"head {name}: {_check_head(project, name)} targets"
    with wrong.gather():
        yield from (f"note: {note}" for note in check_annotated_columns(project))
    for name, annotated in project.study.annotated.items():
        for head in annotated.regression_head_checkpoints:
            with wrong.gather():
                _check_external_head(project, name, head)
    for name in project.study.selections:
        with wrong.gather():
            _check_selection(project, name)
    wrong.finish()


def _check_embedding(project: Project, name: str) -> str:
    embedding = project.study.embeddings[name]
    if embedding.files is not None:
        found = existing_files(project, name)
        files = {path for paths in found.values() for path in paths}
        return (
            f"{len(files)} HDF5 files (layout {embedding.layout}) are here for {len(found)} files of the"
            f" source, stated to be made with {embedding.model}"
        )
    try:
        folder = local_model(embedding.model, project.root)
    except EmbeddingError as error:
        raise StudyError(error.what, where=f"embeddings.{name}.model", remedy=error.remedy) from None
    _check_fields(project, name)
    lies = "on the Hugging Face hub; it is downloaded unless it was before" if folder is None else "is here"
    return f"the model {embedding.model} {lies}"


def _check_fields(project: Project, name: str) -> None:
    embedding = project.study.embeddings[name]
    try:
        unmet, known = fields_unmet(project, embedding.source, embedding.text_fields)
    except GoldpanError:
        return  # What is wrong with the files of a source is said of the source.
    for field in unmet:
        nearest = suggestion(field, known) or "there are no rows"
        key = "text" if embedding.template is None else "template"
        raise StudyError(f"no row has a field `{field}`; {nearest}", where=f"embeddings.{name}.{key}")


def _check_external_head(project: Project, name: str, head: str) -> None:
    path = project.study.annotated[name].regression_head_checkpoints[head]
    if not (project.root / path).exists():
        raise StudyError(
            f"there is no file or folder `{path}`",
            where=f"annotated.{name}.regression_head_checkpoints.{head}",
            remedy="paths start from the project root",
        )
    if is_installed():
        load_external_head(head, project.root / path)


def _check_head(project: Project, name: str) -> int:
    head = project.study.heads[name]
    known: list[Mapping[str, Feature]] = []
    if head.labels.wave:
        known = [WaveRun(project, head.labels.wave).codebook.by_name]
    for stage in head.labels.stage or []:
        known.append({feature.name: feature for feature in features_of_stage(project, stage)})
    wrong = ErrorGatherer()
    for target in head.targets:
        field = head.field_of(target)
        for features in known:
            where = f"heads.{name}.targets.{target}"
            if field not in features:
                what = f"there is no feature `{field}`; {suggestion(field, features)}"
                wrong.add(StudyError(what, where=where))
            elif features[field].type not in _LEARNED:
                wrong.add(
                    StudyError(
                        f"`{field}` is a {features[field].type}, which a head cannot learn",
                        where=where,
                        remedy="a head learns binary features, classifications and scores",
                    )
                )
    wrong.finish()
    return len(head.targets)


def _check_selection(project: Project, name: str) -> None:
    selection = project.study.selections[name]
    annotated = project.study.annotated[selection.annotated]
    if annotated.regression_head_checkpoints:
        return  # How many outputs these have is known once they are read.
    columns = [
        prefix + project.study.heads[head].column_of(head, target)
        for head in annotated.heads
        for target in project.study.heads[head].targets
        for prefix in PREFIXES
    ]
    try:
        Where.parse(selection.where, None, [*ALWAYS, *STATE_KEYS, *annotated.output_keys, *columns], "column")
    except GoldpanError as error:
        error.where = f"selections.{name}.where: {error.where}"
        raise
