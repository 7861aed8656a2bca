"""The models that a study computes with: a bundle has their hashes, and a replay looks for them first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from goldpan.bundle.manifest import UsedModel
from goldpan.errors import EmbeddingError
from goldpan.models.folders import folder_hash, local_model
from goldpan.models.installed import check_installed
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage


def models_used(project: Project) -> list[UsedModel]:
    """The models of a study's embeddings and filters, with the hash of their files where these are here."""
    return [
        UsedModel(
            needed_by=needed_by, name=name, revision=revision, sha256=_hash(name, revision, project.root)
        )
        for needed_by, name, revision in _named(project)
    ]


def models_lacking(project: Project) -> list[str]:
    """Why this machine cannot compute with the study's models, in words; nothing is downloaded."""
    named = list(_named(project))
    if not named:
        return []
    try:
        check_installed()
    except EmbeddingError as error:
        return [error.what]
    lacking = []
    for needed_by, name, revision in named:
        if _folder(name, revision, project.root) is None:
            lacking.append(f"the model `{name}` of {needed_by} is not on this machine")
    return lacking


def _named(project: Project) -> Iterator[tuple[str, str, str | None]]:
    for name, embedding in project.study.embeddings.items():
        # The model of embeddings that are there already is stated, and nothing is computed with it.
        if embedding.files is None:
            yield f"embeddings.{name}", embedding.model, embedding.revision
    for name, stage in project.study.local_stages.items():
        if isinstance(stage, FilterStage) and stage.classifier is not None:
            yield f"stages.{name}", stage.classifier.model, stage.classifier.revision


def _folder(name: str, revision: str | None, root: Path) -> Path | None:
    """Where a model's files lie on this machine, if they do; of a model of the hub its snapshot."""
    with contextlib.suppress(EmbeddingError):
        folder = local_model(name, root)
        if folder is not None:
            return folder
        with contextlib.suppress(ImportError, OSError, ValueError):
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(name, revision=revision, local_files_only=True))
    return None


def _hash(name: str, revision: str | None, root: Path) -> str | None:
    folder = _folder(name, revision, root)
    return None if folder is None else folder_hash(folder)
