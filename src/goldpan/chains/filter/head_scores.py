"""A head of the study as a classifier of a filter: its predictions, joined by the records' ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from goldpan.chains.filter.scores import DECIMALS, RecordScore
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.embeddings.store import storable
from goldpan.errors import ReconciliationError, StudyError
from goldpan.heads.fused import FusedHeads
from goldpan.heads.load import load_heads
from goldpan.heads.model import HeadPredictions
from goldpan.heads.targets import Target
from goldpan.models.installed import check_installed
from goldpan.records.inputs import files_of_sources
from goldpan.records.model import Record
from goldpan.study.filter import HeadChoice
from goldpan.study.load import Project
from goldpan.tasks.nearest import suggestion

_WIDE = 1e9


def head_files(project: Project, stage: str, choice: HeadChoice) -> list[str]:
    """The artifacts that a filter by a head reads: the checkpoint, and embeddings of the stage's sources."""
    embedding = project.study.heads[choice.name].embedding
    places = files_of_sources(project, project.study.sources_of(stage))
    return [
        *(project.paths.head(choice.name, name) for name in ("config.json", "model.safetensors")),
        *(project.paths.embeddings(embedding, *place) for place in places),
    ]


class HeadScorer:
    """See `Scorer`.

    Args:
        project: of the head.
        stage: the filter.
        choice: the head, and what is sought of it.

    Raises:
        StudyError: the head has no such target or label.
        HeadError, EmbeddingError: it cannot be read; or packages are missing.
    """

    def __init__(self, project: Project, stage: str, choice: HeadChoice):
        check_installed()
        self._project, self._where = project, f"stages.{stage}.head"
        folder = (project.root / project.paths.head(choice.name, "config.json")).parent
        self._head = load_heads({choice.name: folder}, {})[0]
        self._heads = FusedHeads([self._head])
        self._target = _target(self._head.targets, choice, self._where)
        self._sought = _sought(self._target, choice, self._where)
        self._embedding = project.study.heads[choice.name].embedding
        self._place: tuple[str, str] | None = None
        self._of_place: dict[str, RecordScore] = {}
        self.name = f"the head `{choice.name}`"
        self.lowest, self.highest = (0.0, 1.0) if self._sought else _bounds(self._target)

    def scores(self, records: Iterable[Record]) -> Iterator[RecordScore]:
        """What the head says of each record.

        Raises:
            ReconciliationError: a record was neither embedded nor skipped by the embedding.
            HeadError: the embeddings were not made as the head was trained.
        """
        for record in records:
            place = record["source"], record["file"]
            if place != self._place:
                # Records come file by file: more than one file's predictions are never held.
                self._place, self._of_place = place, self._predictions(*place)
            scored = self._of_place.get(storable(record["id"]))
            if scored is None:
                raise ReconciliationError(
                    f"record {record['id']!r} has no embedding in `{self._embedding}`",
                    where=self._where,
                    remedy="a filter by a head takes records of embedded sources as they are, no items of an"
                    " answer; else make the embeddings again",
                )
            yield scored

    def _predictions(self, source: str, file: str) -> dict[str, RecordScore]:
        """What the head says of all records of a file, by their ids."""
        path = self._project.left(self._project.paths.embeddings(self._embedding, source, file), self._where)
        group = self._project.study.embeddings[self._embedding].group
        with EmbeddingFile(path, group) as embeddings:
            self._head.check_fits(embeddings.provenance, str(path))
            scored = {
                skip.id: RecordScore(None, None, f"it has no embedding: {skip.reason}")
                for skip in embeddings.skipped()
            }
            for block in embeddings.blocks():
                of_target = next(
                    prediction.predicted
                    for prediction in self._heads.predict(block.embeddings)
                    if prediction.target is self._target
                )
                scored |= zip(block.document_ids, self._scored(of_target), strict=True)
        return scored

    def _scored(self, predicted: HeadPredictions) -> Iterator[RecordScore]:
        labels: Sequence[str | None]
        if self._sought:
            assert predicted.probabilities is not None
            values: Any = predicted.probabilities[:, self._sought].sum(axis=1)
        else:
            values = predicted.score
        if predicted.label is None:
            labels = [None] * len(values)
        else:
            labels = [self._target.labels[place] for place in predicted.label.tolist()]
        # Rounded with -0.0 as 0.0.
        return map(RecordScore, labels, (values.round(DECIMALS) + 0.0).tolist())


def _target(targets: Sequence[Target], choice: HeadChoice, where: str) -> Target:
    by_name = {target.name: target for target in targets}
    if choice.target is None and len(by_name) == 1:
        return targets[0]
    if choice.target not in by_name:
        what = f"has no target `{choice.target}`" if choice.target else "has several targets"
        raise StudyError(
            f"the head `{choice.name}` {what}; it has: {', '.join(by_name)}",
            where=where,
            remedy="name one of them: `head: {name: …, target: …}`",
        )
    return by_name[choice.target]


def _sought(target: Target, choice: HeadChoice, where: str) -> list[int]:
    """Places of the labels whose probabilities make the score; none where the target has a score."""
    labels = choice.label or (["yes"] if target.is_yes_no else [])
    for label in labels:
        if label not in target.labels:
            raise StudyError(
                f"the target `{target.name}` has no label `{label}`;"
                f" {suggestion(label, target.labels) or 'it is a number'}",
                where=f"{where}.label",
            )
    if not labels and target.kind == "classification":
        raise StudyError(
            f"the labels of the target `{target.name}` have no order, so it must be said which are sought:"
            f" {', '.join(target.labels)}",
            where=where,
            remedy="`head: {name: …, label: …}`",
        )
    return sorted({target.labels.index(label) for label in labels})


def _bounds(target: Target) -> tuple[float, float]:
    """The lowest and highest score of a target; of a regression it is not known."""
    if not target.labels:
        return -_WIDE, _WIDE
    return float(min(target.positions)), float(max(target.positions))
