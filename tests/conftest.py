"""Fixtures shared by all tests."""

import os
import signal
import sys
from pathlib import Path

import pytest

# The tensors of tests are so small that threads of PyTorch cost more than they bring, above all when several
# processes run tests. Tests of threads say how many they want.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Where no bytecode may be written, as in many containers, each of the hundreds of processes that tests start
# would compile goldpan anew, which is half of what a step takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell starts what runs in its background with SIGINT ignored, which children inherit: tests of Ctrl-C
# would wait for ever under `nohup make test &`.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project() -> Path:
    """Root of the project's own checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that is not part of the project; tests that need it are skipped where it is absent."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this machine")
    return folder
