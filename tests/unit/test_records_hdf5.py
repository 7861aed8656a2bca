"""Reading HDF5 files of embeddings as sources: ids and labels, and what is wrong with them."""

import numpy as np
import pytest

from goldpan.errors import SourceError
from goldpan.records.hdf5 import read_hdf5
from goldpan.records.read import build_records, iter_records
from goldpan.study.model import Source
from tests.classic_files import write_classic

h5py = pytest.importorskip("h5py")

IDS = ["a", "b", "ü"]


def rows(path, group=None):
    """The data of all rows."""
    return [row.data for row in read_hdf5(path, group)]


def test_rows_are_ids_and_labels(tmp_path):
    vectors = np.zeros((3, 2))
    plain = write_classic(tmp_path / "x.h5", IDS, vectors)
    assert rows(plain) == [{"document_id": id} for id in IDS]
    one = write_classic(tmp_path / "y.h5", IDS, vectors, labels=np.array([1.5, np.nan, 3]))
    assert [row["labels"] for row in rows(one)] == [1.5, None, 3.0]
    two = write_classic(tmp_path / "z.h5", IDS, vectors, labels=np.arange(6, dtype=np.int8).reshape(3, 2))
    assert [row["labels"] for row in rows(two)] == [[0, 1], [2, 3], [4, 5]]


def test_a_source_of_them_has_their_ids(tmp_path):
    file = write_classic(tmp_path / "part0.h5", IDS, np.zeros((3, 2)), group="validation")
    build_records(Source(files=["part0.h5"]), "rows", "part0.h5", file, tmp_path / "out.jsonl")
    assert [record["id"] for record in iter_records(tmp_path / "out.jsonl")] == IDS
    twice = write_classic(tmp_path / "twice.h5", ["a", "a"], np.zeros((2, 2)))
    with pytest.raises(SourceError, match="document_id"):
        build_records(Source(files=["twice.h5"]), "rows", "twice.h5", twice, tmp_path / "out.jsonl")


def test_of_several_groups_one_is_named(tmp_path):
    file = write_classic(tmp_path / "x.h5", IDS, np.zeros((3, 2)))
    with h5py.File(file, "a") as more:
        more.copy("train", "valid")
    with pytest.raises(SourceError, match="write `group` in the source: train or valid"):
        rows(file)
    assert len(rows(file, "valid")) == 3
    with pytest.raises(SourceError, match="no group `test` with `document_id`; it has: train, valid"):
        rows(file, "test")


@pytest.mark.parametrize("content", [b"", b"no hdf5", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_hdf5_is_an_error_with_its_name(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(SourceError, match="this HDF5 file cannot be read"):
        rows(tmp_path / "x.h5")


def test_ids_that_are_none_are_an_error(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["train/document_id"] = np.zeros(3)
    with pytest.raises(SourceError, match="text or whole numbers; it is"):
        rows(tmp_path / "x.h5")
