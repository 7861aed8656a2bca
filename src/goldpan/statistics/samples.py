"""What the bootstrap draws again, with pseudo-rows: items of a wave, evaluated items, groups of records."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from goldpan.files import sha256_hex
from goldpan.statistics.bootstrap import PSEUDO_ROWS, Sample, Stratum
from goldpan.statistics.sampling_design import Design

FEWEST_UNITS = 5
"""Items that two or more answered, items of a figure's denominator, or groups of records, below which there
are no intervals."""
SEED = "made from the answers, so that the same answers give the same intervals"
"""The seed of `sample_of_answers` and `sample_of_predictions`, in words, for reports."""
_MOST_PATTERNS = 4096
_ANSWERS_POOL, _PREDICTIONS_POOL, _GROUPS_POOL = 256, 1024, 256


def sample_of_answers(codes: np.ndarray, labels: int, groups: np.ndarray | None = None) -> Sample:
    """The items of a wave, those answered alike as one row; codes of the sample have shape (u, m).

    At low prevalence a sample often holds no item on which annotators could have differed on the rare label.
    All but one of the annotators give a pseudo-item one label and the last gives another or the same, all
    pairs of labels and all annotators alike; for two annotators and k labels this adds 2 / k^2 to each cell
    of their table. In simulations with 2 to 8 annotators, 2 to 5 labels, prevalence from 2 % and kappa from
    0.2 to 0.8 intervals cover 0.92 to 1.00 where the plain bootstrap covers from 0.09.

    A single item can only be drawn again, so that its interval has no width; those of two to four items hold,
    but come from the pseudo-items more than from the answers, and span three quarters of the scale from -1 to
    1 or more. So fewer than `FEWEST_UNITS` items that two or more answered bear no intervals.

    Resampling is by item: answers to one item stay together. It says how far the sample of items moves the
    result, not how far other annotators would. Items of one group are drawn together, for they may be alike;
    a pseudo-item then counts as much as a group of mean size, and groups bear intervals as items do.

    Args:
        codes: shape (n, m): index of the label each annotator gave; below 0 is missing.
        labels: number of labels, k.
        groups: of the items, shape (n,), if some may be alike for what they have in common.
    """
    answered = (codes >= 0).any(1) if codes.size else np.ones(len(codes), dtype=bool)
    codes = codes[answered]
    if groups is not None and len(np.unique(groups[answered])) < len(codes):
        return _sample_of_grouped_answers(codes, labels, groups[answered])
    distinct, counts = np.unique(codes, axis=0, return_counts=True)
    seed = _seed(distinct, counts)
    pool = _answers_pool(codes, labels, np.random.default_rng(seed))
    mass = np.concatenate([counts, np.full(len(pool), PSEUDO_ROWS / max(len(pool), 1))])
    chances = mass / mass.sum() if mass.sum() else mass
    return Sample(
        codes=np.concatenate([distinct, pool]),
        counts=np.concatenate([counts, np.zeros(len(pool))]).astype(float),
        weights=np.ones(len(mass)),
        strata=(Stratum(slice(None), chances, draws=len(codes)),),
        drawn=len(codes),
        seed=seed,
        method="bootstrap over items with two pseudo-items, expanded percentiles",
        bears_intervals=bool(((codes >= 0).sum(1) >= 2).sum() >= FEWEST_UNITS),
    )


def _sample_of_grouped_answers(codes: np.ndarray, labels: int, groups: np.ndarray) -> Sample:
    """`sample_of_answers` of items of which some have a group (n,) in common."""
    _, group_of_item = np.unique(groups, return_inverse=True)
    keys = np.column_stack([group_of_item.reshape(-1), codes])
    distinct, counts = np.unique(keys, axis=0, return_counts=True)
    number, seed = int(distinct[-1, 0]) + 1, _seed(distinct, counts)
    pool = _answers_pool(codes, labels, np.random.default_rng(seed))
    chances = np.concatenate([np.ones(number), np.full(len(pool), PSEUDO_ROWS / max(len(pool), 1))])
    return Sample(
        codes=np.concatenate([distinct[:, 1:].astype(codes.dtype), pool]),
        counts=np.concatenate([counts, np.zeros(len(pool))]).astype(float),
        weights=np.ones(len(distinct) + len(pool)),
        strata=(Stratum(slice(None), chances / chances.sum(), draws=number),),
        drawn=number,
        seed=seed,
        method="bootstrap over groups of items with two pseudo-groups, expanded percentiles",
        bears_intervals=len(np.unique(group_of_item[(codes >= 0).sum(1) >= 2])) >= FEWEST_UNITS,
        unit_of_row=np.concatenate([distinct[:, 0], number + np.arange(len(pool))]),
        items_of_row=np.concatenate([counts, np.full(len(pool), len(codes) / number)]),
    )


def _answers_pool(codes: np.ndarray, labels: int, generator: np.random.Generator) -> np.ndarray:
    """Rows of codes that share the mass of the pseudo-items evenly; none when nothing can be compared."""
    annotators = codes.shape[1]
    paired = codes[(codes >= 0).sum(1) >= 2]
    if not len(paired) or not labels:
        return np.empty((0, annotators), dtype=codes.dtype)
    complete = bool((paired >= 0).all())
    if complete and labels**2 * annotators <= _MOST_PATTERNS:
        patterns = itertools.product(range(annotators), range(labels), range(labels))
        alone, most, other = np.array(list(patterns)).T
        answered = np.ones((len(alone), annotators), dtype=bool)
    else:
        most, other = generator.integers(0, labels, size=(2, _ANSWERS_POOL))
        answered = paired[generator.integers(0, len(paired), size=_ANSWERS_POOL)] >= 0
        # The one who differs must be one who answered: the largest of random numbers given to those who did.
        alone = np.where(answered, generator.random(answered.shape), -1.0).argmax(1)
    rows = np.repeat(most[:, None], annotators, axis=1)
    rows[np.arange(len(rows)), alone] = other
    return np.where(answered, rows, -1).astype(codes.dtype)


def sample_of_predictions(codes: np.ndarray, design: Design, gold_codes: np.ndarray) -> Sample:
    """Evaluated items, grouped by stratum, weight, gold value and predictions.

    Within each stratum n_h - 1 of its n_h items are drawn with replacement and their weights raised by
    n_h / (n_h - 1), which gives a variance that is right for small strata too (Rao and Wu 1988, J Am Stat
    Assoc 83:231-241). The sample is taken as drawn from a population much larger than itself: no correction
    is made for its finite size, so intervals are a little too wide rather than too narrow.

    The two pseudo-items are shared among the strata by size: any gold value with any prediction that occurs
    in the stratum, all alike. In simulations with 30 to 300 items, prevalence from 5 % and error rates from
    0.5 % intervals cover 0.92 to 1.00, where the plain bootstrap covers from 0.08.

    Args:
        codes: shape (n, c), at least one item: code of the gold value, then of each model's prediction.
        design: strata and weights of the same items.
        gold_codes: codes that a gold value could have; for the pseudo-items. Without any there are none: on a
            scale of fractions any gold value with any prediction is off by far more than items are.
    """
    if design.groups is not None and design.is_grouped:
        return _sample_of_grouped_predictions(codes, design.groups, gold_codes)
    distinct_weights, weight_codes = np.unique(design.weights, return_inverse=True)
    keys = np.column_stack([design.strata, weight_codes.reshape(-1), codes]).astype(np.int64)
    rows, counts = np.unique(keys, axis=0, return_counts=True)
    seed = _seed(rows, counts)
    generator = np.random.default_rng(seed)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    strata: list[Stratum] = []
    start = 0
    for stratum in np.unique(rows[:, 0]):
        here = rows[:, 0] == stratum
        own, own_counts = rows[here, 2:], counts[here].astype(float)
        own_weights = distinct_weights[rows[here, 1]]
        pool = _predictions_pool(own, gold_codes, generator)
        items = int(own_counts.sum())
        share = np.full(len(pool), PSEUDO_ROWS * items / len(codes) / max(len(pool), 1))
        mass = np.concatenate([own_counts, share])
        mean_weight = float((own_counts * own_weights).sum() / items)
        parts.append(
            (
                np.concatenate([own, pool]),
                np.concatenate([own_counts, np.zeros(len(pool))]),
                np.concatenate([own_weights, np.full(len(pool), mean_weight)]),
            )
        )
        draws = max(items - 1, 1)
        strata.append(Stratum(slice(start, start + len(mass)), mass / mass.sum(), draws, items / draws))
        start += len(mass)
    all_codes, all_counts, all_weights = (
        np.concatenate([part[index] for part in parts]) for index in range(3)
    )
    return Sample(
        codes=all_codes,
        counts=all_counts,
        weights=all_weights,
        strata=tuple(strata),
        drawn=len(codes),
        seed=seed,
        method=_method("stratified bootstrap over items", "items", gold_codes),
    )


def _sample_of_grouped_predictions(codes: np.ndarray, groups: np.ndarray, gold_codes: np.ndarray) -> Sample:
    """`sample_of_predictions` of items of which some have a group (n,) in common: groups are drawn as a
    whole, and a pseudo-item counts as much as a group of mean size.

    Items of one weight and stratum only, as are those that nobody drew.
    """
    _, group_of_item = np.unique(groups, return_inverse=True)
    keys = np.column_stack([group_of_item.reshape(-1), codes]).astype(np.int64)
    rows, counts = np.unique(keys, axis=0, return_counts=True)
    number, seed = int(rows[-1, 0]) + 1, _seed(rows, counts)
    own = rows[:, 1:]
    pool = _predictions_pool(own, gold_codes, np.random.default_rng(seed))
    chances = np.concatenate([np.ones(number), np.full(len(pool), PSEUDO_ROWS / max(len(pool), 1))])
    return Sample(
        codes=np.concatenate([own, pool]),
        counts=np.concatenate([counts, np.zeros(len(pool))]).astype(float),
        weights=np.ones(len(own) + len(pool)),
        strata=(Stratum(slice(None), chances / chances.sum(), draws=number),),
        drawn=number,
        seed=seed,
        method=_method("bootstrap over groups of items", "groups", gold_codes),
        bears_intervals=number >= FEWEST_UNITS,
        unit_of_row=np.concatenate([rows[:, 0], number + np.arange(len(pool))]),
        items_of_row=np.concatenate([counts, np.full(len(pool), len(codes) / number)]),
        spans_extremes=True,
    )


def _method(how: str, units: str, gold_codes: np.ndarray) -> str:
    """What an interval says of how it was made."""
    return f"{how}{f' with two pseudo-{units}' if len(gold_codes) else ''}, expanded percentiles"


def _predictions_pool(rows: np.ndarray, gold_codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Every gold value with every combination of predictions that occur, or a random part of them."""
    if not len(gold_codes):
        return np.empty((0, rows.shape[1]), dtype=rows.dtype)
    choices = [np.asarray(gold_codes), *(np.unique(column) for column in rows.T[1:])]
    if math.prod(len(some) for some in choices) <= _PREDICTIONS_POOL:
        return np.array(list(itertools.product(*choices)), dtype=rows.dtype)
    drawn = [generator.choice(some, size=_PREDICTIONS_POOL) for some in choices]
    return np.column_stack(drawn).astype(rows.dtype)


