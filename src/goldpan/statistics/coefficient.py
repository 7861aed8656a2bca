"""What a coefficient of agreement is reported as."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from goldpan.as_json import rounded
from goldpan.statistics.bands import band
from goldpan.statistics.interval import Interval


@dataclass(frozen=True)
class Coefficient:
    """One coefficient. `value` is None where it is undefined, and `reason` says why.

    Attributes:
        name: e.g. `cohen_kappa_quadratic`.
        value: at most 1, but for `mean_absolute_error`, which is in units of the scale.
        observed: observed agreement, 0 to 1, that it was computed from.
        expected: agreement expected by chance under the coefficient's own model, 0 to 1.
        standard_error: large-sample standard error, where a formula is known.
        standard_error_null: the same if the true value were 0; for `z`.
        interval: confidence interval.
        reason: why the value or the interval is missing.
    """

    name: str
    value: float | None
    observed: float | None = None
    expected: float | None = None
    standard_error: float | None = None
    standard_error_null: float | None = None
    interval: Interval | None = None
    reason: str | None = None

    @property
    def band(self) -> str | None:
        """Name of its band, e.g. `Moderate`; None for coefficients that have no bands."""
        return band(self.name, self.value)

    @property
    def z(self) -> float | None:
        """Value over its standard error under chance agreement; None without one."""
        if self.value is None or not self.standard_error_null:
            return None
        return self.value / self.standard_error_null

    @property
    def p_value(self) -> float | None:
        """Two-sided p-value of `z` under the normal distribution."""
        return None if self.z is None else math.erfc(abs(self.z) / math.sqrt(2))

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; numbers to 6 decimals, so that the last bits of a sum do not show."""
        return {
            "name": self.name,
            "value": rounded(self.value),
            "interval": self.interval.as_json() if self.interval else None,
            "band": self.band,
            "observed": rounded(self.observed),
            "expected": rounded(self.expected),
            "standard_error": rounded(self.standard_error),
            "reason": self.reason,
        }
