"""The journal of finished blocks: what of it is kept, and for whom."""

from dataclasses import replace

import numpy as np
import pytest

from goldpan.embeddings.blocks import EmbeddedBlock
from goldpan.embeddings.documents import Skipped
from goldpan.embeddings.journal import Journal, journal_path
from goldpan.embeddings.provenance import Provenance

PROVENANCE = Provenance(
    model="m",
    revision="",
    model_sha256="0" * 64,
    pooling="mean",
    normalize=True,
    dimension=3,
    max_length=64,
    on_long="truncate",
    prefix="",
    text=("text",),
    separator=" ",
    template="",
    labels=("score",),
    compute_dtype="float32",
    storage_dtype="float32",
    block_size=2,
    batch_tokens=512,
    padding="right",
    source_sha256="1" * 64,
    goldpan_version="0",
    torch_version="0",
    transformers_version="0",
)


def block(number: int) -> EmbeddedBlock:
    """Two documents and a skipped record."""
    return EmbeddedBlock(
        ids=[f"{number}/ä", f"{number}/b"],
        source_rows=np.array([3 * number, 3 * number + 1]),
        truncated=np.array([False, True]),
        labels=[(float(number),), (None,)],
        skipped=[Skipped(f"s{number}", 3 * number + 2, "empty_text: there is no text")],
        tokens=17,
        vectors=np.full((2, 3), number, dtype=np.float32),
    )


def numbers(blocks) -> list[int]:
    """Which blocks these are, after a look at all they hold."""
    found = list(blocks)
    for given in found:
        expected = block(int(given.vectors[0, 0]))
        arrays = ("vectors", "source_rows", "truncated")
        for name in arrays:
            np.testing.assert_array_equal(getattr(given, name), getattr(expected, name))
        without = dict.fromkeys(arrays)
        assert replace(given, **without) == replace(expected, **without)
    return [int(given.vectors[0, 0]) for given in found]


@pytest.fixture
def output(tmp_path):
    """An output that is not there yet, and whose journal holds three blocks."""
    output = tmp_path / "out.h5"
    with Journal(output) as journal:
        assert list(journal.resume(PROVENANCE)) == []
        for number in range(3):
            journal.append(block(number))
    return output


def test_blocks_are_kept_from_one_process_to_the_next(output):
    with Journal(output) as journal:
        assert numbers(journal.resume(PROVENANCE)) == [0, 1, 2]
        journal.append(block(3))
        assert numbers(journal.blocks()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "changed",
    [{"source_sha256": "2" * 64}, {"model_sha256": "2" * 64}, {"block_size": 3}, {"max_length": 65}],
)
def test_blocks_that_were_made_otherwise_are_dropped(output, changed):
    with Journal(output) as journal:
        assert list(journal.resume(replace(PROVENANCE, **changed))) == []
        assert list(journal.blocks()) == []


def test_a_journal_cut_at_any_byte_keeps_its_whole_blocks_and_can_go_on(output):
    whole = journal_path(output).read_bytes()
    starts = [whole.index(b'{"ids":["%d/' % number) for number in range(3)]
    for length in range(len(whole)):
        journal_path(output).write_bytes(whole[:length])
        with Journal(output) as journal:
            kept = numbers(journal.resume(PROVENANCE))
            journal.append(block(7))
            assert numbers(journal.blocks()) == [*kept, 7]
        following = [start for start in starts if start > length]
        assert len(kept) >= 3 - len(following) - 1, length
        assert len(kept) < 3


@pytest.mark.parametrize("damaged", [b'ids":["1/', block(1).vectors.tobytes()])
def test_a_damaged_block_and_all_after_it_are_dropped(output, damaged):
    content = bytearray(journal_path(output).read_bytes())
    content[content.index(damaged) + 2] ^= 1
    journal_path(output).write_bytes(content)

    with Journal(output) as journal:
        assert numbers(journal.resume(PROVENANCE)) == [0]
        # It takes the damaged block's place, and is as long; block 2 must not come back behind it.
        journal.append(block(1))
        assert numbers(journal.blocks()) == [0, 1]


def test_a_file_that_is_no_journal_is_begun_anew(output):
    journal_path(output).write_bytes(b"\xff" * 10_000)
    with Journal(output) as journal:
        assert list(journal.resume(PROVENANCE)) == []
        journal.append(block(0))
        assert numbers(journal.blocks()) == [0]


def test_a_journal_that_nobody_else_has_open_is_not_waited_for(output):
    with Journal(output) as journal:
        assert not journal.waited
