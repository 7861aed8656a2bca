"""Annotating with four heads, against a loop over rows measured in the same run, and its memory.

    python -m pytest tests/bench/bench_heads.py -s

It writes 1.5 GB of embeddings into the temporary folder. Linear heads with one output are measured: with
larger heads, matrix products gain more over the loop.
"""

import pytest

from tests.bench.head_steps import annotate, loop_over_rows, make_corpus
from tests.bench.measuring import measure

pytest.importorskip("torch", reason="heads need the `embeddings` extra (torch, safetensors)")

ROWS = 1_000_000
LOOP_ROWS = 20_000


def test_four_heads_are_ten_times_as_fast_as_a_loop_over_rows(tmp_path):
    make_corpus(str(tmp_path), str(ROWS))
    loop = measure(loop_over_rows, tmp_path, str(LOOP_ROWS)).result
    ours = measure(annotate, tmp_path)
    per_row, loop_per_row = ours.wall / ours.result, loop["seconds"] / loop["rows"]
    print(
        f"\n{ours.result:,} rows: {ours}, {1e6 * per_row:.2f} us a row;"
        f" loop {1e6 * loop_per_row:.2f} us a row, {loop_per_row / per_row:.1f} times as long"
    )
    assert loop_per_row / per_row >= 10


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    peaks = []
    for count in (50_000, 400_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        make_corpus(str(folder), str(count))
        peaks.append(measure(annotate, folder).peak_mib)
    print(f"\npeak memory {peaks[0]:.0f} MiB for 50,000 rows, {peaks[1]:.0f} MiB for 400,000")
    assert peaks[1] < peaks[0] * 1.05
