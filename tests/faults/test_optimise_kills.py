"""Killed at any moment, a search goes on: it pays again only for what was in flight, and ends the same."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest

from tests.online_service import online_service
from tests.projects import until
from tests.searching import Remarks, search_project, with_records

SEARCH = {"methods": ["gepa", "rewrites"], "rewrites": 3, "budget": {"answers": 240}}
KILLS = 3


def start(project):
    return subprocess.Popen(
        [sys.executable, "-m", "goldpan", "step", "optimise", "better"],
        cwd=project.root,
        env=project.env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


LOST = [
    rb'"lost_usd":\s*[0-9.e-]+',
    rb"; besides, calls whose answers were lost may have cost .*?(?=\.</p>)",
    rb", and about [0-9.]+ USD for calls whose answers were lost",
]
"""What is told of the calls that kills have lost, by which a search differs that was stopped."""


def files_of(project):
    folder = project.root / "results" / "remarks" / "optimised" / "better"
    files = {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    for pattern in LOST:
        files = {name: re.sub(pattern, b"", content) for name, content in files.items()}
    return files


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_random_moments_it_goes_on_and_ends_as_it_would_have(tmp_path):
    draw = random.Random(4)
    counted = Counter()
    whole, killed = Remarks(), Remarks()

    def script(call):
        counted[str(call.body["messages"])] += 1
        return killed(call)

    # The same address in both projects, so that they differ in nothing.
    with online_service(lambda call: current(call)) as service:
        provider = {"kind": "openai", "base_url": service.base_url, "concurrency": 2}
        current = whole
        unstopped = search_project(tmp_path / "whole", provider, 36, **SEARCH)
        with_records(unstopped)
        assert start(unstopped).wait(300) == 0
        total = whole.asked + whole.improved
        current = script
        stopped = search_project(tmp_path / "stopped", provider, 36, **SEARCH)
        with_records(stopped)
        moments = sorted(draw.sample(range(2, total - 2), KILLS))
        for moment in moments:
            process = start(stopped)
            until(lambda moment=moment: killed.asked + killed.improved >= moment, process)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "it had ended before"
            assert not files_of(stopped), "outputs are written at the end only"
        process = start(stopped)
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
        twice = killed.asked + killed.improved - len(counted)
        # At each kill two calls at most are under way, whose answers are lost.
        assert len(counted) == total and twice <= 2 * KILLS
        assert files_of(stopped) == files_of(unstopped)
        calls = killed.asked + killed.improved
        assert start(stopped).wait(300) == 0 and killed.asked + killed.improved == calls
    assert threading.active_count() < 50
