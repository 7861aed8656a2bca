"""Numbers of a text and where each of them stands, so that anyone can compare the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from goldpan.html import three_decimals
from goldpan.report.artifacts import Artifact

Key = str | int


@dataclass(frozen=True)
class Quotation:
    """A number, or another value, as a text quotes it.

    Attributes:
        text: as it stands in the text.
        artifact: the file it is from, relative to the project root.
        key: the way to the value in it; of a file of rows what was counted in it.
        value: as it stands there, unrounded.
    """

    text: str
    artifact: str
    key: tuple[Key, ...]
    value: Any

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"text": self.text, "artifact": self.artifact, "key": list(self.key), "value": self.value}


@dataclass
class Quoter:
    """Writes numbers as a text shows them, and keeps where they are from.

    Attributes:
        private: (path of an artifact, key in it that is somebody's name) -> what stands in place of the name.
        quotations: all numbers so far, in their order.
    """

    private: Mapping[tuple[str, Key], str] = field(default_factory=dict)
    quotations: list[Quotation] = field(default_factory=list)

    def count(self, artifact: Artifact, *key: Key) -> str:
        """A whole number, `1,234`."""
        return self._kept(f"{value_at(artifact.made, key):,}", artifact, key)

    def share(self, artifact: Artifact, *key: Key) -> str:
        """A share as `48.0 %`."""
        value = value_at(artifact.made, key)
        return self._kept(share_text(value), artifact, key)

    def number(self, artifact: Artifact, *key: Key) -> str:
        """A number with three decimals."""
        return self._kept(three_decimals(value_at(artifact.made, key)), artifact, key)

    def dollars(self, artifact: Artifact, *key: Key) -> str:
        """An amount, `4.1200 USD`."""
        return f"{self._kept(dollar_text(value_at(artifact.made, key)), artifact, key)} USD"

    def value(self, artifact: Artifact, *key: Key) -> str:
        """Whatever stands there, as it stands there."""
        value = value_at(artifact.made, key)
        return self._kept(str(value), artifact, key)

    def figure(self, artifact: Artifact, *key: Key) -> str:
        """An estimate with its interval, `0.660 (95 % interval 0.255 to 0.864)`, or with why it has none."""
        made = value_at(artifact.made, key)
        reason = f"({self.value(artifact, *key, 'reason')})" if made.get("reason") else ""
        if made["value"] is None:
            return f"undefined {reason}".strip()
        shown, interval = self.number(artifact, *key, "value"), made.get("interval")
        if not interval:
            return f"{shown} {reason or '(no interval)'}"
        level = self._kept(f"{100 * interval['level']:g} %", artifact, (*key, "interval", "level"))
        low, high = (self.number(artifact, *key, "interval", end) for end in ("low", "high"))
        return f"{shown} ({level} interval {low} to {high})"

    def _kept(self, text: str, artifact: Artifact, key: tuple[Key, ...]) -> str:
        shown = tuple(self.private.get((artifact.path, step), step) for step in key)
        self.quotations.append(Quotation(text, artifact.path, shown, value_at(artifact.made, key)))
        return text


def value_at(made: Any, key: tuple[Key, ...]) -> Any:
    """What stands in a JSON document on the way `key`. Raises KeyError or IndexError where nothing does."""
    for step in key:
        made = made[step]
    return made


def share_text(value: float) -> str:
    """`48.0 %`; two digits that count where that would be none."""
    percent = 100 * value
    return f"{percent:.1f} %" if percent >= 0.1 or not percent else f"{percent:.2g} %"


def dollar_text(value: float) -> str:
    """`4.12`; of less than a dollar four decimals, and of next to nothing six."""
    if value >= 1 or not value:
        return f"{value:,.2f}"
    return f"{value:.4f}" if value >= 0.001 else f"{value:.6f}"
