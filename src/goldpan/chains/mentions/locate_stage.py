"""What a stage that looks for names says of each record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from goldpan.chains.mentions.fields import check_paths, text_at
from goldpan.chains.mentions.locate import Match, locate
from goldpan.chains.mentions.sentences import merged, sentences, window
from goldpan.chains.predictions import Predictions
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.study.load import Project
from goldpan.study.local_stage import LocateStage
from goldpan.tasks.features import prediction_of

_RAW, _TEXT = "raw", "text"


def check_locate(project: Project, stage: str, settings: LocateStage) -> None:
    """Raise StudyError where the records will not have what the stage names."""
    check_paths(project, stage, "name", settings.name)


def located(
    project: Project, stage: str, settings: LocateStage, records: Iterator[Record]
) -> Iterator[Predictions]:
    """Where the name of each record stands in its text.

    Records of one text follow one another; the windows of those that overlap are one.
    """
    for page, same in groupby(records, key=lambda record: _page_of(record, settings.text)):
        yield from _of_one_text(str(page[-1]), list(same), settings)


def _page_of(record: Record, field: str | None) -> tuple[object, ...]:
    """What tells one text from another of the same words, and last the text."""
    data = record["data"]
    page = (record["file"], record.get("parent"), str(data.get("document")), str(data.get("page")))
    return (*page, _text_of(record, field))


def _text_of(record: Record, field: str | None) -> str:
    fields = [field] if field is not None else [_RAW, _TEXT]
    values = (look_up(record["data"], name)[1] for name in fields)
    return next((value for value in values if isinstance(value, str)), "")


def _of_one_text(text: str, records: Sequence[Record], settings: LocateStage) -> Iterator[Predictions]:
    matches = [
        locate(text, [text_at(record, path) for path in settings.name], settings.threshold)
        for record in records
    ]
    places = [(at, match.start, match.end) for at, match in enumerate(matches) if match.start is not None]
    ranges = sentences(text) if places else []
    own = {at: window(ranges, start, end or start, 0) for at, start, end in places}
    wide = [window(ranges, start, end or start, settings.sentences) for _, start, end in places]
    shared = {}
    for made in merged(wide):
        for position in made.mentions:
            shared[places[position][0]] = made
    for at, (record, match) in enumerate(zip(records, matches, strict=True)):
        said = _match_predictions(match, _offset(record, settings))
        around = shared.get(at)
        said["sentence"] = prediction_of("text", text[slice(*own[at])] if at in own else None)
        said["window"] = prediction_of("text", text[around.start : around.end] if around else None)
        said["window_start"] = prediction_of("score", around.start if around else None)
        said["window_mentions"] = prediction_of("score", len(around.mentions) if around else None)
        yield said


def _offset(record: Record, settings: LocateStage) -> int | None:
    """Where in its document the searched text begins; None where nobody knows."""
    start = record["data"].get("start")
    searched_raw = settings.text in (None, _RAW) and isinstance(record["data"].get(_RAW), str)
    return start if searched_raw and isinstance(start, int) and not isinstance(start, bool) else None


def _match_predictions(match: Match, offset: int | None) -> Predictions:
    def in_document(place: int | None) -> int | None:
        return None if place is None or offset is None else offset + place

    return {
        "found": prediction_of("binary", match.kind != "none"),
        "match": prediction_of("classification", match.kind),
        "match_score": prediction_of("score", match.score),
        "matched_name": prediction_of("text", match.name),
        "start": prediction_of("score", match.start),
        "end": prediction_of("score", match.end),
        "document_start": prediction_of("score", in_document(match.start)),
        "document_end": prediction_of("score", in_document(match.end)),
        "occurrences": prediction_of("score", len(match.occurrences)),
    }
