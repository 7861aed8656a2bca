"""Agreement weights: how much credit a pair of labels gets, 1 on the diagonal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNWEIGHTED, LINEAR, QUADRATIC = "unweighted", "linear", "quadratic"
WEIGHTINGS = (UNWEIGHTED, LINEAR, QUADRATIC)


def agreement_weights(weighting: str, positions: Sequence[float] | np.ndarray) -> np.ndarray:
    """Matrix (k, k) of agreement weights.

    Args:
        weighting: `unweighted` (identity), `linear` (Cicchetti and Allison 1971: 1 - |d|/range) or
            `quadratic`
            (Fleiss and Cohen 1973: 1 - d^2/range^2), where d is the difference of two positions.
        positions: the place of each label on its scale, shape (k,).
    """
    places = np.asarray(positions, dtype=float)
    if weighting == UNWEIGHTED:
        return np.eye(len(places))
    span = np.ptp(places) if len(places) else 0.0
    distance = np.abs(places[:, None] - places[None, :]) / (span or 1.0)
    if weighting == LINEAR:
        return 1.0 - distance
    if weighting == QUADRATIC:
        return 1.0 - distance**2
    raise ValueError(f"weighting is one of {', '.join(WEIGHTINGS)}, not {weighting!r}")
