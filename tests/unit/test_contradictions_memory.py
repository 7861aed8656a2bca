"""What a service sends is read in bounded memory, also where a line has no end."""

import tracemalloc

import pytest

from goldpan.batches.contradictions import cover
from goldpan.files import LONGEST_LINE


@pytest.mark.slow
def test_a_line_without_end_is_held_against_what_was_asked_in_bounded_memory(tmp_path):
    path = tmp_path / "0"
    with path.open("wb") as file:
        file.write(b'{"custom_id": "req__1", "')
        file.truncate(12 * LONGEST_LINE)
        file.seek(0, 2)
        file.write(b'\n{"custom_id": "req__2"}\n')
    tracemalloc.start()
    try:
        coverage = cover([path], {"req__1", "req__2"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (coverage.lines, coverage.answered) == (2, 2)
    assert peak < 6 * LONGEST_LINE
