"""Lists of keywords: in the study, or in a text file as people leave it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from goldpan.chains.filter.keyword_list import KeywordList, keywords_of_study, read_keywords
from goldpan.errors import StudyError


def read(folder: Path, content: bytes) -> KeywordList:
    path = folder / "keywords.txt"
    path.write_bytes(content)
    return read_keywords(path, "keywords.txt")


@pytest.mark.parametrize(
    ("content", "keywords"),
    [
        (b"nature\nbiodiversity\n", ("nature", "biodiversity")),
        (b"\xef\xbb\xbfnature\r\nbiodiversity", ("nature", "biodiversity")),
        (b"nature\rbiodiversity\r", ("nature", "biodiversity")),
        (b"# forests\n\n  nature \t\n   # more\nwater  # of all kinds\nC#\n", ("nature", "water", "C#")),
        (b"nature\nNATURE\n nature\n", ("nature",)),
        ("forêt\nfore\u0302t\n".encode(), ("forêt",)),
        (b'"natural capital"\nfirst\tsecond\n', ("natural capital", "first\tsecond")),
        ("one\u2028two\n".encode(), ("one\u2028two",)),
        (gzip.compress(b"nature\n", mtime=0), ("nature",)),
    ],
)
def test_a_file_is_read_as_people_write_it(tmp_path: Path, content: bytes, keywords: tuple[str, ...]) -> None:
    assert read(tmp_path, content).keywords == keywords


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        (b"", "keywords.txt", "is empty"),
        (b"# only\n\n#comments\n", "keywords.txt", "is empty"),
        (b"nature\n---\n", "keywords.txt, line 2", "no letter, digit or symbol"),
        (b"nature\n\nfor\xeat\n", "keywords.txt, line 3", "not in UTF-8: byte 0xea"),
        ("nature\n".encode("utf-16"), "keywords.txt, line 1", "not in UTF-8"),
        ("nature\nwater".encode("utf-16-le"), "keywords.txt, line 1", "NUL"),
        (b"nature\n" + b"long " * 100, "keywords.txt, line 2", "499 characters"),
        (b"na\x07ture\n", "keywords.txt, line 1", "control character"),
        ("a\n\u00ad\u200d\n".encode(), "keywords.txt, line 2", "no letter"),
    ],
)
def test_a_line_that_cannot_be_looked_for_is_named(
    tmp_path: Path, content: bytes, where: str, what: str
) -> None:
    with pytest.raises(StudyError) as error:
        read(tmp_path, content)
    assert error.value.where == where
    assert what in error.value.what
    assert error.value.remedy


def test_a_file_that_is_not_there_is_named_with_how_a_single_keyword_is_written(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no file of keywords `nature`") as error:
        read_keywords(tmp_path / "nature", "nature")
    assert "[nature]" in str(error.value)


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no file of keywords"):
        read_keywords(tmp_path, "keywords")


def test_duplicates_are_told_with_both_places(tmp_path: Path) -> None:
    duplicates = read(tmp_path, b"CO2\nnature\n" + "CO₂\n".encode()).duplicates
    assert duplicates == ("keywords.txt, line 3: `CO₂`, as `CO2` of keywords.txt, line 1",)


def test_a_keyword_of_the_study_is_named_by_its_number() -> None:
    with pytest.raises(StudyError) as error:
        keywords_of_study(["nature", " "], "stages.sieve.keywords")
    assert error.value.where == "stages.sieve.keywords.1"
