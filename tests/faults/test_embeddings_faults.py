"""Embedding under kill -9, two processes at once, a full disk, damaged weights and hostile texts."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from goldpan.embeddings.embed import embed_file
from goldpan.embeddings.journal import journal_path
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.errors import EmbeddingError, SourceError
from goldpan.study.embedding import Embedding
from tests.tiny_models import WORDS, random_texts, save_encoder, write_records

pytest.importorskip("torch", reason="embeddings need the extra `models`")

ROWS = 60
BLOCK = 10
_PROGRAM = """
import sys
from pathlib import Path
from goldpan.embeddings.embed import embed_file
from goldpan.study.embedding import Embedding

settings = Embedding.model_validate_json(sys.argv[1])
print(embed_file(settings, Path(sys.argv[2]), Path(sys.argv[3])).resumed)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny encoder; not to be changed."""
    return str(save_encoder(tmp_path_factory.mktemp("models") / "m"))


@pytest.fixture
def settings(model):
    """Small blocks, mean pooling, on the CPU."""
    return Embedding(source="notes", model=model, pooling="mean", device="cpu", block_size=BLOCK)


@pytest.fixture
def records(tmp_path):
    """A records file of several blocks."""
    return write_records(tmp_path / "records.jsonl", random_texts(ROWS))


@pytest.fixture
def undisturbed(tmp_path, settings, records) -> bytes:
    """The file that a run makes that nothing disturbs."""
    embed_file(settings, records, tmp_path / "undisturbed.h5")
    return (tmp_path / "undisturbed.h5").read_bytes()


def start(settings, records, output, **environment) -> subprocess.Popen:
    """Embed in a process of its own, which prints how many records it found done."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, settings.model_dump_json(exclude_defaults=True), records, output],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_at(point, settings, records, output) -> None:
    """Embed until a crash point is reached, and kill the process there."""
    marker = output.with_suffix(".stopped")
    marker.unlink(missing_ok=True)
    process = start(settings, records, output, GOLDPAN_STOP_AT=point, GOLDPAN_STOP_FILE=str(marker))
    while not (marker.exists() and marker.read_text()):
        assert process.poll() is None, "the run ended before the crash point"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def waits_for_a_lock(process_id: int) -> bool:
    """Whether the kernel lists a process among those that wait for a file lock."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f" {process_id} " in line for line in lines)


def test_a_run_that_is_killed_again_and_again_goes_on_where_it_was(tmp_path, settings, records, undisturbed):
    output = tmp_path / "out.h5"
    for _ in range(2):
        kill_at("embedding_block_done", settings, records, output)
        assert not output.exists()

    counts = embed_file(settings, records, output)

    assert counts.resumed == 2 * BLOCK
    assert (counts.rows, counts.embedded) == (ROWS, ROWS)
    assert output.read_bytes() == undisturbed


def test_a_run_killed_while_it_writes_the_file_embeds_nothing_twice(tmp_path, settings, records, undisturbed):
    output = tmp_path / "made" / "out.h5"
    output.parent.mkdir()

    kill_at("embedding_block_stored", settings, records, output)
    assert not output.exists()
    counts = embed_file(settings, records, output)

    assert counts.resumed == ROWS
    assert output.read_bytes() == undisturbed
    assert {path.name for path in output.parent.iterdir()} == {"out.h5", "out.stopped"}


def test_records_that_changed_since_the_kill_are_embedded_anew(tmp_path, settings, records):
    output = tmp_path / "out.h5"
    kill_at("embedding_block_done", settings, records, output)
    write_records(records, random_texts(ROWS, seed=1))

    counts = embed_file(settings, records, output)

    embed_file(settings, records, tmp_path / "expected.h5")
    assert counts.resumed == 0
    assert output.read_bytes() == (tmp_path / "expected.h5").read_bytes()


def test_of_two_runs_at_once_the_second_takes_what_the_first_made(tmp_path, settings, records, undisturbed):
    output = tmp_path / "out.h5"
    marker = tmp_path / "stopped"
    point = {"GOLDPAN_STOP_AT": "embedding_block_done", "GOLDPAN_STOP_FILE": str(marker)}
    first = start(settings, records, output, **point)
    while not (marker.exists() and marker.read_text()):
        assert first.poll() is None
        time.sleep(0.02)

    second = start(settings, records, output)
    while not waits_for_a_lock(second.pid):
        assert second.poll() is None, "the second run did not wait for the first"
        time.sleep(0.02)
    marker.write_text("go on")

    assert first.communicate(timeout=120)[0].strip() == "0"
    assert second.communicate(timeout=120)[0].strip() == str(ROWS)
    assert output.read_bytes() == undisturbed
    assert not journal_path(output).exists()


@contextlib.contextmanager
def small_disk(folder, size: str):
    """A file system of its own with little room."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a full disk can only be played by who may mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# The journal of all blocks takes about 12 KiB; the file is begun only where there is room for it.
