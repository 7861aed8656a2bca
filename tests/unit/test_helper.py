"""With a helper a loop gives what it gives without, whatever becomes of the helper."""

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from goldpan.helper import Alone, Helped, shared_work

MIB = 1 << 20
COUNT = 50
HERE = os.getpid()


def pieces():
    return iter(range(COUNT))


def large(number: int) -> bytes:
    """More than a pipe holds."""
    return bytes([number]) * (2 * MIB)


def elsewhere(number: int, then) -> int:
    """The number; in the helper, `then` is done before."""
    if os.getpid() != HERE and number > 20:
        then()
    return number


def fail() -> None:
    raise RuntimeError


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_pieces():
    with Helped(pieces, large) as work:
        assert list(work.results()) == [large(number) for number in range(COUNT)]


def test_a_part_of_the_work_is_done_by_another_process():
    with Helped(pieces, lambda number: os.getpid()) as work:
        found = list(work.results())
    assert len(set(found)) == 2
    assert found.count(os.getpid()) == len(range(0, COUNT, 3))


@pytest.mark.parametrize("then", [fail, die, lambda: os._exit(3)], ids=["fails", "killed", "ends"])
def test_what_the_helper_does_not_do_is_done_here(then):
    with Helped(pieces, partial(elsewhere, then=then)) as work:
        assert list(work.results()) == list(range(COUNT))


def test_an_error_of_the_work_is_raised_at_its_piece():
    def work_on(number: int) -> int:
        return 1 // (number - 31)

    with Helped(pieces, work_on) as work:
        results = work.results()
        assert [next(results) for _ in range(31)] == [1 // (number - 31) for number in range(31)]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_an_error_of_the_pieces_is_raised_after_those_before_it():
    def broken():
        yield from range(10)
        raise ValueError

    done: list[int] = []
    with Helped(broken, int) as work, pytest.raises(ValueError):
        done.extend(work.results())
    assert done == list(range(10))


def test_the_helper_is_gone_when_the_work_is_closed_early():
    with Helped(pieces, large) as work:
        next(work.results())
        process = work._process
        assert Path(f"/proc/{process}").exists()
    assert not Path(f"/proc/{process}").exists()


def test_an_orphaned_helper_ends(tmp_path):
    parent = os.fork()
    if parent == 0:
        work = Helped(pieces, large)
        (tmp_path / "helper").write_text(str(work._process))
        os._exit(0)
    os.waitpid(parent, 0)
    helper = Path("/proc") / (tmp_path / "helper").read_text()
    ended = threading.Event()
    for _ in range(200):
        if not helper.exists() or "State:\tZ" in (helper / "status").read_text():
            return
        ended.wait(0.05)
    pytest.fail("it still runs")


def test_little_work_is_done_alone():
    assert type(shared_work(pieces, int, bytes=MIB)) is Alone


_WITH_AND_WITHOUT_THREADS = """
import threading
from goldpan.helper import shared_work
def kind(cores=None):
    with shared_work(lambda: iter([1]), int, bytes=100 << 20, cores=cores) as work:
        return type(work).__name__
before = kind(), kind(2), kind(1)
over = threading.Event()
thread = threading.Thread(target=over.wait)
thread.start()
print(*before, kind())
over.set()
thread.join()
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core")
def test_much_work_is_shared_unless_there_are_threads_or_only_one_core_is_given():
    """In a process of its own: other tests leave threads behind."""
    done = subprocess.run(
        [sys.executable, "-c", _WITH_AND_WITHOUT_THREADS], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["Helped", "Helped", "Alone", "Alone"]
