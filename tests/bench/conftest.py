"""Fixtures of the benchmarks, and the table of what they measured."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import traces
from tests.bench.measuring import CHECKOUT

# Before litellm is imported: else it asks the network for its price table, and waits.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

_FINDINGS: list[str] = []


@pytest.fixture
def finding() -> Callable[[str], None]:
    """Keeps a line for the table that is shown at the end."""
    return _FINDINGS.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    if _FINDINGS:
        terminalreporter.section("measured")
        for line in _FINDINGS:
            terminalreporter.line(line)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder for some gigabytes, removed afterwards. TMPDIR says on which disk."""
    path = Path(tempfile.mkdtemp(prefix="goldpan-bench-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def segments() -> list[traces.Segment]:
    """Real trace segments: the 300 of the shared data, or without it the examples."""
    shared = CHECKOUT.parent / "shared" / "data" / "traces" / "tau_bench_airline_segments.jsonl.gz"
    return traces.segments(shared if shared.exists() else CHECKOUT / "examples" / "traces" / "segments.jsonl")
