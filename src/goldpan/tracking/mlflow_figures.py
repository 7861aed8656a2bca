"""What a run says of itself as MLflow's metrics, which are numbers, and parameters, which are texts."""

from __future__ import annotations

import re
from typing import Any

import orjson

from goldpan.experiments.run import Run

_UNFIT = re.compile(r"[^A-Za-z0-9_\-. :/]")
"""What the name of a metric may not have."""
_LONGEST_PARAMETER = 5000


def metrics_of(run: Run) -> dict[str, float]:
    """Figures with their intervals, and the counts by state."""
    figures: dict[str, float] = {}
    for metrics in run.metrics:
        for figure in metrics.figures:
            raw, name = figure["raw"], f"{metrics.feature}.{figure['name']}"
            interval = raw.get("interval")
            values = {name: raw.get("value")}
            values |= {f"{name}.{end}": interval[end] for end in ("low", "high") if interval}
            figures |= {
                _UNFIT.sub("_", key): float(value) for key, value in values.items() if value is not None
            }
    figures |= {f"rows.{state}": float(count) for state, count in run.states.items()}
    if run.cost_usd is not None:
        figures["cost_usd"] = run.cost_usd
    return figures


def parameters_of(run: Run) -> dict[str, str]:
    """How the run was asked, on what, and of whom."""
    says = {
        "model": run.model,
        "provider": run.service,
        "samples": run.samples,
        "data_hash": run.data_hash,
        "prompt_hash": run.prompt_hash,
        **{f"params.{name}": value for name, value in run.params.items()},
    }
    return {name: _parameter(value) for name, value in says.items()}


def _parameter(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text[:_LONGEST_PARAMETER]
