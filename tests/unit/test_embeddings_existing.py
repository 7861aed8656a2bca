"""Embeddings that were made elsewhere: joined by id, read where they lie, or refused."""

import os
import shutil
import zlib

import numpy as np
import pytest

from goldpan.embeddings.existing_files import existing_files
from goldpan.embeddings.provenance import differences
from goldpan.embeddings.reader import EmbeddingFile
from goldpan.embeddings.take import take_embeddings
from goldpan.errors import EmbeddingError, GoldpanError, HeadError, ReconciliationError, StudyError
from goldpan.heads.dataset import join
from goldpan.heads.model import HeadModel, Linear
from goldpan.study.embedding import Embedding
from goldpan.study.load import load_project
from tests.classic_files import write_classic
from tests.head_builders import random_vectors, write_embeddings, write_records

h5py = pytest.importorskip("h5py")

IDS = [f"d{number}" for number in range(1, 31)]


def stated(**given):
    """Settings of embeddings that are there already."""
    said = {"source": "notes", "files": "x.h5", "layout": "ml_filter", "model": "lab/encoder"}
    return Embedding(**(said | {"pooling": "mean", "max_length": 512} | given))


@pytest.fixture
def records(tmp_path):
    """A records file of 30 records."""
    return write_records(tmp_path / "a.jsonl", [{"text": id, "lang": "de"} for id in IDS])


@pytest.fixture
def take(tmp_path, records):
    """Takes vectors for the records; gives all that can then be read."""

    def taken(*files, rows=7, **given):
        options = {key: given.pop(key) for key in ("model_sha256", "may_hold_more") if key in given}
        counts = take_embeddings(stated(**given), records, files, tmp_path / "out.h5", **options)
        with EmbeddingFile(tmp_path / "out.h5", given.get("group", "train")) as file:
            blocks = list(file.blocks(rows))
            assert counts.rows == len(file) + file.skipped_count
            return file.provenance, blocks, file.skipped()

    return taken


def by_id(blocks):
    """Record id -> vector."""
    return {
        id: vector
        for block in blocks
        for id, vector in zip(block.document_ids, block.embeddings, strict=True)
    }


@pytest.mark.parametrize("order", ["as the records", "backwards", "shuffled"])
def test_vectors_come_by_id_whatever_the_order_of_the_file(tmp_path, take, order):
    places = list(range(30))
    if order != "as the records":
        places = places[::-1] if order == "backwards" else np.random.default_rng(1).permutation(30).tolist()
    vectors = random_vectors(30)
    file = write_classic(tmp_path / "x.h5", [IDS[place] for place in places], vectors)

    provenance, blocks, skipped = take(file)

    assert [id for block in blocks for id in block.document_ids] == IDS
    for place, vector in zip(places, vectors, strict=True):
        np.testing.assert_array_equal(by_id(blocks)[IDS[place]], vector)
    assert skipped == []
    assert (provenance.model, provenance.pooling, provenance.max_length) == ("lab/encoder", "mean", 512)
    assert (provenance.dimension, provenance.normalize, provenance.layout) == (8, False, "ml_filter")


def test_vectors_are_not_copied(tmp_path, take):
    vectors = random_vectors(30, 1000)
    file = write_classic(tmp_path / "x.h5", IDS, vectors, compression=None)
    take(file)
    assert (tmp_path / "out.h5").stat().st_size < file.stat().st_size / 4


def test_parts_of_one_file_are_read_one_after_the_other(tmp_path, take):
    vectors = random_vectors(30)
    parts = [
        write_classic(tmp_path / "000_x.h5", IDS[:12], vectors[:12]),
        write_classic(tmp_path / "001_x.h5", IDS[12:], vectors[12:].astype(np.float64)),
    ]
    np.testing.assert_array_equal(np.stack([*by_id(take(*parts)[1]).values()]), vectors)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_all_floats_are_read(tmp_path, take, dtype):
    vectors = random_vectors(30).astype(dtype)
    provenance, blocks, _ = take(write_classic(tmp_path / "x.h5", IDS, vectors))
    np.testing.assert_array_equal(np.stack([*by_id(blocks).values()]), vectors.astype(np.float32))
    assert provenance.storage_dtype == dtype


