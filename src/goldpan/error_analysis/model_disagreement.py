"""Gold labels against which several models agree, more often than their own errors explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from goldpan.statistics.permutations import permutations_for

_FEWEST_PERMUTATIONS, _FEWEST_DRAWN = 999, 99
NO_ANSWER = -1


@dataclass(frozen=True)
class ModelDisagreement:
    """Rows in which all models that answered, two or more, say the same, and gold says something else.

    Attributes:
        against: whether each row is one, shape (n,).
        doubt: of these rows the chance that gold is wrong and not all models: the share of rows of this gold
            label and this answer that independent errors do not explain; of the others 0.
        expected: number of such rows if the models' errors have nothing to do with each other.
        p_value: of at least as many; None where it was plain before all permutations were drawn that it is
            above the level.
    """

    against: np.ndarray
    doubt: np.ndarray
    expected: float
    p_value: float | None


def disagreement(
    gold: np.ndarray, answers: np.ndarray, strata: np.ndarray, alpha: float, seed: int
) -> ModelDisagreement:
    """Compare how often models agree against gold with how often they would by chance.

    Under clean labels models that err independently of each other, where rows are of one gold label and one
    stratum, agree against gold as often after the answers of each are permuted within these: an exact test.
    Errors that models make together, on rows that are hard for all, look like wrong labels, unless `strata`
    tell such rows.

    Args:
        gold: codes of the labels, shape (n,).
        answers: codes of the models' answers, shape (n, m); `NO_ANSWER` where there is none.
        strata: number of each row's stratum, shape (n,).
        alpha: level of the test, which says how many permutations it takes.
        seed: of the permutations.
    """
    against, says = _against(gold, answers)
    observed = int(against.sum())
    permutations = permutations_for(alpha, _FEWEST_PERMUTATIONS)
    generator = np.random.default_rng(seed)
    cells = _cells(gold, strata)
    as_many, drawn = 0, 0
    by_chance: Counter[tuple[int, int]] = Counter()
    for _ in range(permutations if observed else 0):
        shuffled = np.empty_like(answers)
        for rows in cells:
            for model in range(answers.shape[1]):
                shuffled[rows, model] = answers[generator.permutation(rows), model]
        there, said = _against(gold, shuffled)
        drawn += 1
        as_many += int(there.sum()) >= observed
        by_chance.update(zip(gold[there].tolist(), said[there].tolist(), strict=True))
        # Some are drawn in any case: the number that is expected is told, too.
        if (1 + as_many) / (1 + permutations) > alpha and drawn >= _FEWEST_DRAWN:
            break
    p_value = (1 + as_many) / (1 + drawn) if observed else 1.0
    doubt = np.zeros(len(gold))
    counts = Counter(zip(gold[against].tolist(), says[against].tolist(), strict=True))
    for row in np.flatnonzero(against):
        pair = int(gold[row]), int(says[row])
        doubt[row] = max(0.0, 1 - by_chance[pair] / max(drawn, 1) / counts[pair])
    return ModelDisagreement(
        against=against,
        doubt=doubt,
        expected=sum(by_chance.values()) / max(drawn, 1),
        p_value=None if observed and drawn < permutations else p_value,
    )


def codes_of(columns: Sequence[Sequence[Hashable]], missing: Sequence[Sequence[bool]]) -> np.ndarray:
    """Keys as codes, equal ones the same, shape (n, columns); `NO_ANSWER` where one is missing."""
    codes: dict[Hashable, int] = {}
    coded = [
        [
            NO_ANSWER if is_missing else codes.setdefault(key, len(codes))
            for key, is_missing in zip(column, absent, strict=True)
        ]
        for column, absent in zip(columns, missing, strict=True)
    ]
    return np.array(coded, dtype=int).T


def _against(gold: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the models of each row agree against gold, and what they say."""
    is_there = answers != NO_ANSWER
    highest = answers.max(axis=1)
    lowest = np.where(is_there, answers, np.iinfo(answers.dtype).max).min(axis=1)
    return (is_there.sum(axis=1) > 1) & (highest == lowest) & (highest != gold), highest


def _cells(gold: np.ndarray, strata: np.ndarray) -> list[np.ndarray]:
    """The rows of each gold label and stratum."""
    _, cell = np.unique(np.column_stack([gold, strata]), axis=0, return_inverse=True)
    order = np.argsort(cell.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(cell.ravel()[order])) + 1)
