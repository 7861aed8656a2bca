"""What a `threshold.json` says, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def threshold_text(document: Mapping[str, Any]) -> str:
    """What a `threshold.json` says, in a line."""
    here, elsewhere = document["here"], document["elsewhere"]
    parts = [
        f"threshold {document['threshold']:g} keeps {here['share_kept']:.1%} with recall"
        f" {_figure(here['recall'])} on {document['relevant']} relevant of {document['records']} records"
        f" ({', '.join(document['chosen_on'])})"
    ]
    if elsewhere:
        parts.append(
            f"recall {_figure(elsewhere['recall'])} on {document['test_relevant']} of"
            f" {document['test_records']} ({', '.join(document['measured_on'])})"
        )
    else:
        parts.append("not measured on others: they have no relevant record")
    return "; ".join(parts)


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"undefined ({figure['reason']})"
    interval = figure["interval"]
    if interval is None:
        return f"{figure['value']:.2f} ({figure['reason']})"
    return f"{figure['value']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]"