@pytest.mark.parametrize(
    ("ids", "id_type"),
    [([id.encode() for id in IDS], "S8"), (IDS, None), (IDS, h5py.string_dtype("ascii"))],
    ids=["fixed bytes", "utf-8", "ascii"],
)
def test_ids_are_bytes_or_text(tmp_path, take, ids, id_type):
    assert (
        len(by_id(take(write_classic(tmp_path / "x.h5", ids, random_vectors(30), id_type=id_type))[1])) == 30
    )


def test_ids_are_whole_numbers_where_those_of_the_records_are(tmp_path):
    records = write_records(tmp_path / "a.jsonl", [{"id": number} for number in range(5)])
    file = write_classic(tmp_path / "x.h5", list(range(5)), random_vectors(5), id_type=np.int64)
    assert take_embeddings(stated(), records, [file], tmp_path / "out.h5").embedded == 5


def test_ids_of_several_fields_are_joined_as_the_classic_reader_does(tmp_path):
    rows = [{"id": "r1", "key": "a", "n": 1}, {"id": "r2", "key": "a", "n": None}, {"id": "r3", "key": "b"}]
    records = write_records(tmp_path / "a.jsonl", rows)
    file = write_classic(tmp_path / "x.h5", ["b__", "a__", "a__1"], np.diag([1.0, 2, 3]))
    take_embeddings(stated(document_id=["key", "n"]), records, [file], tmp_path / "out.h5")
    with EmbeddingFile(tmp_path / "out.h5") as made:
        (block,) = made.blocks()
    assert block.document_ids == ["r1", "r2", "r3"]
    np.testing.assert_array_equal(block.embeddings, np.diag([1.0, 2, 3])[::-1])


@pytest.mark.parametrize(
    "labels", [np.arange(30, dtype=np.int8), random_vectors(30, 3)], ids=["one", "three"]
)
def test_labels_are_read_where_they_lie(tmp_path, take, labels):
    file = write_classic(tmp_path / "x.h5", IDS[::-1], random_vectors(30), labels=labels)
    found = np.concatenate([block.labels for block in take(file)[1]])
    np.testing.assert_array_equal(found, labels[::-1])
    assert found.dtype == np.float64


# What is wrong is said with counts and examples.


def fails(take, *files, kind=(EmbeddingError, ReconciliationError), **given):
    """What is said when files are taken that cannot be."""
    with pytest.raises(kind) as failed:
        take(*files, **given)
    return str(failed.value)


