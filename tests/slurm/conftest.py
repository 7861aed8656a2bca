"""A real Slurm for all tests of the folder. They are skipped where it cannot be started."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.cluster import PACKAGES, Cluster, missing_programs
from tests.slurm.projects import SlurmProject


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running cluster; nodes that a test loses it brings back."""
    pytest.importorskip("torch", reason="embeddings need the extra `models`")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="Slurm needs the extra `slurm`")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons are started by root only")
    if missing := missing_programs():
        pytest.skip(f"no {', '.join(missing)} on this machine (Debian: apt-get install {' '.join(PACKAGES)})")
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
