"""Times as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`0.7 s`, `3:05`, `1:03:05`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
