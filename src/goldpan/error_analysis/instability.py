"""Rows whose answer is not always the same: between samples, and between ways to ask."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldpan.error_analysis.answers_by_item import AnswersByItem, StageAnswer, stage_answers
from goldpan.error_analysis.items import AnswerFiles, ErrorItem, ErrorItems, Listed
from goldpan.error_analysis.parts import Instability, InstabilitySource
from goldpan.error_analysis.rows import shown_text
from goldpan.error_analysis.slices import error_rate
from goldpan.evaluation.baselines import key_text
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.formatting import percent
from goldpan.records.read import iter_records
from goldpan.statistics.figures import Estimate, too_few
from goldpan.statistics.interval import clopper_pearson_interval
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.study.error_analysis import ErrorAnalysis

SAMPLES = "samples"
MOST_LISTED = 10_000
"""So many rows are listed, the least stable ones, however many there are."""
_SHOWN_ANSWERS = 5


def unstable_rows(
    items: ErrorItems,
    values: FeatureValues,
    answers: AnswerFiles | None,
    paraphrases: Sequence[AnswerFiles],
    settings: ErrorAnalysis,
) -> Instability:
    """The rows of a stage, labelled or not, whose answer differs from one time to the next.

    A row is unstable if its samples do not all say the same, or if a stage that asks in other words says
    something else than the stage does. Rows are joined by item id. It takes constant memory but for the rows
    that are listed.

    Args:
        items: the evaluated rows of one feature and one model.
        values: how the values of the feature compare.
        answers: all answers of the stage; None of heads and of answers in a table.
        paraphrases: those of stages that ask in other words.
        settings: what the study says.

    Raises:
        SourceError: a file of a stage is damaged, or has two rows of one record.
    """
    if reason := _why_not(items, answers):
        return Instability(finding=reason, reason=reason)
    assert answers is not None
    watched = _Watched(items, [files.stage for files in paraphrases])
    with AnswersByItem(paraphrases, values) as elsewhere:
        for answer in stage_answers(answers, values):
            watched.add(answer, elsewhere.of(answer.item_id))
        unjoined = [
            watched.without[place] + elsewhere.answered(place) - watched.compared_with[place]
            for place in range(len(paraphrases))
        ]
    if not watched.compared:
        reason = (
            "No row has two answers: it was asked once. `samples` of a stage asks several times, and"
            " `paraphrases` names stages that ask in other words."
        )
        return Instability(finding=reason, reason=reason)
    rows = tuple(_listed(items, answers, watched, settings))
    return Instability(
        finding=_finding(watched),
        notes=tuple(_notes(watched, values)),
        rows=rows,
        sources=tuple(watched.sources(unjoined)),
        compared=watched.compared,
        unstable=watched.unstable,
        share=_share(watched.unstable, watched.compared),
        wrong_if_unstable=error_rate(watched.evaluated[True]),
        wrong_if_stable=error_rate(watched.evaluated[False]),
    )


def _why_not(items: ErrorItems, answers: AnswerFiles | None) -> str | None:
    if items.kind == "text":
        return "Free texts are hardly ever the same twice, so nothing is held against each other."
    if answers is None:
        return f"{items.model} are no answers of a stage, so there is one for each row."
    return None


@dataclass(order=True, frozen=True)
class _Unstable:
    """An unstable row; of two the less stable one, then that of the smaller item id, is the larger."""

    score: float
    reversed_id: tuple[int, ...]
    answer: StageAnswer = field(compare=False)
    others: Mapping[int, Hashable] = field(compare=False)


@dataclass
class _Watched:
    """Counts of rows, and the least stable of them.

    Attributes:
        items: the evaluated rows.
        stages: those that ask in other words.
        compared, unstable: rows with two answers or more, and those of them that differ.
        of_samples: the same two for samples.
        compared_with, differs_from, without: of each stage, rows with both answers, those that differ, and
            rows that it has no answer to.
        evaluated: evaluated rows that were compared, by whether they are unstable.
    """

    items: ErrorItems
    stages: Sequence[str]
    compared: int = 0
    unstable: int = 0
    of_samples: list[int] = field(default_factory=lambda: [0, 0])
    compared_with: Counter[int] = field(default_factory=Counter)
    differs_from: Counter[int] = field(default_factory=Counter)
    without: Counter[int] = field(default_factory=Counter)
    evaluated: dict[bool, list[ErrorItem]] = field(default_factory=lambda: {True: [], False: []})

    def __post_init__(self) -> None:
        self._by_id = {item.item_id: item for item in self.items.items}
        self._least_stable: list[_Unstable] = []

    def add(self, answer: StageAnswer, others: Mapping[int, Hashable]) -> None:
        """Look at a row: its answer, and by the number of the stage those of others."""
        several = answer.samples if len(answer.samples) > 1 else ()
        if several:
            self.of_samples[0] += 1
            self.of_samples[1] += len(set(several)) > 1
        for place in range(len(self.stages)):
            if place in others:
                self.compared_with[place] += 1
                self.differs_from[place] += others[place] != answer.key
            else:
                self.without[place] += 1
        if not several and not others:
            return
        self.compared += 1
        said = [*(several or (answer.key,)), *others.values()]
        is_unstable = len(set(said)) > 1
        self.unstable += is_unstable
        if answer.item_id in self._by_id:
            self.evaluated[is_unstable].append(self._by_id[answer.item_id])
        if is_unstable:
            reverse = tuple(-ord(letter) for letter in answer.item_id)
            row = _Unstable(_entropy(said), reverse, answer, others)
            if len(self._least_stable) < MOST_LISTED:
                heapq.heappush(self._least_stable, row)
            else:
                heapq.heappushpop(self._least_stable, row)

    def listed(self) -> list[_Unstable]:
        """The least stable rows, these first."""
        return sorted(self._least_stable, reverse=True)

    def sources(self, unjoined: Sequence[int]) -> Iterator[InstabilitySource]:
        """What was compared with what."""
        compared, unstable = self.of_samples
        if compared:
            yield InstabilitySource(
                name=SAMPLES, compared=compared, unstable=unstable, share=_share(unstable, compared)
            )
        for place, stage in enumerate(self.stages):
            compared, unstable = self.compared_with[place], self.differs_from[place]
            yield InstabilitySource(
                name=stage,
                compared=compared,
                unstable=unstable,
                share=_share(unstable, compared),
                unjoined=unjoined[place],
            )

    def why(self, row: _Unstable) -> str:
        """What was said how often."""
        parts = []
        if len(row.answer.samples) > 1:
            counts = Counter(map(key_text, row.answer.samples)).most_common(_SHOWN_ANSWERS)
            said = ", ".join(f"{text} {count}" for text, count in counts)
            parts.append(f"{len(row.answer.samples)} samples: {said}")
        parts += [f"{self.stages[place]}: {key_text(key)}" for place, key in sorted(row.others.items())]
        return "; ".join(parts)


def _listed(
    items: ErrorItems, answers: AnswerFiles, watched: _Watched, settings: ErrorAnalysis
) -> Iterator[Listed]:
    rows = watched.listed()
    gold = {item.item_id: item.gold for item in items.items}
    fields = _fields_of(answers, {row.answer.id for row in rows}, settings)
    for row in rows:
        yield Listed(
            list="unstable",
            name="",
            feature=items.feature,
            model=items.model,
            item_id=row.answer.item_id,
            id=row.answer.id,
            gold=gold.get(row.answer.item_id, ""),
            predicted=key_text(row.answer.key),
            score=row.score,
            why=watched.why(row),
            fields=fields.get(row.answer.id, {}),
        )


def _fields_of(answers: AnswerFiles, ids: set[str], settings: ErrorAnalysis) -> dict[str, Mapping[str, str]]:
    """Record id -> its fields as text, of the records that are listed."""
    if not ids:
        return {}
    return {
        record["id"]: shown_text(_data(record), settings.show)
        for record in iter_records(answers.records)
        if record["id"] in ids
    }


def _data(record: Any) -> Mapping[str, Any]:
    return record.get("data") or {}


def _entropy(said: Sequence[Hashable]) -> float:
    """Entropy of the answers, as a share of what so many different ones have, 0 to 1."""
    counts = Counter(said)
    total = len(said)
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    return round(entropy / math.log(total), 9)


def _share(unstable: int, compared: int) -> Estimate:
    if compared < FEWEST_UNITS:
        return Estimate(unstable / compared if compared else None, reason=too_few(compared, "row"))
    return Estimate(unstable / compared, clopper_pearson_interval(unstable, compared))


def _finding(watched: _Watched) -> str:
    if not watched.unstable:
        return f"All {watched.compared:,} rows with several answers have the same one each time."
    share = percent(watched.unstable / watched.compared)
    return (
        f"{watched.unstable:,} of {watched.compared:,} rows ({share}) do not have the same answer each time."
    )


def _notes(watched: _Watched, values: FeatureValues) -> Iterator[str]:
    if watched.unstable > MOST_LISTED:
        yield f"Listed are the {MOST_LISTED:,} least stable rows."
    if values.is_wide:
        yield "Two numbers are different answers however near they are."
    yield (
        "The score of a row is the entropy of its answers, as a share of what as many different ones have;"
        " samples count one by one, and of each other stage its one answer."
    )