def sample_of_groups(groups: Sequence[str], seed: int) -> Sample:
    """Records in groups, which are drawn as a whole: records of one group are alike.

    Codes of the sample have shape (u, 2): the record whose true value a row has, and the one whose
    prediction. That is twice the same record, and in pseudo-records any two.

    A handful of groups, drawn again and again, does not show how much groups differ: fewer than
    `FEWEST_UNITS` bear no intervals.

    Args:
        groups: of the n records, at least one.
        seed: of the replicates.
    """
    _, group_of_record = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    records, number = len(groups), int(group_of_record.max()) + 1
    pool = np.random.default_rng((seed, 1)).integers(0, records, size=(2, _GROUPS_POOL))
    chances = np.concatenate([np.ones(number), np.full(_GROUPS_POOL, PSEUDO_ROWS / _GROUPS_POOL)])
    return Sample(
        codes=np.concatenate([np.arange(records).repeat(2).reshape(-1, 2), pool.T]),
        counts=np.concatenate([np.ones(records), np.zeros(_GROUPS_POOL)]),
        weights=np.ones(records + _GROUPS_POOL),
        strata=(Stratum(slice(None), chances / chances.sum(), draws=number),),
        drawn=number,
        seed=(seed, 2),
        method="bootstrap over groups with two pseudo-records, expanded percentiles",
        bears_intervals=number >= FEWEST_UNITS,
        unit_of_row=np.concatenate([group_of_record, number + np.arange(_GROUPS_POOL)]),
    )


def _seed(rows: np.ndarray, counts: np.ndarray) -> int:
    """From the content, so that the same answers give the same intervals."""
    content = np.ascontiguousarray(rows, "<i8").tobytes() + counts.astype("<i8").tobytes()
    return int(sha256_hex(content)[:16], 16)
