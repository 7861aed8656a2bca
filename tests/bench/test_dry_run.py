"""A dry run over many files ends while one looks at it."""

import subprocess
import sys
import time

import pytest

from tests.bench.measuring import CHECKOUT, environment
from tests.bench.whole_runs import many_files

pytestmark = pytest.mark.timeout(600)

FILES = 10_000
MOST_SECONDS = 30.0


def test_a_dry_run_over_many_files(tmp_path, finding):
    for name in ("Snakefile", "rules", "workflow", "profiles"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    many_files(tmp_path, FILES, 1)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all", "-n"]
    start = time.perf_counter()
    subprocess.run(command, cwd=tmp_path, env=environment(CHECKOUT), check=True)
    taken = time.perf_counter() - start
    finding(f"dry run of {FILES:,} files: {taken:.1f} s wall")
    assert taken < MOST_SECONDS
