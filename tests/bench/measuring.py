"""Measuring whole processes: wall time, processor time and peak memory."""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measurement:
    """What a process took, from its start to its end.

    Attributes:
        wall: seconds.
        processor: seconds of processor time of all its threads, user and system.
        peak_mib: the most memory it had resident, in MiB.
        result: what the measured function returned.
    """

    wall: float
    processor: float
    peak_mib: float
    result: Any = None

    def then(self, other: Measurement) -> Measurement:
        """Both, one after the other; the result is that of the second."""
        return Measurement(
            self.wall + other.wall,
            self.processor + other.processor,
            max(self.peak_mib, other.peak_mib),
            other.result,
        )

    def __str__(self) -> str:
        return f"{self.wall:.2f} s wall, {self.processor:.2f} s processor, peak {self.peak_mib:.0f} MiB"


def environment(checkout: Path | None = None) -> dict[str, str]:
    """The environment of a Python, with the library and tests of a checkout where one is named.

    Bytecode is kept, else what is measured is how each start compiles the modules of a checkout.
    """
    paths = {} if checkout is None else {"PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{checkout}"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True", **paths}


def measure(
    function: Callable[..., Any], *arguments: str | Path, checkout: Path | None = None
) -> Measurement:
    """Run a module's function, with its arguments as text, in a Python of its own.

    With `checkout` the function of that name of another checkout runs, with the library that lies there.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, function.__module__, function.__name__, *map(str, arguments)],
        cwd=checkout or CHECKOUT,
        env=environment(checkout),
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = process.communicate()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = output.splitlines()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = json.loads(said[-1])
    return Measurement(wall, processor, found["peak_mib"], found["result"])


@dataclass(frozen=True)
class Comparison:
    """The best of several runs each of goldpan and of a straightforward script."""

    ours: Measurement
    baseline: Measurement

    @property
    def wall_ratio(self) -> float:
        """How many times as fast goldpan was, by the clock."""
        return self.baseline.wall / self.ours.wall

    @property
    def processor_ratio(self) -> float:
        """How many times the processor time of goldpan the script took."""
        return self.baseline.processor / self.ours.processor

    def __str__(self) -> str:
        return (
            f"goldpan {self.ours}; script {self.baseline};"
            f" {self.wall_ratio:.2f} times as fast by the clock, {self.processor_ratio:.2f} by processor time"
        )


def compare(
    ours: Callable[[], Measurement], baseline: Callable[[], Measurement], repeats: int = 3
) -> Comparison:
    """Run both in turn, so that what else the machine does falls on both; keep the fastest run of each."""
    runs = [(ours(), baseline()) for _ in range(repeats)]
    return Comparison(
        min((run[0] for run in runs), key=lambda measured: measured.wall),
        min((run[1] for run in runs), key=lambda measured: measured.wall),
    )


def _peak_mib() -> float:
    # Not ru_maxrss: a child begins with that of the process it was forked from.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status does not say VmHWM")


class _WithoutPandas:
    """Hides pandas, which pyarrow loads where it is: goldpan does not install it, its tests do.

    `sys.modules["pandas"] = None` would not do: pyarrow's compiled code takes the None for the module.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(name)


def _run(module: str, name: str, *arguments: str) -> None:
    sys.meta_path.insert(0, _WithoutPandas())
    result = getattr(importlib.import_module(module), name)(*arguments)
    print(json.dumps({"peak_mib": _peak_mib(), "result": result}))


if __name__ == "__main__":
    _run(*sys.argv[1:])
