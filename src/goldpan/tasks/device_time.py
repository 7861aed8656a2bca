"""What answers have cost a device of our own: seconds that stand in their bodies."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

_KEY = "goldpan"


class DeviceTime(NamedTuple):
    """What one answer has cost.

    Attributes:
        device: what it was computed on.
        seconds: of the device; the answers of one batch share them out, so only their sum is a measurement.
    """

    device: str
    seconds: float


def note_device_time(body: dict[str, Any], time: DeviceTime) -> None:
    """Write into the body of an answer what it has cost."""
    body[_KEY] = {"device": time.device, "device_seconds": round(time.seconds, 6)}


def device_time_of(body: dict[str, Any]) -> DeviceTime | None:
    """What an answer has cost a device of our own; None where its body does not say."""
    said = body.get(_KEY)
    if not isinstance(said, dict):
        return None
    device, seconds = said.get("device"), said.get("device_seconds")
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds)
    return DeviceTime(str(device), max(0.0, float(seconds))) if is_number and seconds is not None else None
