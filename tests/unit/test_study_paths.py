"""Short names of source files: unique, safe in a path, and the same wherever the project lies."""

import hashlib
import re
import unicodedata
from pathlib import Path

import pytest

from goldpan.study.paths import Paths, annotated_names, file_names

ROOT = Path("/project")


def names(*files, root=ROOT):
    return list(file_names([root / file for file in files], root))


def test_a_file_alone_is_called_by_its_name():
    assert names("in/deep/a.csv") == ["a.csv"]


def test_files_of_one_name_are_told_apart_by_their_folders():
    assert names("in/2023/a.csv", "in/2024/a.csv") == ["2023__a.csv", "2024__a.csv"]


def test_names_do_not_depend_on_where_the_project_lies():
    files = ("in/x y.csv", "in/deep/a.csv", "../outside.csv")
    assert names(*files) == names(*files, root=Path("/else/where"))


@pytest.mark.parametrize(
    "files",
    [
        ("in/a/b.csv", "in/a__b.csv"),
        ("in/a b.csv", "in/a_b.csv"),
        ("in/a b.csv", "in/a:b.csv", "in/a*b.csv"),
        ("in/ü.csv", "in/ö.csv"),
        (".hidden", "hidden"),
        ("../a.csv", "a.csv"),
    ],
)
def test_files_that_would_share_a_name_are_kept_apart(files):
    found = names(*files)
    assert len(set(found)) == len(files)
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name) for name in found)


def test_a_name_leads_back_to_its_file():
    assert file_names([ROOT / "in" / "a.csv"], ROOT) == {"a.csv": ROOT / "in" / "a.csv"}


def test_no_files_have_no_names():
    assert names() == []


def test_names_that_differ_in_case_only_are_kept_apart():
    upper, lower = names("A.csv", "a.csv")
    assert upper.casefold() != lower.casefold()


def test_a_long_name_leaves_room_for_what_is_added_to_it():
    longest, other = "x" * 250 + ".csv", "x" * 249 + "y.csv"
    short, second = names(longest, other)
    assert max(len(short), len(second)) <= 210
    assert short != second


def test_a_name_that_is_long_enough_to_fit_stays_as_it_is():
    assert names("x" * 206 + ".csv") == ["x" * 206 + ".csv"]


def tables(*files):
    return Paths("results", "s").tables("topics", [("notes", file) for file in files])


def test_a_table_has_the_name_of_its_file_and_one_suffix():
    found = tables("a.csv", "b.jsonl", "c.csv.gz")
    assert [path.removeprefix("results/s/stages/topics/tables/") for path in found.values()] == [
        "notes/a.csv",
        "notes/b.jsonl.csv",
        "notes/c.csv.gz.csv",
    ]


@pytest.mark.parametrize(
    "files",
    [
        ("notes", "notes.csv"),
        ("notes.jsonl", "notes.jsonl.csv", "other.csv"),
        ("Notes.csv", "notes"),
        ("a", "a.csv", "a.csv.csv"),
    ],
)
def test_no_two_files_share_a_table(files):
    found = tables(*files)
    assert [place[1] for place in found] == list(files)
    assert len({path.casefold() for path in found.values()}) == len(files)


def test_names_in_two_unicode_forms_are_kept_apart():
    composed, decomposed = names("in/caf\u00e9.csv", "in/cafe\u0301.csv")
    assert composed.casefold() != decomposed.casefold()


def test_files_that_differ_in_letters_with_accents_only_never_share_a_name():
    decomposed = unicodedata.normalize("NFD", "Müller.csv")
    files = [
        "Müller.csv",
        "Möller.csv",
        "M_ller.csv",
        decomposed,
        "мир.csv",
        "мор.csv",
        "数据.csv",
        "資料.csv",
    ]
    found = names(*files)
    assert len({name.casefold() for name in found}) == len(files)
    assert found.count("M_ller.csv") == 1 and sum(name.startswith("M_ller.csv-") for name in found) == 2
    # As they were when the artifacts of studies were named: a change here makes all of them stale.
    digest = hashlib.sha256("Müller.csv".encode()).hexdigest()
    assert f"M_ller.csv-{digest[:8]}" in found


def test_a_file_that_has_the_name_which_another_gets_loses_neither():
    digest = hashlib.sha256("Müller.csv".encode()).hexdigest()
    files = ["Müller.csv", f"M_ller.csv-{digest[:8]}", f"M_ller.csv-{digest[:9]}"]
    found = file_names([ROOT / file for file in files], ROOT)
    assert sorted(found.values()) == sorted(ROOT / file for file in files)
    assert f"M_ller.csv-{digest[:10]}" in found


@pytest.mark.parametrize(
    ("files", "called"),
    [
        (["part0.jsonl"], ["part0"]),
        (["a.jsonl", "a.csv"], ["a", "a.csv"]),
        (["a.jsonl.gz", "b.jsonl.zst", "c.h5", "d.parquet"], ["a", "b", "c", "d.parquet"]),
        (["a.jsonl", "a.jsonl.gz"], ["a.jsonl", "a.jsonl.gz"]),
        (["A.jsonl", "a.jsonl.gz"], ["A.jsonl", "a.jsonl.gz"]),
        (["a", "a.jsonl"], ["a", "a.jsonl"]),
        (["a.jsonl", "a.jsonl.jsonl", "a.jsonl.gz"], ["a.jsonl", "a.jsonl.jsonl", "a.jsonl.gz"]),
        (["x.jsonl", "a.jsonl", "a.h5"], ["x", "a.jsonl", "a.h5"]),
        ([], []),
    ],
)
def test_annotated_files_of_a_source_have_names_of_their_own(files, called):
    names = annotated_names(files)
    assert list(names.values()) == called
    assert len({name.casefold() for name in names.values()}) == len(files)


def test_a_csv_that_comes_later_changes_no_name_of_an_annotated_file():
    before = annotated_names(["a.jsonl", "b.jsonl"])
    after = annotated_names(["a.csv", "a.jsonl", "b.jsonl", "b.tsv"])
    assert before.items() <= after.items()
