"""A filter as a stage: what it keeps and says of each record, and what becomes of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet
import pytest

from goldpan.chains.check import check_local_stages
from goldpan.errors import GoldpanError, SourceError, StudyError
from goldpan.stages.make import make_records
from goldpan.study import load_project
from tests.filter_builders import SIEVE, answered, filter_project, filter_study, kept, notes
from tests.head_builders import read_rows
from tests.projects import WorkflowProject

WORDS = {"keywords": ["nature", "natural capital"], "plural": True}


def test_a_record_with_any_keyword_is_kept_with_what_was_found(tmp_path: Path) -> None:
    rows = answered(filter_project(tmp_path, notes("Natural\ncapitals of Nature", "denatured", "…"), WORDS))
    assert kept(rows) == ["n1"]
    assert rows[0]["features"]["keywords"]["items"] == [
        {"keyword": "natural capital", "start": 0, "end": 16},
        {"keyword": "nature", "start": 20, "end": 26},
    ]
    assert [row["features"]["keywords"]["items"] for row in rows[1:]] == [[], []]


def test_what_a_filter_leaves_out_is_skipped_by_the_next_stage_with_what_was_sought(tmp_path: Path) -> None:
    project = filter_project(tmp_path, notes("nature", "else"), WORDS)
    answered(project)
    make_records(project, "topics")
    skips = [row.get("skip") for row in read_rows(project.root / project.paths.stage_records("topics"))]
    assert skips == [
        None,
        "filtered: by stage sieve: none of the keywords (2 in the study) is in `text`",
    ]


def test_keywords_are_read_from_a_file_that_the_rule_depends_on(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes(b"\xef\xbb\xbf# words\r\nnature\r\n")
    project = filter_project(tmp_path, notes("nature", "else"), {"keywords": "words.txt"})
    assert kept(answered(project)) == ["n1"]
    make_records(project, "topics")
    skipped = read_rows(project.root / project.paths.stage_records("topics"))[1]["skip"]
    assert skipped == "filtered: by stage sieve: none of the keywords of words.txt is in `text`"


def test_a_text_that_is_empty_null_absent_or_a_number_is_read_without_a_fault(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "body": ""}, {"id": "b", "body": None}, {"id": "c"}, {"id": "d", "body": 2030},
    ]  # fmt: skip
    study = filter_study({"keywords": ["2030"], "text": "body"})
    study["sources"]["notes"]["fields"] = {}
    project = _project(tmp_path, rows, study)
    assert kept(answered(project)) == ["d"]


def test_a_text_inside_another_field_is_found(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "", "meta": {"body": "nature"}}]
    assert kept(answered(filter_project(tmp_path, rows, {**WORDS, "text": "data.meta.body"}))) == ["a"]


def test_a_text_that_is_a_list_is_refused_with_its_place(tmp_path: Path) -> None:
    project = filter_project(tmp_path, [{"id": "a", "text": "", "parts": ["x"]}], {**WORDS, "text": "parts"})
    with pytest.raises(SourceError, match=r"notes/a.jsonl:1: `parts` of record 'a' is no text but list"):
        answered(project)


def test_a_field_that_no_record_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no record has a field `txt`"):
        answered(filter_project(tmp_path, notes("nature"), {**WORDS, "text": "txt"}))


def test_counts_of_a_filter_add_up_and_its_columns_have_types(tmp_path: Path) -> None:
    project = filter_project(tmp_path, notes("nature", "else", "natures"), WORDS)
    answered(project)
    summary = orjson.loads((project.root / project.paths.summary(SIEVE)).read_bytes())
    assert (summary["records"], summary["states"]["ok"], summary["cost_usd"]) == (3, 3, 0.0)
    assert summary["labels"]["kept"] == {"false": 1, "true": 2}
    table = pyarrow.parquet.read_table(project.root / project.paths.features_parquet(SIEVE))
    assert table.column("kept").to_pylist() == [True, False, True]


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "give `keywords`, or a `head` or `classifier`"),
        ({"keywords": []}, "at least 1"),
        ({"keywords": ["nature", False]}, "keyword False is not text: put it in quotes"),
        ({"keywords": ["nature", 2030]}, "keyword 2030 is not text"),
        ({"keywords": [None]}, "keyword None is not text"),
        ({"keywords": ["a"], "threshold": 0.5}, "`threshold` goes with `head` or `classifier`"),
        ({"head": "h"}, "`threshold` is required"),
        ({"head": "h", "classifier": {"model": "m"}, "threshold": 0}, "give either `head` or `classifier`"),
        ({"classifier": {"model": "m"}, "threshold": 0, "plural": True}, "`plural` goes with `keywords`"),
        ({"classifier": {"model": "m"}, "threshold": float("nan")}, "finite number"),
        (
            {"classifier": {"model": "m", "window_tokens": 64, "overlap_tokens": 40}, "threshold": 0.5},
            "at most half",
        ),
        ({"head": "h", "threshold": {"recall": 0.9}}, "who says what is relevant"),
        ({"head": "h", "threshold": {"recall": 0.9, "wave": "w"}}, "`wave` and `feature` go together"),
        ({"head": "h", "threshold": {"recall": 1.5, "field": "f"}}, "less than or equal to 1"),
        (
            {"head": "h", "threshold": {"recall": 0.9, "field": "f", "split": ["dev", "test"]}},
            "the test split is what the filter is measured on",
        ),
        ({"head": "h", "threshold": 0.5}, "there is no head `h`"),
        ({"keywords": ["a"], "kind": "filtre"}, "filtre"),
    ],
)
def test_settings_that_make_no_filter_are_refused_in_words(
    tmp_path: Path, settings: dict[str, Any], what: str
) -> None:
    with pytest.raises(StudyError) as error:
        _project(tmp_path, notes("a"), filter_study(settings), records=False)
    assert what in str(error.value)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"keywords": "words.txt"}, "no file of keywords `words.txt`"),
        ({"keywords": ["nature", "--"]}, "stages.sieve.keywords.1"),
        ({"classifier": {"model": "notes"}, "threshold": 0.5}, "no model in the folder `notes`"),
    ],
)
def test_what_a_filter_lacks_is_told_before_anything_runs(
    tmp_path: Path, settings: dict[str, Any], what: str
) -> None:
    project = _project(tmp_path, notes("a"), filter_study(settings), records=False)
    with pytest.raises(GoldpanError) as error:
        list(check_local_stages(project))
    assert what in str(error.value)


def _project(root: Path, rows: list[dict[str, Any]], study: dict[str, Any], records: bool = True) -> Any:
    if records:
        project = filter_project(root, rows, study["stages"][SIEVE], sources=study["sources"])
    else:
        files = WorkflowProject.create(root)
        files.write_rows("notes/a.jsonl", rows)
        files.write_study(study)
        project = load_project("notes", root=root)
    return project
