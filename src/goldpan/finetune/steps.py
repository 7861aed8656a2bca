"""Which rows a step of the optimizer learns from, in which order: a plan that is made before training begins.

The plan depends on the lengths of the rows and the settings alone. So a job that goes on after it was killed
takes the same steps, and halving the token budget when memory runs out changes none of them: a step is the
same rows, in more and smaller batches.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

_BATCHES_SORTED_TOGETHER = 64


def token_batches(lengths: Sequence[int], rows: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Rows in batches of like length, of at most `batch_tokens` with padding; a longer row goes alone.

    Args:
        lengths: tokens of all rows.
        rows: places in `lengths` of those that are batched.
        batch_tokens: rows of a batch times the longest of them.
    """
    import numpy as np

    from goldpan.models.packing import pack

    packed = pack(np.array([lengths[row] for row in rows]), batch_tokens, lambda _, longest: longest)
    return [[rows[place] for place in batch.tolist()] for batch in packed]


def plan_steps(
    lengths: Sequence[int], *, batch_tokens: int, gradient_accumulation: int, epochs: int, seed: int
) -> list[list[int]]:
    """The rows of each step, over all epochs; each row once in an epoch.

    Rows are shuffled; some dozens of batches at a time are sorted by length, to pad little; then the batches
    are shuffled, too.

    Args:
        lengths: tokens of all rows, at least one.
        batch_tokens: of a batch, padding included.
        gradient_accumulation: batches of a step.
        epochs: how often each row is seen.
        seed: of the order.
    """
    steps: list[list[int]] = []
    window = _BATCHES_SORTED_TOGETHER * batch_tokens
    for epoch in range(epochs):
        chance = random.Random(f"{seed}/{epoch}")
        order = list(range(len(lengths)))
        chance.shuffle(order)
        batches: list[list[int]] = []
        for rows in _windows(lengths, order, window):
            batches += token_batches(lengths, rows, batch_tokens)
        chance.shuffle(batches)
        for start in range(0, len(batches), gradient_accumulation):
            steps.append([row for batch in batches[start : start + gradient_accumulation] for row in batch])
    return steps


def _windows(lengths: Sequence[int], order: Sequence[int], window: int) -> list[list[int]]:
    """The order cut into runs of rows with about so many tokens together."""
    runs: list[list[int]] = [[]]
    taken = 0
    for row in order:
        if runs[-1] and taken + lengths[row] > window:
            runs.append([])
            taken = 0
        runs[-1].append(row)
        taken += lengths[row]
    return runs
