"""Runs as a history holds them, for tests of what is made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from goldpan.experiments.identity import run_id
from goldpan.experiments.run import FeatureMetrics, PromptTexts, Run
from goldpan.statistics.figures import Estimate, Figure
from goldpan.statistics.interval import clopper_pearson_interval

ROWS = b"\xef\xbb\xbfid,state,reason,input.text,expected.f,answer.f,right.f\nr1,ok,,a text,yes,yes,yes\n"


def a_run(
    module: str = "m1", prompt: str = "p1", at: str = "2026-01-01T00:00:00.000000Z", **changed: Any
) -> Run:
    """A run of a module, whose one row was answered rightly."""
    what = {"module": module, "tasks": [{"when": None, "hash": prompt}], "data": "d"}
    accuracy = Estimate(1.0, clopper_pearson_interval(1, 1))
    figures = [Figure("accuracy", accuracy, accuracy).as_json()]
    metrics = FeatureMetrics("f", "binary", "nominal", "m1", {"evaluated": 1}, figures, [], {})
    run = Run(
        id=run_id(what),
        module=module,
        study="s",
        stage=module,
        what=what,
        prompt_hash=prompt,
        prompt_version=0,
        prompts=[PromptTexts(module, prompt, None, "{{ data.text }}", [{"name": "f", "type": "binary"}])],
        data_hash="d",
        provider_kind="local",
        service="local",
        model="model-1",
        params={"temperature": 0.1},
        samples=1,
        metrics=[metrics],
        records=1,
        states={"ok": 1},
        tokens={"prompt": 3},
        cost_usd=0.1 + 0.2,
        recorded_at=at,
        rows_sha256="",
        goldpan_version="1",
    )
    return replace(run, **changed)


def measured_run(number: int, value: float | None, **changed: Any) -> Run:
    """A run of module m1, recorded on a day of its own."""
    run = a_run(prompt=f"p{number}", at=f"2026-01-{number:02d}T00:00:00.000000Z")
    interval = None if value is None else {"low": max(value - 0.1, 0.0), "high": min(value + 0.1, 1.0)}
    figures = [{"name": "accuracy", "raw": {"value": value, "interval": interval, "reason": None}}]
    majority = [
        {"name": "majority", "figures": [{"name": "accuracy", "raw": {"value": 0.5, "interval": None}}]}
    ]
    metrics = [replace(run.metrics[0], figures=figures, baselines=majority, items={"evaluated": 40})]
    what = {**run.what, **changed.pop("what", {})}
    return replace(run, **{"metrics": metrics, "what": what, "id": run_id(what), **changed})


def contents(folder: Path) -> dict[str, bytes]:
    """File below a folder -> its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
