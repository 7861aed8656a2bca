"""What an embeddings file holds, and what is said of files that are not one."""

import shutil

import numpy as np
import pytest

from goldpan.embeddings.embed import embed_file
from goldpan.embeddings.provenance import differences
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.errors import EmbeddingError, SourceError
from goldpan.study.embedding import Embedding
from goldpan.study.paths import Paths, file_names
from tests.tiny_models import WIDTH, random_texts, save_encoder, write_records

pytest.importorskip("torch", reason="embeddings need the extra `models`")
h5py = pytest.importorskip("h5py")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny encoder; not to be changed."""
    return str(save_encoder(tmp_path_factory.mktemp("models") / "m"))


@pytest.fixture
def settings(model):
    """Makes settings with mean pooling and small blocks."""
    return lambda **given: Embedding(
        **{"source": "notes", "model": model, "pooling": "mean", "device": "cpu", "block_size": 7, **given}
    )


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory, model):
    """An embeddings file of 20 texts; not to be changed."""
    folder = tmp_path_factory.mktemp("whole")
    records = write_records(folder / "records.jsonl", random_texts(20))
    settings = Embedding(source="notes", model=model, pooling="mean", device="cpu", block_size=7)
    embed_file(settings, records, folder / "whole.h5")
    return folder / "whole.h5"


@pytest.fixture
def copy(whole_file, tmp_path):
    """A copy of the whole file, to be damaged."""
    return shutil.copy(whole_file, tmp_path / "copy.h5")


def rows_of(path, **given):
    """All rows of an embeddings file as one block."""
    with EmbeddingFile(path, **given) as file:
        (block,) = file.blocks(10_000)
        return block


def test_rows_carry_id_source_row_flag_and_vector_in_the_order_of_the_records(tmp_path, settings):
    rows = [
        {"id": f"r{n}", "line": 10 * n, "data": {"text": text}} for n, text in enumerate(random_texts(20))
    ]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    counts = embed_file(settings(max_length=30), records, tmp_path / "out.h5")
    given = rows_of(tmp_path / "out.h5")

    assert given.document_ids == [f"r{n}" for n in range(20)]
    assert given.source_rows.tolist() == [10 * n for n in range(20)]
    too_long = [len(row["data"]["text"].split()) > 28 for row in rows]
    assert given.truncated.tolist() == too_long
    assert counts.truncated == sum(too_long) > 0
    assert given.embeddings.shape == (20, WIDTH) and given.embeddings.dtype == np.float32
    assert given.labels is None


def test_other_tools_find_plain_datasets_and_attributes(whole_file):
    with h5py.File(whole_file) as file:
        group = file["train"]
        assert group["embeddings"].shape == (20, WIDTH)
        assert h5py.check_string_dtype(group["document_id"].dtype).encoding == "utf-8"
        assert group["source_row"].dtype == np.int64
        assert group.attrs["pooling"] == "mean"
        assert group.attrs["max_length"] == 64
        assert len(group.attrs["source_sha256"]) == 64
        assert bool(group.attrs["complete"])


@pytest.mark.parametrize(
    "id",
    ["a/b/../c", "データ-7", "née & <b>", "with space", "x" * 3000, "🂡", "-0"],
    ids=["slashes", "kanji", "accent", "space", "long", "emoji", "minus"],
)
def test_ids_come_back_as_they_were(tmp_path, settings, id):
    records = write_records(tmp_path / "records.jsonl", ["w1"], [{"id": id, "data": {"text": "w2"}}])

    embed_file(settings(), records, tmp_path / "out.h5")

    assert rows_of(tmp_path / "out.h5").document_ids == ["d1", id]


def test_number_labels_are_stored_as_numbers_with_nan_for_null(tmp_path, settings):
    rows = [{"data": {"text": "w1", "scores": {"a": score}}} for score in (3, None, True, 0.5)]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    embed_file(settings(labels="scores.a"), records, tmp_path / "out.h5")

    np.testing.assert_array_equal(rows_of(tmp_path / "out.h5").labels, [3, np.nan, 1, 0.5])


def test_several_labels_make_a_column_each(tmp_path, settings):
    rows = [{"data": {"text": "w1", "a": n, "b": -n}} for n in range(10)]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    embed_file(settings(labels=["a", "b"]), records, tmp_path / "out.h5")

    assert rows_of(tmp_path / "out.h5").labels.tolist() == [[n, -n] for n in range(10)]


def test_labels_are_texts_as_soon_as_one_is(tmp_path, settings):
    rows = [{"data": {"text": "w1", "topic": topic}} for topic in (1, None, 0.5, "forêt")]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    embed_file(settings(labels="topic", block_size=1), records, tmp_path / "out.h5")

    assert rows_of(tmp_path / "out.h5").labels.tolist() == ["1", "", "0.5", "forêt"]


def test_skipped_records_are_listed_and_the_counts_add_up(tmp_path, settings):
    rows = [
        {"id": "bad", "line": 8, "skip": "bad_json: no"},
        {"id": "nul\0", "line": 9, "data": {"text": ""}},
    ]
    records = write_records(tmp_path / "records.jsonl", ["w1", "", "w2"], rows)

    counts = embed_file(settings(on_error="skip"), records, tmp_path / "out.h5")

    assert (counts.rows, counts.embedded) == (5, 2)
    assert counts.skipped == {"bad_json": 1, "empty_text": 2}
    with EmbeddingFile(tmp_path / "out.h5") as file:
        listed = [(skip.id, skip.source_row, skip.code) for skip in file.skipped()]
        assert len(file) + file.skipped_count == 5
    assert listed == [("d2", 2, "empty_text"), ("bad", 8, "bad_json"), ("nul␀", 9, "empty_text")]


def test_progress_is_told_after_each_block(tmp_path, settings):
    records = write_records(tmp_path / "records.jsonl", random_texts(20))
    told = []

    embed_file(settings(), records, tmp_path / "out.h5", progress=lambda counts: told.append(counts.embedded))

    assert told == [7, 14, 20]


def test_a_file_of_which_no_record_can_be_embedded_is_complete(tmp_path, settings):
    records = write_records(tmp_path / "records.jsonl", ["", " "])

    embed_file(settings(on_error="skip"), records, tmp_path / "out.h5")

    with EmbeddingFile(tmp_path / "out.h5") as file:
        assert (len(file), file.skipped_count, list(file.blocks())) == (0, 2, [])


@pytest.mark.parametrize("compression", ["none", "gzip", "lzf"])
def test_a_second_run_gives_the_same_bytes(tmp_path, settings, compression):
    records = write_records(tmp_path / "records.jsonl", random_texts(30), [{"skip": "bad_json: no"}])
    given = settings(compression=compression)

    embed_file(given, records, tmp_path / "first.h5")
    embed_file(given, records, tmp_path / "second.h5")

    assert (tmp_path / "first.h5").read_bytes() == (tmp_path / "second.h5").read_bytes()


def test_no_time_is_stored(whole_file):
    with h5py.File(whole_file) as file:
        times = [h5py.h5o.get_info(item.id).ctime for item in (file["train"], file["train/embeddings"])]
    assert times == [0, 0]


@pytest.mark.parametrize("compression", ["gzip", "lzf"])
def test_compression_changes_no_value(tmp_path, settings, compression):
    records = write_records(tmp_path / "records.jsonl", random_texts(30))
    embed_file(settings(), records, tmp_path / "plain.h5")
    embed_file(settings(compression=compression), records, tmp_path / "packed.h5")

    plain, packed = rows_of(tmp_path / "plain.h5"), rows_of(tmp_path / "packed.h5")
    np.testing.assert_array_equal(plain.embeddings, packed.embeddings)
    assert plain.document_ids == packed.document_ids
    with h5py.File(tmp_path / "packed.h5") as file:
        assert file["train/embeddings"].compression == compression


def test_float16_is_stored_and_read_as_float32(tmp_path, settings):
    records = write_records(tmp_path / "records.jsonl", random_texts(10))
    embed_file(settings(), records, tmp_path / "single.h5")
    embed_file(settings(storage_dtype="float16"), records, tmp_path / "half.h5")

    half = rows_of(tmp_path / "half.h5").embeddings
    assert half.dtype == np.float32
    np.testing.assert_array_equal(half, rows_of(tmp_path / "single.h5").embeddings.astype(np.float16))


def test_the_group_is_the_studys(tmp_path, settings):
    records = write_records(tmp_path / "records.jsonl", ["w1"])
    embed_file(settings(group="all/notes"), records, tmp_path / "out.h5")

    assert rows_of(tmp_path / "out.h5", group="all/notes").document_ids == ["d1"]


def test_files_of_one_stem_in_different_folders_have_files_of_their_own(tmp_path, settings):
    files = [tmp_path / "data" / folder / "notes.jsonl" for folder in ("a", "b")]
    for file, text in zip(files, ("w1", "w2"), strict=True):
        write_records(file, [text])
    paths = Paths("results", "s")

    for name, file in file_names(files, tmp_path).items():
        records = tmp_path / paths.records("notes", name)
        records.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, records)
        embed_file(settings(), records, tmp_path / "out" / f"{name}.h5")

    made = sorted((tmp_path / "out").glob("*.h5"))
    assert len(made) == 2
    first, second = (rows_of(path).embeddings for path in made)
    assert not np.allclose(first, second)


def test_rows_are_read_in_blocks_of_any_size(whole_file):
    with EmbeddingFile(whole_file) as file:
        sizes = [len(block.document_ids) for block in file.blocks(9)]
        joined = np.concatenate([block.embeddings for block in file.blocks(9)])
    assert sizes == [9, 9, 2]
    np.testing.assert_array_equal(joined, rows_of(whole_file).embeddings)


def test_files_made_the_same_way_have_no_differences(tmp_path, settings):
    records = write_records(tmp_path / "a.jsonl", ["w1"]), write_records(tmp_path / "b.jsonl", ["w2"])
    embed_file(settings(), records[0], tmp_path / "a.h5")
    embed_file(settings(storage_dtype="float16", batch_tokens=9), records[1], tmp_path / "b.h5")

    with EmbeddingFile(tmp_path / "a.h5") as a, EmbeddingFile(tmp_path / "b.h5") as b:
        assert differences(a.provenance, b.provenance) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"pooling": "cls"}, "pooling: 'cls', not 'mean'"),
        ({"normalize": True}, "normalize: True, not False"),
        ({"max_length": 20}, "max_length: 20, not 64"),
        ({"prefix": "w1 "}, "prefix: 'w1 ', not ''"),
        ({"on_long": "chunk"}, "on_long: 'chunk', not 'truncate'"),
    ],
)
def test_what_changes_vectors_is_a_difference_that_is_named(tmp_path, settings, changed, named):
    records = write_records(tmp_path / "records.jsonl", ["w1"])
    embed_file(settings(), records, tmp_path / "a.h5")
    embed_file(settings(**changed), records, tmp_path / "b.h5")

    with EmbeddingFile(tmp_path / "a.h5") as a, EmbeddingFile(tmp_path / "b.h5") as b:
        assert differences(a.provenance, b.provenance) == [named]


def refusal(path, **given) -> str:
    """What is said of a file that cannot be used; reading it to the end must fail."""
    with pytest.raises(EmbeddingError) as caught, EmbeddingFile(path, **given) as file:
        list(file.blocks())
    assert caught.value.where == str(path)
    return caught.value.what


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_file_cut_short_is_an_error_with_its_name(copy, share):
    with copy.open("r+b") as handle:
        handle.truncate(int(copy.stat().st_size * share))
    refusal(copy)


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path):
    assert "no such file" in refusal(tmp_path / "nowhere.h5")


def test_a_file_that_is_not_hdf5_is_an_error_with_its_name(tmp_path):
    path = tmp_path / "x.h5"
    path.write_text("id,text\n1,a\n")
    assert "not a whole HDF5 file" in refusal(path)


def test_hdf5_of_someone_else_is_an_error_with_its_name(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["train/embeddings"] = np.zeros((3, 4))
    assert "not an embeddings file of goldpan" in refusal(path)


def test_a_group_that_is_not_there_is_an_error_that_names_those_that_are(whole_file):
    assert "no group `dev`; it has: train" in refusal(whole_file, group="dev")


@pytest.mark.parametrize(
    "dataset", ["embeddings", "document_id", "source_row", "truncated", "skipped/reason"]
)
def test_a_file_that_lacks_a_dataset_is_an_error(copy, dataset):
    with h5py.File(copy, "r+") as file:
        del file["train"][dataset]
    assert dataset in refusal(copy)


@pytest.mark.parametrize("attribute", ["complete", "pooling", "embedded", "embeddings_crc32"])
def test_a_file_that_lacks_an_attribute_is_an_error(copy, attribute):
    with h5py.File(copy, "r+") as file:
        del file["train"].attrs[attribute]
    assert attribute in refusal(copy)


def test_a_file_that_is_not_marked_complete_is_an_error(copy):
    with h5py.File(copy, "r+") as file:
        file["train"].attrs["complete"] = False
    assert "not complete" in refusal(copy)


def test_columns_of_different_lengths_are_an_error(copy):
    with h5py.File(copy, "r+") as file:
        del file["train/source_row"]
        file["train/source_row"] = np.arange(19)
    assert "`source_row` has 19 values for 20 embeddings" in refusal(copy)


def test_fewer_embeddings_than_were_written_are_an_error(copy):
    with h5py.File(copy, "r+") as file:
        fewer = file["train/embeddings"][:10]
        del file["train/embeddings"]
        file["train/embeddings"] = fewer
    assert "(10, 32), not (20, 32)" in refusal(copy)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_in_a_file_is_an_error_with_the_record(copy, value):
    with h5py.File(copy, "r+") as file:
        file["train/embeddings"][4, 3] = value
    assert "'d5' holds NaN or infinity" in refusal(copy)


def test_a_changed_number_is_found_by_the_checksum(copy):
    with h5py.File(copy, "r+") as file:
        file["train/embeddings"][4, 3] += 1
    assert "checksum differs" in refusal(copy)


@pytest.mark.parametrize("kind", ["int8", "float16", "float32", "int64", "text"])
def test_labels_are_stored_in_the_type_that_the_study_gives(tmp_path, settings, kind):
    rows = [{"data": {"text": "w1", "score": score}} for score in (0, 5, True)]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    embed_file(settings(labels="score", label_dtype=kind), records, tmp_path / "out.h5")

    with h5py.File(tmp_path / "out.h5") as file:
        stored = file["train/labels"]
        if kind == "text":
            assert stored.asstr()[:].tolist() == ["0", "5", "1"]
        else:
            assert (str(stored.dtype), stored[:].tolist()) == (kind, [0, 5, 1])
        assert file["train"].attrs["label_dtype"] == kind
    assert rows_of(tmp_path / "out.h5").labels is not None


@pytest.mark.parametrize(
    ("kind", "score"), [("int8", 300), ("int8", 2.5), ("int16", None), ("float16", 1e9), ("int64", "x")]
)
def test_a_label_that_does_not_fit_its_type_is_an_error_with_its_record(tmp_path, settings, kind, score):
    rows = [{"data": {"text": "w1", "score": one}} for one in (1, score)]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    with pytest.raises(SourceError, match=f"which `label_dtype: {kind}` does not hold") as refused:
        embed_file(settings(labels="score", label_dtype=kind), records, tmp_path / "out.h5")

    assert "'d2'" in str(refused.value)
    assert not (tmp_path / "out.h5").exists()
    skipping = settings(labels="score", label_dtype=kind, on_error="skip")
    assert embed_file(skipping, records, tmp_path / "out.h5").skipped == {"wrong_type": 1}


def test_files_without_a_label_type_say_nothing_of_one(whole_file):
    with h5py.File(whole_file) as file:
        assert not {"label_dtype", "layout", "layers"} & set(file["train"].attrs)