@pytest.mark.parametrize("size", ["8k", "24k"], ids=["in the journal", "before the file"])
def test_a_full_disk_is_an_error_after_which_a_run_goes_on(tmp_path, settings, records, undisturbed, size):
    with small_disk(tmp_path / "disk", size) as disk:
        output = disk / "out.h5"
        with pytest.raises(EmbeddingError, match="cannot be written") as caught:
            embed_file(settings, records, output)
        assert str(disk) in str(caught.value) and "make room" in str(caught.value)
        assert not output.exists()
        assert not list(disk.glob("*.part"))

        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        counts = embed_file(settings, records, output)

        assert counts.resumed > 0
        assert output.read_bytes() == undisturbed


@pytest.mark.parametrize("size", ["8k", "24k", "200k"])
def test_on_a_full_disk_a_process_ends_with_an_error_not_a_crash(tmp_path, settings, records, size):
    with small_disk(tmp_path / "disk", size) as disk:
        process = start(settings, records, disk / "out.h5")
        process.communicate(timeout=120)
        assert process.returncode == 1
        assert [path.name for path in disk.iterdir()] == [".out.h5.journal"]


def test_weights_that_give_nan_are_an_error_with_the_record(tmp_path, settings, records, model):
    from safetensors.torch import load_file, save_file

    folder = save_encoder(tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    # Only texts with the word w7 are hit.
    weights["embeddings.word_embeddings.weight"][4 + 7] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_records(records, ["w1 w2", "w3", "w6 w7"])

    with pytest.raises(EmbeddingError, match="NaN or infinite numbers for 1 doc") as caught:
        embed_file(settings.model_copy(update={"model": str(folder)}), records, tmp_path / "out.h5")
    assert "'d3'" in str(caught.value)
    assert not (tmp_path / "out.h5").exists()


def test_numbers_too_large_for_float16_are_an_error_not_infinity(tmp_path, settings, records):
    from safetensors.torch import load_file, save_file

    folder = save_encoder(tmp_path / "large")
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.1.output.LayerNorm.bias"] += 1e6
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    given = settings.model_copy(update={"model": str(folder), "storage_dtype": "float16"})

    with pytest.raises(EmbeddingError, match="storage_dtype: float32"):
        embed_file(given, records, tmp_path / "out.h5")


def test_a_text_without_a_character_stops_the_run_unless_the_study_skips_it(tmp_path, settings, records):
    write_records(records, ["w1", "", "w2"])

    with pytest.raises(SourceError, match="empty_text"):
        embed_file(settings, records, tmp_path / "out.h5")
    counts = embed_file(settings.model_copy(update={"on_error": "skip"}), records, tmp_path / "out.h5")

    assert (counts.rows, counts.embedded, counts.skipped) == (3, 2, {"empty_text": 1})


@pytest.mark.parametrize("text", ["w1 w2 " * 350_000, "x" * 2_000_000, "w1" + " " * 2_000_000 + "w2"])
def test_a_text_of_two_megabytes_is_embedded_as_what_of_it_fits(tmp_path, settings, records, text):
    write_records(records, ["w1", text, "w2"])
    embed_file(settings, records, tmp_path / "out.h5")
    write_records(records, [" ".join(text.split()[:62])])
    embed_file(settings, records, tmp_path / "head.h5")

    given, head = (first_block(tmp_path / name) for name in ("out.h5", "head.h5"))
    np.testing.assert_allclose(given.embeddings[1], head.embeddings[0], rtol=1e-4, atol=1e-5)
    assert given.truncated.tolist() == [False, len(text.split()) > 62, False]


def test_a_text_of_two_megabytes_is_embedded_whole_in_chunks(tmp_path, settings, records):
    words = WORDS * 2_500
    write_records(records, [" ".join(words)])
    counts = embed_file(settings.model_copy(update={"on_long": "chunk"}), records, tmp_path / "out.h5")

    chunks = -(-len(words) // 62)
    assert counts.tokens == len(words) + 2 * chunks
    assert not first_block(tmp_path / "out.h5").truncated.any()


def test_a_records_file_that_breaks_off_leaves_no_embeddings_file(tmp_path, settings, records):
    content = records.read_bytes()
    records.write_bytes(content[: len(content) // 2])

    with pytest.raises(SourceError, match="damaged"):
        embed_file(settings, records, tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def first_block(path):
    """The first rows of an embeddings file."""
    with EmbeddingFile(path) as file:
        return next(file.blocks())
