"""What a coefficient of agreement is reported as."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from goldpan.statistics.bands import band


@dataclass(frozen=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "low": rounded(self.low),
            "high": rounded(self.high),
            "level": self.level,
            "method": self.method,
        }


@dataclass(frozen=True)
class Coefficient:
    """One coefficient. `value` is None where it is undefined, and `reason` says why.

    Attributes:
        name: e.g. `cohen_kappa_quadratic`.
        value: at most 1.
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
        """Name of its band, e.g. `Moderate`."""
        return band(self.value)

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


def finite(value: Any) -> float | None:
    """A float, or None for NaN: what the array functions give where a value is undefined."""
    number = float(value)
    return number if math.isfinite(number) else None


def rounded(value: float | None) -> float | None:
    """Rounded to 6 decimals for files; None stays None and -0.0 becomes 0.0."""
    return None if value is None else round(float(value), 6) + 0.0
