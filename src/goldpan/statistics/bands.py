"""Names for the strength of agreement, for the coefficients that they were made for.

Kappa and pi: Landis and Koch (1977), Biometrics 33:159-174. Alpha: Krippendorff (2019), Content Analysis, 4th
edition, section 12.6.5. Coefficients whose chance agreement is set by the number of labels (AC1, AC2, PABAK,
Randolph's kappa), plain shares, correlations and errors have none.
"""

from __future__ import annotations

_LANDIS_AND_KOCH = (
    (0.2, "Slight"),
    (0.4, "Fair"),
    (0.6, "Moderate"),
    (0.8, "Substantial"),
    (1.0, "Almost Perfect"),
)
_KAPPAS = ("cohen_kappa", "mean_pairwise_kappa", "scott_pi", "fleiss_kappa", "conger_kappa")
_ALPHAS = ("krippendorff_alpha",)
RELIABLE, TENTATIVE = 0.8, 0.667
"""From where on alpha is relied upon, and from where on it bears tentative conclusions."""
_ROUNDING = 1e-12


def band(name: str, value: float | None) -> str | None:
    """Name of the band that a value of the coefficient `name` lies in; None if it has none.

    Kappa's are `<0, [0, .2], (.2, .4], (.4, .6], (.6, .8], (.8, 1]`, so a bound belongs to the band below it.
    Alpha's are `<.667, [.667, .8), [.8, 1]`, so a bound belongs to the band above it. Rounding noise of 1e-12
    moves no value over a bound.
    """
    if value is None:
        return None
    if name.startswith(_ALPHAS):
        bounds = ((RELIABLE, "Reliable"), (TENTATIVE, "Tentative"))
        return next((title for bound, title in bounds if value >= bound - _ROUNDING), "Not reliable")
    if not name.startswith(_KAPPAS):
        return None
    if value < 0:
        return "Poor"
    return next(title for bound, title in _LANDIS_AND_KOCH if value <= bound + _ROUNDING)
