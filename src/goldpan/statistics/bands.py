"""Names for the strength of agreement (Landis and Koch 1977, Biometrics 33:159-174)."""

from __future__ import annotations

_UPPER_BOUNDS = (
    (0.2, "Slight"),
    (0.4, "Fair"),
    (0.6, "Moderate"),
    (0.8, "Substantial"),
    (1.0, "Almost Perfect"),
)


def band(value: float | None) -> str | None:
    """Name of the band of a coefficient: `<0, [0, .2], (.2, .4], (.4, .6], (.6, .8], (.8, 1]`.

    A bound belongs to the band below it; rounding noise of 1e-12 does not lift a value over its bound.
    """
    if value is None:
        return None
    if value < 0:
        return "Poor"
    return next(name for bound, name in _UPPER_BOUNDS if value <= bound + 1e-12)