def test_records_without_a_vector_are_counted_and_shown_or_skipped(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", IDS[:20], random_vectors(20))
    said = fails(take, file)
    assert "10 of 30 records have no embedding: 'd21', 'd22'" in said and "document_id" in said
    _, blocks, skipped = take(file, on_error="skip")
    assert list(by_id(blocks)) == IDS[:20]
    assert [(skip.id, skip.code) for skip in skipped] == [(id, "no_embedding") for id in IDS[20:]]


def test_ids_of_another_kind_are_shown_beside_those_that_are_missing(tmp_path, take):
    said = fails(take, write_classic(tmp_path / "x.h5", [f"doc-{id}" for id in IDS], random_vectors(30)))
    assert "30 of 30 records have no embedding" in said and "document ids there are 'doc-d1'" in said


def test_vectors_of_no_record_are_counted_and_shown_unless_they_may_be_there(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", [*IDS, "x1", "x2"], random_vectors(32))
    assert "2 of 32 embeddings are of no record: 'x1', 'x2'" in fails(take, file)
    assert len(by_id(take(file, on_error="skip")[1])) == 30
    assert len(by_id(take(file, may_hold_more=True)[1])) == 30


def test_ids_that_stand_twice_are_counted_and_shown(tmp_path, take):
    ids = [*IDS[:28], "d1", "d2"]
    assert "2 document ids have more than one embedding: 'd1', 'd2'" in fails(
        take, write_classic(tmp_path / "x.h5", ids, random_vectors(30))
    )
    parts = [write_classic(tmp_path / f"00{n}_x.h5", IDS, random_vectors(30)) for n in (0, 1)]
    assert "30 document ids have more than one embedding" in fails(take, *parts, on_error="skip")


def test_two_records_of_one_document_id_are_refused(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", ["de"], random_vectors(1))
    said = fails(take, file, document_id="lang", kind=ReconciliationError)
    assert "29 records have the document_id of another record: 'de'" in said


@pytest.mark.parametrize(
    ("column", "value"), [(2, np.nan), (2, np.inf), (slice(None), 0)], ids=["NaN", "infinity", "zeros"]
)
def test_vectors_that_are_none_are_counted_and_shown_or_skipped(tmp_path, take, column, value):
    vectors = random_vectors(30)
    for row in (3, 7):
        vectors[row, column] = value
    file = write_classic(tmp_path / "x.h5", IDS, vectors)
    said = fails(take, file)
    assert "2 of 30 embeddings hold NaN or infinity, or are all zeros: 'd4', 'd8'" in said
    _, blocks, skipped = take(file, on_error="skip")
    assert [skip.id for skip in skipped] == ["d4", "d8"] and skipped[0].code == "damaged_vector"
    np.testing.assert_array_equal(by_id(blocks)["d9"], vectors[8])


def test_vectors_that_are_none_are_said_with_their_files_and_rows(tmp_path, take, records):
    vectors = random_vectors(30)[::-1].copy()
    for place in (1, 4, 12, 29):
        vectors[place, 2] = np.nan
    parts = [
        write_classic(tmp_path / f"00{number}_x.h5", IDS[::-1][rows], vectors[rows])
        for number, rows in enumerate((slice(10), slice(10, 13), slice(13, 20), slice(20, 30)))
    ]
    said = fails(take, *parts)
    assert "4 of 30 embeddings hold NaN or infinity, or are all zeros: 'd1', 'd18', 'd26', 'd29'" in said
    assert str(records) not in said and str(parts[2]) not in said
    for part, rows in ((0, "rows 1, 4"), (1, "row 2"), (3, "row 9")):
        assert f"{parts[part]}, {rows} of `train/embeddings` (the first is 0)" in said


@pytest.mark.parametrize("kind", ["virtual", "external"])
def test_vectors_that_lie_in_other_files_are_not_taken(tmp_path, take, kind):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    with h5py.File(file, "r+") as opened:
        group = opened["train"]
        del group["embeddings"]
        if kind == "virtual":
            layout = h5py.VirtualLayout(shape=(30, 8), dtype="f4")
            layout[:] = h5py.VirtualSource(str(tmp_path / "gone.h5"), "vectors", shape=(30, 8))
            group.create_virtual_dataset("embeddings", layout, fillvalue=0.5)
        else:
            (tmp_path / "elsewhere").write_bytes(bytes(range(240)) * 4)
            group.create_dataset(
                "embeddings", shape=(30, 8), dtype="f4", external=[(str(tmp_path / "elsewhere"), 0, 960)]
            )
    assert "its `embeddings` lie in other files" in fails(take, file)


def test_another_group_is_named(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30), group="validation")
    said = fails(take, file)
    assert "no group `train`; it has: validation" in said and "write `group: validation`" in said
    assert len(by_id(take(file, group="validation")[1])) == 30


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_file_that_was_cut_short_is_refused(tmp_path, take, part):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30, 200), compression=None)
    os.truncate(file, int(file.stat().st_size * part))
    assert "damaged, half-written or no HDF5 file" in fails(take, file)


@pytest.mark.parametrize(
    "bytes_there", [b"", b"\x89HDF\r\n\x1a\n", b'{"id": 1}\n'], ids=["none", "head", "json"]
)
def test_what_is_no_hdf5_is_refused(tmp_path, take, bytes_there):
    (tmp_path / "x.h5").write_bytes(bytes_there)
    assert "this file cannot be used" in fails(take, tmp_path / "x.h5")


def test_a_job_that_was_killed_between_two_columns_is_told(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    with h5py.File(file, "a") as half:
        half["train/document_id"].resize(21, axis=0)
    assert "21 document ids for 30 embeddings" in fails(take, file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda group: group.__delitem__("embeddings"), "lacks `embeddings` or `document_id`"),
        (lambda group: group.__delitem__("document_id"), "lacks `embeddings` or `document_id`"),
        (lambda group: replace_with(group, "embeddings", np.zeros((30, 8), "int8")), "it is (30, 8) of int8"),
        (lambda group: replace_with(group, "embeddings", np.zeros(30)), "it is (30,) of float64"),
        (lambda group: replace_with(group, "embeddings", np.zeros((30, 0))), "no numbers"),
        (lambda group: replace_with(group, "document_id", np.zeros(30)), "text or whole numbers"),
        (lambda group: replace_with(group, "document_id", np.array([b"\xff"] * 30)), "not UTF-8"),
    ],
)
def test_datasets_of_another_kind_are_refused(tmp_path, take, change, said):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    with h5py.File(file, "a") as changed:
        change(changed["train"])
    assert said in fails(take, file)


