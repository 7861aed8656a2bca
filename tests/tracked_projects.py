"""Projects with a history of runs and a tracker, for tests that upload them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from goldpan.experiments.history import History
from goldpan.experiments.identity import run_id
from goldpan.experiments.run import Run
from goldpan.study import load_project
from goldpan.study.load import Project
from tests.recorded_runs import a_run

NAME = "ClassifyTopic"
ROWS = 120
_TABLE = {
    "modules": {
        "m1": {"name": NAME, "kind": "validation", "funnel": "first"},
        "m2": {"name": "Other", "kind": "validation", "funnel": "first"},
    }
}


def some_rows() -> bytes:
    """The table of a run: every second row is wrong, the last one has failed."""
    lines = ["id,state,reason,input.text,input.tags,metadata.difficulty,expected.f,answer.f,right.f"]
    for number in range(ROWS):
        answer, right = ("yes", "yes") if number % 2 == 0 else ("no", "no")
        state = "ok,"
        if number == ROWS - 1:
            answer, state = "", "failed,http_500"
        lines.append(f'r{number},{state},text {number},"[""a"",""b""]",plain,yes,{answer},{right}')
    return b"\xef\xbb\xbf" + "\n".join([*lines, ""]).encode()


def tracked_project(root: Path, tracker: dict[str, Any]) -> Project:
    """A study of two modules with a tracker `team`, and three runs, two of them of m1 in the same second."""
    study = {
        "study": "golden",
        "modules": {
            "table": "config/modules.yaml",
            "data": "golden",
            "stage": {"provider": "here", "model": "goldpan-baseline-1"},
        },
        "providers": {"here": {"kind": "local"}},
        "trackers": {"team": tracker},
    }
    task = {
        "description": "Whether.",
        "prompt": {"user": "t.j2"},
        "features": [{"name": "f", "type": "binary", "description": "It is."}],
        "expected": {"f": {"field": "expected.f"}},
    }
    for name, content in (
        ("config/modules.yaml", _TABLE),
        ("config/studies/golden.yaml", study),
        ("config/config.yaml", {"study": "golden"}),
        *((f"config/tasks/{module}.yaml", {"task": module, **task}) for module in _TABLE["modules"]),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    (root / "config" / "tasks" / "t.j2").write_text("{{ data.input.text }}")
    (root / "golden").mkdir(exist_ok=True)
    row = {"id": "r0", "input": {"text": "text 0"}, "expected": {"f": True}}
    for module in _TABLE["modules"]:
        (root / "golden" / f"{module}.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    history = History(root / "runs")
    states = {"ok": ROWS - 1, "failed": 1}
    for run in (
        a_run(name=NAME),
        a_run(prompt="p2", name=NAME),
        a_run("m2", at="2026-01-02T00:00:00.000000Z", name="Other"),
    ):
        history.record(with_whole_features(run, states), some_rows())
    return load_project("golden", root=root)


def with_whole_features(run: Run, states: dict[str, int]) -> Run:
    """A run whose prompt says its features in full, and its rows where the right answers stand."""
    feature = {"name": "f", "type": "binary", "description": "It is."}
    prompts = [replace(prompt, features=[feature]) for prompt in run.prompts]
    what = run.what | {"gold": [{"fields": {"f": "expected.f"}, "match": {}}]}
    return replace(run, id=run_id(what), what=what, prompts=prompts, states=states, records=ROWS)
