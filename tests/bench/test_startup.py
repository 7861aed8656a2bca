"""Commands start in a fraction of a second."""

import subprocess
import sys
import time

MOST_SECONDS = 0.3


def test_help_is_shown_at_once(finding):
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "goldpan", "--help"], capture_output=True, check=True)
        taken.append(time.perf_counter() - start)
        assert b"COMMAND" in done.stdout
    finding(f"goldpan --help: {min(taken):.3f} s wall")
    assert min(taken) < MOST_SECONDS
