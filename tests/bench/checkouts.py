"""Processor time of two checkouts: `python -m tests.bench.checkouts BEFORE AFTER [ROWS]`.

Run from the root of AFTER. Each checkout plans, fetches, settles and consolidates the same traces, in turn
and three times each, so that what else the machine does falls on both; the least processor time of each
counts. That of processes which a step starts is counted with it. Answers come from one endpoint, which is
not measured.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from goldpan.serve.running import running_server
from tests.bench import steps, traces
from tests.bench.answers import annotator
from tests.bench.measuring import CHECKOUT, environment, measure

REPEATS = 3
WAIT = "import sys, tests.bench.steps as s; s.stage_at(sys.argv[1]).wait(1, lambda progress: None)"
HARVEST = (steps.fetch, steps.settle, steps.consolidate)


def compare_checkouts(checkouts: dict[str, Path], rows: int, folder: Path) -> dict[str, dict[str, float]]:
    """Step -> checkout -> the least seconds of processor time.

    Args:
        checkouts: name -> root of a checkout with `tests/bench`.
        rows: how many traces are asked about.
        folder: an empty one, for 200 kB a row.
    """
    seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    segments = traces.segments(CHECKOUT / "examples" / "traces" / "segments.jsonl")

    # Requests from long traces.
    for name, checkout in checkouts.items():
        traces.write_project(folder / "plan" / name, traces.varied(segments, rows))
        measure(steps.records, folder / "plan" / name, checkout=checkout)
    for _ in range(REPEATS):
        for name, checkout in checkouts.items():
            root = folder / "plan" / name
            shutil.rmtree(root / ".goldpan", ignore_errors=True)
            planned = measure(steps.plan, root, checkout=checkout)
            assert planned.result == rows
            seconds["plan"][name].append(planned.processor)
    shutil.rmtree(folder / "plan")

    # Answers to short ones.
    with running_server(folder / "server", answerer=annotator(traces.texts(segments))) as server:
        for name, checkout in checkouts.items():
            root = folder / name
            traces.write_project(root, traces.cut(traces.varied(segments, rows)), server.base_url)
            for step in (steps.records, steps.plan, steps.submit):
                measure(step, root, checkout=checkout)
            command = [sys.executable, "-c", WAIT, str(root)]
            subprocess.run(command, cwd=checkout, env=environment(checkout), check=True)
            shutil.copyfile(root / ".goldpan" / "ledger.sqlite", root / "ledger.before")
        for _ in range(REPEATS):
            for name, checkout in checkouts.items():
                root = folder / name
                for path in (root / ".goldpan").glob("ledger.sqlite*"):
                    path.unlink()
                shutil.copyfile(root / "ledger.before", root / ".goldpan" / "ledger.sqlite")
                for step in HARVEST:
                    done = measure(step, root, checkout=checkout)
                    seconds[step.__name__][name].append(done.processor)
                assert done.result == {"ok": rows}
    return {step: {name: min(taken) for name, taken in of.items()} for step, of in seconds.items()}


def main(before: str, after: str, rows: str = "8000") -> None:
    """Print a line for each step, and one for the harvest as a whole."""
    with tempfile.TemporaryDirectory(prefix="goldpan-bench-") as folder:
        checkouts = {"before": Path(before).resolve(), "after": Path(after).resolve()}
        seconds = compare_checkouts(checkouts, int(rows), Path(folder))
    harvest = [seconds[step.__name__] for step in HARVEST]
    seconds["harvest"] = {name: sum(step[name] for step in harvest) for name in checkouts}
    for step, taken in seconds.items():
        ratio = taken["after"] / taken["before"]
        print(f"{step}: {taken['before']:.2f} s before, {taken['after']:.2f} s after, {ratio:.2f} times")


if __name__ == "__main__":
    main(*sys.argv[1:])
