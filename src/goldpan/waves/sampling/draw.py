"""Drawing the items of a wave from an LLM's answers.

Three passes over the files, so that memory grows with the sample and the number of strata, not with the
corpus: count the strata, rank the records of those that are drawn from, keep the chosen ones.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from goldpan.errors import ReconciliationError, StudyError
from goldpan.files import sha256_hex
from goldpan.records.draw import rank, turns
from goldpan.stages.rows import FeatureRow
from goldpan.study.wave import Wave
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.waves.items import Item, item_id, repeat_id
from goldpan.waves.sampling.answered import Answered
from goldpan.waves.sampling.left_out import left_out_code
from goldpan.waves.sampling.overlap import OverlapPlan
from goldpan.waves.sampling.sample import SampleCounts, StratumCount, WaveSample
from goldpan.waves.sampling.strata import LEFT_OUT, MISSING, Strata
from goldpan.waves.sampling.targeted import AnsweredAndListed, targeted_by


@dataclass
class Population:
    """The records that can be drawn.

    Attributes:
        strata: how many there are in each stratum.
        outside: why the other records of the stage cannot be drawn, and how many.
        left_out: code of a skip -> how many of those that can be drawn were left out for it.
    """

    strata: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    _ids: int = 0

    def add(self, record_id: str, stratum: str) -> None:
        """Count a record."""
        self.strata[stratum] += 1
        # Exclusive or: the order of the records makes no difference, and each id is there once.
        self._ids ^= int(sha256_hex(record_id.encode()), 16)

    @property
    def fingerprint(self) -> str:
        """Tells other records from these, also where they are as many."""
        return f"{self._ids:064x}"


@dataclass(frozen=True)
class _Drawn:
    """Where a record stands in the sample: its turn, its stratum, and who answers it."""

    number: int
    stratum: str
    annotators: tuple[str, ...]
    repeated_by: tuple[str, ...]


def draw_sample(
    study: str, name: str, wave: Wave, features: Mapping[str, Feature], answered: Answered
) -> WaveSample:
    """Draw the items of the wave `name`.

    The records of a stratum are ranked by a hash of seed and record id; the first n_h of N_h are drawn, so
    each has the inclusion probability n_h / N_h. The sample does not depend on the order of the records, and
    a larger one holds the smaller one.

    Args:
        study: name of the study.
        name: name of the wave.
        wave: what the study says about it.
        features: the features that annotators answer (see `codebook.wave_features`), with any others that
            `stratify` names, by name.
        answered: what is drawn from.

    Raises:
        StudyError: nothing to draw from, an unknown stratum, or a key that no record has.
        ReconciliationError: features and records do not belong together.
    """
    where = f"waves.{name}"
    asked_features = wave.features or list(features)
    strata = Strata(wave.stratify, dict(features), where, has_left_out=wave.left_out is not None)
    drawable = count_population(asked_features, strata, answered)
    population = drawable.strata
    if not population:
        raise StudyError(
            "there is nothing to draw from: no record is answered with all features of the wave"
            f" ({_listed(drawable.outside)})",
            where=where,
        )
    _check_strata(wave, population, where)
    allocation = wave.stratify.allocation if wave.stratify else "proportional"
    limit = wave.sample if isinstance(wave.sample, int) else None
    order = list(itertools.islice(turns(population, allocation), limit))
    sampled = Counter(order)
    ranked = _best(sampled, asked_features, strata, wave.seed, answered)
    plan = OverlapPlan(wave.annotators, wave.per_item, wave.repeats, wave.seed)
    drawn = _assign(order, ranked, plan)
    if len({item_id(record_id) for record_id in drawn}) != len(drawn):
        raise ReconciliationError("two records of the sample get one item id", where=where)
    probability = {stratum: sampled[stratum] / population[stratum] for stratum in sampled}
    listed = None
    if isinstance(answered, AnsweredAndListed):
        listed = answered.counted(lambda row: outside(row, asked_features), drawn)
    targeted = targeted_by(wave.among, listed)
    items, llm = _items(drawn, probability, asked_features, answered, targeted.errors if targeted else "")

    asked: int | str | dict[str, int] = (
        dict(allocation) if isinstance(allocation, dict) else wave.sample or "all"
    )
    counts = SampleCounts(
        study=study,
        wave=name,
        stage=wave.stage or "",
        seed=wave.seed,
        features=list(asked_features),
        blind=wave.blind,
        layout=wave.layout,
        population=sum(population.values()),
        outside=dict(sorted(drawable.outside.items())),
        asked=asked,
        sampled=len(order),
        shortfall=_shortfall(asked, population),
        strata=[
            StratumCount(stratum, count, sampled[stratum], sampled[stratum] / count)
            for stratum, count in sorted(population.items())
        ],
        annotators=dict(plan.load),
        repeats={name: sum(name in place.repeated_by for place in drawn.values()) for name in plan.load},
        left_out=dict(sorted(drawable.left_out.items())),
        targeted=targeted,
    )
    return WaveSample(items, llm, counts, drawable.fingerprint)


def count_population(features: list[str], strata: Strata, answered: Answered) -> Population:
    """What can be drawn now, and what cannot."""
    population = Population()
    for row, data in answered.rows(with_data=strata.needs_data):
        reason = outside(row, features)
        if reason:
            population.outside[reason] += 1
        else:
            population.add(row["id"], strata.name(row, data))
            if code := left_out_code(row):
                population.left_out[code] += 1
    return population


def _best(
    sampled: Mapping[str, int], features: list[str], strata: Strata, seed: int, answered: Answered
) -> dict[str, list[str]]:
    """The record ids drawn from each stratum, the best rank first."""
    heaps: dict[str, list[tuple[int, str]]] = {stratum: [] for stratum in sampled}
    for row, data in answered.rows(with_data=strata.needs_data):
        if outside(row, features):
            continue
        stratum = strata.name(row, data)
        if stratum not in heaps:
            continue
        # heapq keeps the smallest on top; negated, that is the worst rank, the first to give way.
        entry = (-rank(seed, row["id"]), row["id"])
        if len(heaps[stratum]) < sampled[stratum]:
            heapq.heappush(heaps[stratum], entry)
        else:
            heapq.heappushpop(heaps[stratum], entry)
    return {stratum: [name for _, name in sorted(heap, reverse=True)] for stratum, heap in heaps.items()}


def _assign(order: list[str], ranked: Mapping[str, list[str]], plan: OverlapPlan) -> dict[str, _Drawn]:
    """The place of each record drawn, by record id, in the order of drawing."""
    next_of = {stratum: iter(ids) for stratum, ids in ranked.items()}
    drawn = {}
    for number, stratum in enumerate(order, 1):
        record_id = next(next_of[stratum])
        drawn[record_id] = _Drawn(number, stratum, *plan.assign(item_id(record_id)))
    return drawn


def _items(
    drawn: Mapping[str, _Drawn],
    probability: Mapping[str, float],
    features: list[str],
    answered: Answered,
    targeted: str,
) -> tuple[dict[str, Item], dict[str, dict[str, Any]]]:
    """The items by item id, in the order of the corpus, and what the LLM said about each."""
    items, llm = {}, {}
    for row, data in answered.rows(with_data=True):
        if row["id"] not in drawn:
            continue
        place = drawn[row["id"]]
        item = Item(
            item_id=item_id(row["id"]),
            repeat_id=repeat_id(row["id"]),
            id=row["id"],
            source=row["source"],
            file=row["file"],
            stratum=place.stratum,
            inclusion_probability=probability[place.stratum],
            draw=place.number,
            annotators=place.annotators,
            repeated_by=place.repeated_by,
            data=data,
            targeted=targeted,
        )
        items[item.item_id] = item
        llm[item.item_id] = {
            "item_id": item.item_id,
            "id": row["id"],
            "model": row.get("model"),
            "features": {feature: row["features"][feature] for feature in features},
        }
        if code := left_out_code(row):
            llm[item.item_id]["left_out"] = code
    return items, llm


def outside(row: FeatureRow, features: list[str]) -> str | None:
    """Why a record cannot be drawn; None when it can."""
    if row["state"] != "ok" and left_out_code(row) is None:
        return str(row["state"])
    missing = next((name for name in features if name not in row["features"]), None)
    return f"not asked for `{missing}`" if missing else None


def _check_strata(wave: Wave, population: Mapping[str, int], where: str) -> None:
    if wave.stratify is None:
        return
    answered = set(population) - set(LEFT_OUT.values())
    if len(wave.stratify.by) == 1 and answered == {MISSING}:
        raise StudyError(
            f"stratify: no record has `{wave.stratify.by[0]}`",
            where=where,
            remedy="a confidence comes from asking for several `samples`; a field must stand in the record",
        )
    if isinstance(wave.stratify.allocation, dict):
        for stratum in wave.stratify.allocation:
            # Whether anything was left out is known once the chain has run; that nothing was, is no mistake.
            if stratum not in population and not (wave.left_out and stratum in LEFT_OUT.values()):
                raise StudyError(
                    f"stratify.allocation: there is no stratum `{stratum}`;"
                    f" {suggestion(stratum, population)}",
                    where=where,
                )


def _shortfall(asked: int | str | dict[str, int], population: Mapping[str, int]) -> dict[str, int]:
    if isinstance(asked, dict):
        return {
            name: count - population.get(name, 0)
            for name, count in asked.items()
            if count > population.get(name, 0)
        }
    missing = asked - sum(population.values()) if isinstance(asked, int) else 0
    return {"all": missing} if missing > 0 else {}


def _listed(outside: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{reason}: {count:,}" for reason, count in sorted(outside.items())) or "no records at all"
    )
