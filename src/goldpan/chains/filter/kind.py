"""A filter as a kind of stage: what it reads, what can be wrong with it, and what it says of each record."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from os.path import relpath

from goldpan.chains.filter.gold import gold_inputs
from goldpan.chains.filter.head_scores import head_files
from goldpan.chains.filter.keyword_matcher import FoundKeyword
from goldpan.chains.filter.parts import keyword_finder, keyword_list, scorer_of
from goldpan.chains.filter.scores import RecordScore
from goldpan.chains.filter.texts import TextReader
from goldpan.chains.filter.threshold_step import read_threshold
from goldpan.chains.predictions import Predictions
from goldpan.errors import StudyError
from goldpan.models.folders import is_model_folder, shaping_files
from goldpan.records.model import Record
from goldpan.stages.features import KEPT
from goldpan.study.filter import GoldThreshold
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage
from goldpan.tasks.features import prediction_of


def filtered(
    project: Project, stage: str, settings: FilterStage, records: Iterator[Record]
) -> Iterator[Predictions]:
    """What a filter says of each record.

    Raises:
        StudyError: its keywords or classifier cannot be had, or no record has the field that is looked at.
        SourceError: what stands in that field is no text.
    """
    text_of, find = TextReader(settings.text), keyword_finder(project, stage, settings)
    scorer = scorer_of(project, stage, settings)
    threshold = _threshold(project, stage, settings)
    to_read, to_score = itertools.tee(records)
    scores: Iterator[RecordScore | None] = (
        itertools.repeat(None) if scorer is None else scorer.scores(to_score)
    )
    if scorer is None:
        # Else all records would be kept for the one who never reads them.
        del to_score
    for record, scored in zip(to_read, scores, strict=False):
        yield _said(settings, find(text_of(record)), scored, threshold)
    _check_text_is_there(text_of, stage, settings)


def filter_inputs(project: Project, stage: str, settings: FilterStage) -> list[str]:
    """The files besides its records that a filter reads."""
    chosen = isinstance(settings.threshold, GoldThreshold)
    return [*_parts_inputs(project, stage, settings), *([project.paths.threshold(stage)] if chosen else [])]


def threshold_inputs(project: Project, stage: str) -> list[str]:
    """The files besides the records of a filter that its threshold is chosen from."""
    settings = project.study.local_stages[stage]
    assert isinstance(settings, FilterStage) and isinstance(settings.threshold, GoldThreshold)
    return [
        *_parts_inputs(project, stage, settings),
        *gold_inputs(project, settings.threshold, settings.head),
    ]


def check_filter(project: Project, stage: str, settings: FilterStage) -> None:
    """Look for what a filter reads, as far as it is there before anything runs.

    Raises:
        StudyError: keywords cannot be read or looked for; a local folder of a classifier is not there.
    """
    keyword_list(project, stage, settings)
    if settings.classifier is not None:
        name = settings.classifier.model
        if (project.root / name).is_dir() and not is_model_folder(project.root / name):
            raise StudyError(
                f"there is no model in the folder `{name}`: it has no config.json",
                where=f"stages.{stage}.classifier.model",
                remedy="give the folder that `save_pretrained` wrote",
            )


def _parts_inputs(project: Project, stage: str, settings: FilterStage) -> list[str]:
    files = [settings.keywords] if isinstance(settings.keywords, str) else []
    if settings.head is not None:
        files += head_files(project, stage, settings.head)
    if settings.classifier is not None:
        folder = project.root / settings.classifier.model
        shaping = shaping_files(folder).values() if is_model_folder(folder) else ()
        files += sorted(relpath(path, project.root) for path in shaping)
    return files


def _threshold(project: Project, stage: str, settings: FilterStage) -> float:
    if isinstance(settings.threshold, GoldThreshold):
        return read_threshold(project.left(project.paths.threshold(stage), f"stage `{stage}`"))
    return 0.0 if settings.threshold is None else settings.threshold


def _said(
    settings: FilterStage, keywords: list[FoundKeyword], scored: RecordScore | None, threshold: float
) -> Predictions:
    """The predictions of one record."""
    is_kept = bool(keywords)
    predictions = {KEPT: prediction_of("binary", is_kept)}
    if settings.keywords is not None:
        items = [keyword._asdict() for keyword in keywords]
        predictions["keywords"] = prediction_of("extraction", items)
    if scored is not None:
        if scored.score is not None:
            predictions[KEPT] = prediction_of("binary", is_kept or scored.score >= threshold)
            predictions["score"] = prediction_of("score", scored.score)
        if scored.label is not None:
            predictions["label"] = prediction_of("text", scored.label)
    return predictions


def _check_text_is_there(text_of: TextReader, stage: str, settings: FilterStage) -> None:
    if text_of.records and text_of.without == text_of.records:
        raise StudyError(
            f"no record has a field `{settings.text}`, so that nothing would be kept",
            where=f"stages.{stage}.text",
            remedy="name the field that holds the text",
        )
