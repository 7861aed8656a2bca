"""What a history holds, and the registry: the same as one JSON document, for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goldpan.experiments.figures import baseline_of, main_figure
from goldpan.experiments.run import Run, prompt_versions


@dataclass(frozen=True)
class Recorded:
    """What a history holds.

    Attributes:
        runs: in the order in which they were recorded.
        unreadable: name of a file -> what is wrong with it.
    """

    runs: list[Run]
    unreadable: dict[str, str]

    def of_module(self, module: str) -> list[Run]:
        """The runs of a module."""
        return [run for run in self.runs if run.module == module]

    def versions(self) -> dict[tuple[str, str], int]:
        """See `run.prompt_versions`."""
        return prompt_versions(self.runs)


def registry_of(recorded: Recorded) -> dict[str, Any]:
    """The registry of some runs."""
    versions = recorded.versions()
    return {
        "runs": [_entry(run, versions[run.module, run.prompt_hash]) for run in recorded.runs],
        "unreadable": [{"file": name, "why": why} for name, why in recorded.unreadable.items()],
    }


def entries_by_module(registry: Any) -> dict[str, list[Any]]:
    """Module -> its entries in a registry, after the files that could not be read; else nothing."""
    by_module: dict[str, list[Any]] = {}
    if isinstance(registry, dict) and isinstance(registry.get("runs"), list):
        for entry in registry["runs"]:
            if isinstance(entry, dict):
                module = str(entry.get("module"))
                by_module.setdefault(module, [registry.get("unreadable")]).append(entry)
    return by_module


def _entry(run: Run, version: int) -> dict[str, Any]:
    """What the registry says of a run."""
    return {
        "id": run.id,
        "module": run.module,
        "name": run.name,
        "study": run.study,
        "stage": run.stage,
        "recorded_at": run.recorded_at,
        "answered_at": run.answered_at,
        "prompt_version": version,
        "prompt_hash": run.prompt_hash,
        "data_hash": run.data_hash,
        "model": run.model,
        "samples": run.samples,
        "limit": run.limit,
        "records": run.records,
        "states": run.states,
        "metrics": [
            {
                "feature": metrics.feature,
                "evaluated": metrics.items["evaluated"],
                "main": main_figure(metrics.figures),
                "majority": baseline_of(metrics),
            }
            for metrics in run.metrics
        ],
        "cost_usd": run.cost_usd,
        "git": run.git,
        "rows": f"{run.id}.csv",
        "rows_sha256": run.rows_sha256,
    }
