"""A real Slurm for all tests of the folder. They are skipped where it cannot be started."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, obstacle
from tests.slurm.projects import SlurmProject


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster; nodes that a test loses it brings back."""
    pytest.importorskip("torch", reason="embeddings need the extra `models`")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="Slurm needs the extra `slurm`")
    if reason := obstacle():
        pytest.skip(f"no Slurm can be started here: {reason}")
    # Short, since the path of a socket is limited.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    running = Cluster(folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)


@pytest.fixture
def project(cluster: Cluster, tmp_path: Path) -> SlurmProject:
    """A project that was never run."""
    return SlurmProject.on(cluster, tmp_path / "project")