def replace_with(group, name, values):
    """Another dataset of that name."""
    del group[name]
    group[name] = values


def test_no_rows_are_told(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", [], np.zeros((0, 8), "float32"))
    assert "30 of 30 records have no embedding" in fails(take, file)
    assert "the files hold no rows" in fails(take, file)
    _, blocks, skipped = take(file, on_error="skip")
    assert blocks == [] and len(skipped) == 30
    with h5py.File(tmp_path / "y.h5", "w"):
        pass
    assert "it has: nothing at all" in fails(take, tmp_path / "y.h5")


def test_parts_of_different_width_are_refused(tmp_path, take):
    parts = [
        write_classic(tmp_path / "000_x.h5", IDS[:9], random_vectors(9, 8)),
        write_classic(tmp_path / "001_x.h5", IDS[9:], random_vectors(21, 9)),
    ]
    assert "its vectors have 9 numbers, those of" in fails(take, *parts)


def test_a_file_that_changes_after_it_was_taken_is_not_read_for_what_it_was(tmp_path, records):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    take_embeddings(stated(), records, [file], tmp_path / "out.h5")
    write_classic(file, IDS, random_vectors(30, seed=1))
    with (
        EmbeddingFile(tmp_path / "out.h5") as made,
        pytest.raises(EmbeddingError, match="have changed since"),
    ):
        list(made.blocks())
    write_classic(file, IDS[:5], random_vectors(5))
    with EmbeddingFile(tmp_path / "out.h5") as made, pytest.raises(EmbeddingError, match="not what it was"):
        list(made.blocks())
    file.unlink()
    with EmbeddingFile(tmp_path / "out.h5") as made, pytest.raises(EmbeddingError, match="no such file"):
        list(made.blocks())


def test_a_project_may_be_moved_and_results_lie_behind_a_link(tmp_path, records):
    here = tmp_path / "project"
    file = write_classic(here / "old" / "x.h5", IDS, random_vectors(30))
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (here / "results").symlink_to(tmp_path / "disk" / "deep")
    take_embeddings(stated(), records, [file], here / "results" / "out.h5")
    with EmbeddingFile(here / "results" / "out.h5") as made:
        assert len(list(made.blocks())) == 1
    take_embeddings(stated(), records, [file], here / "kept" / "out.h5")
    shutil.move(here, tmp_path / "moved")
    with EmbeddingFile(tmp_path / "moved" / "kept" / "out.h5") as made:
        assert len(list(made.blocks())) == 1


# What the study states is held against heads, and against the vectors where that can be seen.


def unit(vectors):
    """Vectors of length 1, as half precision keeps it."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def test_length_1_is_seen_and_a_wrong_statement_refused(tmp_path, take):
    normalized = write_classic(tmp_path / "x.h5", IDS, unit(random_vectors(30)))
    plain = write_classic(tmp_path / "y.h5", IDS, random_vectors(30))
    assert take(normalized)[0].normalize is True
    assert take(normalized, normalize=True)[0].normalize is True
    assert take(plain)[0].normalize is False
    assert "the study states `normalize: true`, but the vectors have lengths from" in fails(
        take, plain, normalize=True
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"model": "lab/other"}, "model: 'lab/other', not 'lab/encoder'"),
        ({"pooling": "cls"}, "pooling: 'cls', not 'mean'"),
        ({"pooling": "model"}, "pooling: 'not stated', not 'mean'"),
        ({"max_length": 256}, "max_length: 256, not 512"),
        ({"prefix": "query: "}, "prefix: 'query: ', not ''"),
        ({"revision": "abc"}, None),
        ({"model_sha256": "ab" * 32}, None),
        ({"text": "body", "compute_dtype": "bfloat16", "padding": "left"}, None),
    ],
)
def test_a_head_refuses_vectors_that_are_stated_to_be_made_otherwise(tmp_path, take, change, said):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    trained, _, _ = take(file)
    applied, _, _ = take(file, **change)
    head = HeadModel("h", (Linear(np.zeros((1, 8), "f4"), np.zeros(1, "f4")),), (), embedding=trained)
    if said is None:
        head.check_fits(applied, "x.h5")
    else:
        with pytest.raises(HeadError, match="trained on other embeddings") as refused:
            head.check_fits(applied, "x.h5")
        assert said in str(refused.value)


def test_a_stated_model_of_one_name_is_that_which_was_used_unless_the_states_of_it_differ(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    stated_here, _, _ = take(file, revision="aaa")
    used = {"model_sha256": "cd" * 32, "revision": "aaa"}
    records = tmp_path / "a.jsonl"
    path = write_embeddings(
        tmp_path / "used.h5", records, random_vectors(30), model="lab/encoder", max_length=512, **used
    )
    with EmbeddingFile(path) as made:
        assert differences(made.provenance, stated_here) == []
        other, _, _ = take(file, revision="bbb")
        assert differences(made.provenance, other) == ["revision: 'bbb', not 'aaa'"]
        with_hash, _, _ = take(file, model_sha256="ee" * 32)
        assert differences(made.provenance, with_hash)[0].startswith("model_sha256: 'eeee")


def test_labels_and_vectors_are_joined_from_where_they_lie(tmp_path, records):
    from goldpan.heads.labels import LabelledRecord

    vectors = random_vectors(30)
    file = write_classic(tmp_path / "x.h5", IDS[::-1], vectors)
    take_embeddings(stated(), records, [file], tmp_path / "out.h5")
    labels = {"d3": LabelledRecord("d3", "train", "d3", {"y": 1.0}, {"y": 1})}
    data = join(labels, [tmp_path / "out.h5"], "train")
    np.testing.assert_array_equal(data.embeddings, vectors[::-1][2:3])


# Files that goldpan made.


def test_files_of_goldpan_say_themselves_how_they_were_made(tmp_path, take, records):
    made = write_embeddings(
        tmp_path / "made.h5", records, random_vectors(29), skip={"d9": "empty_text: none"}
    )
    said = {"layout": "goldpan", "model": "made-up", "pooling": "model", "max_length": None}
    provenance, blocks, skipped = take(made, **said)
    assert (provenance.model_sha256, provenance.pooling) == ("ab" * 32, "mean")
    assert len(by_id(blocks)) == 29
    assert [(skip.id, skip.code) for skip in skipped] == [("d9", "empty_text")]
    assert "pooling: 'mean', not 'cls'; max_length: 128, not 99" in fails(
        take, made, **said | {"pooling": "cls", "max_length": 99}
    )
    assert "model: 'made-up', not 'lab/encoder'" in fails(take, made, **said | {"model": "lab/encoder"})
    take(made, model_sha256="ab" * 32, **said | {"model": "models/encoder"})


def test_a_file_of_the_other_layout_is_told_what_to_state(tmp_path, take):
    file = write_classic(tmp_path / "x.h5", IDS, random_vectors(30))
    assert "state `layout: ml_filter`" in fails(take, file, layout="goldpan")


# Whose a file is.


@pytest.fixture
def project(tmp_path):
    """Makes a project of source files and HDF5 files; gives whose each is."""

    def made(sources, files, said="old/**/*.h5", **given):
        root = tmp_path / "project"
        for name in sources:
            (root / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "data" / name).write_text('{"text": "a"}\n')
        for name in files:
            (root / "old" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "old" / name).touch()
        embedding = {"source": "docs", "model": "m/m", "layout": "ml_filter", "files": said, **given}
        study = {"study": "s", "sources": {"docs": {"files": "data/**/*"}}, "embeddings": {"e": embedding}}
        import yaml

        (root / "config/studies").mkdir(parents=True)
        (root / "config/studies/s.yaml").write_text(yaml.safe_dump(study))
        found = existing_files(load_project("s", root=root), "e")
        return {file: [path.name for path in paths] for (_, file), paths in found.items()}

    return made


@pytest.mark.parametrize(
    ("sources", "files", "found"),
    [
        (["a.jsonl", "b.jsonl"], ["a.h5", "b.h5"], {"a.jsonl": ["a.h5"], "b.jsonl": ["b.h5"]}),
        (
            ["a.jsonl"],
            ["001_a.h5", "000_a.h5", "010_a.h5"],
            {"a.jsonl": ["000_a.h5", "001_a.h5", "010_a.h5"]},
        ),
        (
            ["a.jsonl", "a.csv"],
            ["a.jsonl.h5", "a.csv.h5"],
            {"a.jsonl": ["a.jsonl.h5"], "a.csv": ["a.csv.h5"]},
        ),
        (["a.jsonl.gz", "b.csv"], ["a.h5", "b.hdf5.h5"], None),
        (["x/a.jsonl", "y/a.jsonl"], ["x/a.h5", "y/a.h5"], {"x__a.jsonl": ["a.h5"], "y__a.jsonl": ["a.h5"]}),
        (
            ["x/a.jsonl", "y/b.jsonl"],
            ["a.h5", "000_b.h5"],
            {"x__a.jsonl": ["a.h5"], "y__b.jsonl": ["000_b.h5"]},
        ),
        (["only.jsonl"], ["vectors.h5"], {"only.jsonl": ["vectors.h5"]}),
        (
            ["a.jsonl", "000_a.jsonl"],
            ["a.h5", "000_a.h5"],
            {"a.jsonl": ["a.h5"], "000_a.jsonl": ["000_a.h5"]},
        ),
        (["x/a.jsonl", "y/a.jsonl"], ["a.h5"], "may be of docs/x__a.jsonl, docs/y__a.jsonl"),
        (["a.jsonl", "a.csv"], ["a.h5"], "may be of docs/a.csv, docs/a.jsonl"),
        (
            ["a.jsonl", "b.jsonl"],
            ["a.h5"],
            "1 of 2 files of the source have no embeddings here: docs/b.jsonl",
        ),
        (
            ["a.jsonl", "b.jsonl"],
            ["a.h5", "b.h5", "c.h5"],
            "1 of 3 HDF5 files belong to no file of the source",
        ),
        (["a.jsonl"], [], "no file matches"),
    ],
)
def test_files_are_found_by_their_names(project, sources, files, found):
    if isinstance(found, dict):
        assert project(sources, files) == found
    else:
        with pytest.raises(StudyError, match=found):
            project(sources, files)


def test_a_mapping_says_whose_a_file_is(project):
    said = {"a.jsonl": "old/one.h5", "docs/b.jsonl": ["old/one.h5", "old/two.h5"]}
    found = project(["a.jsonl", "b.jsonl"], ["one.h5", "two.h5"], said)
    assert found == {"a.jsonl": ["one.h5"], "b.jsonl": ["one.h5", "two.h5"]}


def test_a_mapping_of_an_unknown_file_names_the_nearest(project):
    with pytest.raises(StudyError, match=r"no file `a.json`; did you mean .*a.jsonl"):
        project(["a.jsonl"], ["one.h5"], {"a.json": "old/one.h5"})


# Classic keys.


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"truncation": True}, "on_long"),
        ({"padding": "longest"}, "Leave it out"),
        ({"padding": True}, "Leave it out"),
        ({"batch_size": 128}, "batch_tokens"),
        ({"writer_batch_size": 128}, "block_size"),
        ({"embedding_model": "m"}, "`model`"),
        ({"embedding_dtype": "float32"}, "storage_dtype"),
        ({"model_dtype": "bfloat16"}, "compute_dtype"),
        ({"save_labels": True}, "`labels"),
        ({"keys_to_index": ["id"]}, "document_id"),
        ({"hdf5_dataset_name": "train"}, "`group`"),
        ({"text_field": "text"}, "`text`"),
        ({"label_dtype": "bfloat16"}, "float32"),
        ({"files": "a.h5", "batch_tokens": 9}, "nothing is embedded here"),
        ({"layout": "ml_filter"}, "goes with `files`"),
    ],
)
def test_keys_of_the_classic_jobs_are_answered_by_name(given, said):
    with pytest.raises(ValueError, match=said):
        Embedding(**{"source": "a", "model": "m", **given})


def test_several_classic_keys_are_answered_at_once():
    with pytest.raises(ValueError) as refused:
        Embedding(source="a", model="m", truncation=True, padding="longest", batch_size=3)
    assert all(key in str(refused.value) for key in ("on_long", "batch_tokens", "`padding` says the side"))


def test_settings_of_studies_without_these_keys_are_as_they_were():
    said = Embedding(source="a", model="m").model_dump(mode="json")
    assert not {"files", "layout", "document_id", "label_dtype"} & set(said)


def test_every_hostile_file_is_one_error_of_ours(tmp_path, take):
    rng = np.random.default_rng(0)
    whole = write_classic(tmp_path / "x.h5", IDS, random_vectors(30)).read_bytes()
    errors = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 12):
            damaged[at] = int(rng.integers(0, 256))
        (tmp_path / "y.h5").write_bytes(damaged)
        try:
            _, blocks, _ = take(tmp_path / "y.h5")
            assert zlib.crc32(np.concatenate([b.embeddings for b in blocks]).data) is not None
        except GoldpanError:
            errors += 1
    assert errors > 5
