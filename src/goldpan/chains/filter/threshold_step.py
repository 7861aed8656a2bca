"""The step that chooses the threshold of a filter: from its records and a gold set to `threshold.json`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from goldpan.chains.filter.gold import (
    Judged,
    drawn_items,
    judged_records,
    records_with_gold,
    trained_on,
)
from goldpan.chains.filter.parts import keyword_finder, scorer_of
from goldpan.chains.filter.texts import TextReader
from goldpan.chains.filter.threshold import (
    ChosenThreshold,
    JudgedRecord,
    at_threshold,
    highest_threshold,
    threshold_table,
)
from goldpan.errors import StudyError
from goldpan.files import write_json
from goldpan.records.splits import SPLITS, SplitName
from goldpan.stages.documents import read_document
from goldpan.study.filter import GoldThreshold
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage

REMEDY = "delete it and run again: it is chosen anew"


def choose_threshold(project: Project, stage: str) -> ChosenThreshold:
    """Choose the threshold of a filter, and write `threshold.json`.

    Raises:
        StudyError: the filter has a fixed threshold, or the gold has nothing to choose by.
        SourceError, HeadError, EmbeddingError, ReconciliationError: as of what it reads.
    """
    settings = project.study.stages[stage]
    where = f"stages.{stage}.threshold"
    if not isinstance(settings, FilterStage) or not isinstance(settings.threshold, GoldThreshold):
        raise StudyError("this stage has no threshold that is chosen from a gold set", where=where)
    wanted = settings.threshold
    judged = judged_records(project, stage, wanted, where)
    trained = trained_on(project, settings.head, where)
    by_split: dict[SplitName, list[JudgedRecord]] = {split: [] for split in SPLITS}
    met = left_out = cannot_tell = 0
    for id, judgement, record in _scored(project, stage, settings, judged):
        met += 1
        left_out += id in trained
        cannot_tell += judgement.is_relevant is None
        if id not in trained and judgement.is_relevant is not None:
            by_split[judgement.split].append(record)
    notes = [
        *_note(len(judged) - met, "are not among the filter's records, or were skipped before"),
        *_note(left_out, "were those that the head was trained on"),
        *_note(cannot_tell, "are of records of which nobody can tell"),
    ]
    here = [record for split in wanted.split for record in by_split[split]]
    others = tuple(split for split in SPLITS if split not in wanted.split)
    elsewhere = [record for split in others for record in by_split[split]]
    drawn = drawn_items(project, wanted.wave, where) if wanted.wave else [*here, *elsewhere]
    threshold = highest_threshold(here, drawn, wanted.recall, where)
    relevant_elsewhere = sum(record.is_relevant for record in elsewhere)
    chosen = ChosenThreshold(
        threshold=threshold,
        wanted_recall=wanted.recall,
        chosen_on=tuple(wanted.split),
        records=len(here),
        relevant=sum(record.is_relevant for record in here),
        here=at_threshold(here, drawn, threshold),
        measured_on=others,
        test_records=len(elsewhere),
        test_relevant=relevant_elsewhere,
        elsewhere=at_threshold(elsewhere, drawn, threshold) if relevant_elsewhere else None,
        table=threshold_table(here, drawn),
        notes=tuple(notes),
    )
    write_json(project.root / project.paths.threshold(stage), chosen.as_json())
    return chosen


def read_threshold(path: Path) -> float:
    """The threshold of a `threshold.json`. Raises SourceError when it is damaged."""
    document = read_document(path, "a threshold", REMEDY)
    return float(document["threshold"])


def _scored(
    project: Project, stage: str, settings: FilterStage, judged: dict[str, Judged]
) -> Iterator[tuple[str, Judged, JudgedRecord]]:
    """The filter's records with gold: id, what the gold says, and what the filter does."""
    text_of = TextReader(settings.text)
    find = keyword_finder(project, stage, settings)
    scorer = scorer_of(project, stage, settings)
    assert scorer is not None
    records, to_score = itertools.tee(records_with_gold(project, stage, judged))
    for record, scored in zip(records, scorer.scores(to_score), strict=True):
        of_gold = judged[record["id"]]
        yield (
            record["id"],
            of_gold,
            JudgedRecord(
                is_relevant=bool(of_gold.is_relevant),
                score=scored.score,
                has_keyword=bool(find(text_of(record))),
                stratum=of_gold.stratum,
                inclusion_probability=of_gold.inclusion_probability,
            ),
        )


def _note(count: int, what: str) -> Sequence[str]:
    return [f"{count:,} gold labels {what}; they are left out."] if count else []
