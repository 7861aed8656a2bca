"""Names in a study lead to what they name; checked once all parts of the study are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldpan.study.evaluation import Evaluation
    from goldpan.study.model import Study


def check_references(study: Study) -> None:
    """Check that every name in a study is there, and that what it names can be used so.

    Raises:
        ValueError: with the place, the name, and the names there are.
    """
    _check_stages(study)
    folders: dict[str, str] = {}
    for name, wave in study.waves.items():
        if wave.stage is not None:
            _check("stage", wave.stage, study.stages, f"waves.{name}.stage")
        for source in wave.from_.source if wave.from_ else []:
            _check("source", source, study.sources, f"waves.{name}.from.source")
        other = folders.setdefault(wave.draw_file(study.study, name), name)
        if other != name:
            raise ValueError(
                f"waves.{name}.annotations: the wave `{other}` has the same folder; give each its own"
            )
    for name, embedding in study.embeddings.items():
        for source in embedding.source:
            _check("source", source, study.sources, f"embeddings.{name}.source")
    _check_heads(study)
    _check_annotated(study)
    _check_evaluations(study)


def _check_stages(study: Study) -> None:
    earlier: set[str] = set()
    for name, stage in study.stages.items():
        for source in stage.input.source or []:
            _check("source", source, study.sources, f"stages.{name}.input.source")
        before = stage.input.stage
        if before is not None and before not in earlier:
            if before in study.stages:
                raise ValueError(f"stages.{name}.input.stage: `{before}` must stand before `{name}`")
            _check("stage", before, earlier, f"stages.{name}.input.stage")
        _check("provider", stage.provider, study.providers, f"stages.{name}.provider")
        earlier.add(name)


def _check_heads(study: Study) -> None:
    for name, head in study.heads.items():
        place = f"heads.{name}"
        _check("embedding", head.embedding, study.embeddings, f"{place}.embedding")
        if head.labels.wave:
            _check("wave", head.labels.wave, study.waves, f"{place}.labels.wave")
        for stage in head.labels.stage or []:
            _check("stage", stage, study.stages, f"{place}.labels.stage")
        for source in head.labels.source or []:
            _check("source", source, study.sources, f"{place}.labels.source")
        if not study.label_sources(name):
            embedded = ", ".join(study.embeddings[head.embedding].source)
            raise ValueError(
                f"{place}.labels: none of the labels is about a record that `{head.embedding}` embeds"
                f" (sources: {embedded})"
            )


def _check_annotated(study: Study) -> None:
    for name, annotated in study.annotated.items():
        _check("embedding", annotated.embedding, study.embeddings, f"annotated.{name}.embedding")
        for head in annotated.heads:
            _check("head", head, study.heads, f"annotated.{name}.heads")
    for name, selection in study.selections.items():
        _check("set of annotated files", selection.annotated, study.annotated, f"selections.{name}.annotated")


def _check_evaluations(study: Study) -> None:
    for name, evaluation in study.evaluations.items():
        if evaluation.wave is not None:
            _check("wave", evaluation.wave, study.waves, f"evaluations.{name}.wave")
        for source in evaluation.source or []:
            _check("source", source, study.sources, f"evaluations.{name}.source")
        if not study.predictions_of(evaluation):
            raise ValueError(f"evaluations.{name}.predictions: no stage is asked about the source")
        for model, predicted in evaluation.predictions.items():
            place = f"evaluations.{name}.predictions.{model}"
            if predicted.stage is not None:
                _check("stage", predicted.stage, study.stages, f"{place}.stage")
                _check_about(evaluation, study.sources_of(predicted.stage), f"{place}.stage")
            if predicted.annotated is not None:
                _check("set of annotated files", predicted.annotated, study.annotated, f"{place}.annotated")
                embedding = study.annotated[predicted.annotated].embedding
                _check_about(evaluation, study.embeddings[embedding].source, f"{place}.annotated")
                for column in predicted.heads.values():
                    _check("head", column, _columns(study, predicted.annotated), f"{place}.heads")


def _check_about(evaluation: Evaluation, sources: Iterable[str], place: str) -> None:
    if evaluation.source and not set(evaluation.source) & set(sources):
        raise ValueError(
            f"{place}: these predictions are about {', '.join(sources)}, not about"
            f" {', '.join(evaluation.source)}, whose labels are the gold"
        )


def _columns(study: Study, annotated: str) -> list[str]:
    """What the columns of annotated files are called after `score_` and `label_`."""
    settings = study.annotated[annotated]
    own = [
        study.heads[head].column_of(head, target)
        for head in settings.heads
        for target in study.heads[head].targets
    ]
    return [*own, *settings.regression_head_checkpoints]


def _check(kind: str, name: str, known: Iterable[str], place: str) -> None:
    if name not in known:
        raise ValueError(
            f"{place}: there is no {kind} `{name}`; there are: {', '.join(sorted(known)) or 'none'}"
        )
