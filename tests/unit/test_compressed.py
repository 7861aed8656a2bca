"""Compressed files: what is read from them, and what is damage."""

import gzip
import random

import pytest

from goldpan.compressed import damage_errors, open_decompressed

TEXT = random.Random(1).randbytes(400_000) + b"a" * 3_000_000


def read(path, content):
    path.write_bytes(content)
    with open_decompressed(path) as handle:
        return handle.read()


@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_gzip_file_is_read_whole(tmp_path, level):
    assert read(tmp_path / "a", gzip.compress(TEXT, level)) == TEXT


def test_members_of_a_gzip_file_follow_each_other_and_zeros_may_end_it(tmp_path):
    members = [gzip.compress(part) for part in (b"", b"a\n", TEXT, b"")]
    assert read(tmp_path / "a", b"".join(members)) == b"a\n" + TEXT
    assert read(tmp_path / "a", b"".join(members) + b"\0" * 200_000) == b"a\n" + TEXT


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT)[:-1],
        gzip.compress(TEXT)[:200_000],
        gzip.compress(TEXT) + gzip.compress(b"more")[:9],
        gzip.compress(TEXT) + b"rest",
        gzip.compress(TEXT)[:-8] + b"\1" * 8,
    ],
    ids=["cut in the trailer", "cut", "second member cut", "something behind it", "another checksum"],
)
def test_what_is_damaged_is_an_error(tmp_path, content):
    with pytest.raises(damage_errors()):
        read(tmp_path / "a", content)
