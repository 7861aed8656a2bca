"""Which files a source has."""

import subprocess
import sys

import pytest

from goldpan.errors import StudyError
from goldpan.records.inputs import files_to_come, source_files
from goldpan.study.model import Source


@pytest.fixture
def root(tmp_path):
    for name in (
        "in/b.jsonl",
        "in/a.jsonl",
        "in/deep/er/c.jsonl",
        "in/.hidden.jsonl",
        "in/other.csv",
        "in/x[1].csv",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}\n")
    return tmp_path


def files(root, *patterns):
    found = source_files(Source(files=list(patterns)), root)
    return {name: str(path.relative_to(root)) for name, path in found.items()}


def test_files_come_in_the_order_of_their_paths(root):
    assert list(files(root, "in/*.jsonl")) == ["a.jsonl", "b.jsonl"]


def test_a_double_star_reaches_all_folders(root):
    assert files(root, "in/**/*.jsonl") == {
        "a.jsonl": "in/a.jsonl",
        "b.jsonl": "in/b.jsonl",
        "deep__er__c.jsonl": "in/deep/er/c.jsonl",
    }


def test_a_file_that_two_patterns_match_counts_once(root):
    assert list(files(root, "in/a.jsonl", "in/*.jsonl")) == ["a.jsonl", "b.jsonl"]


def test_folders_are_passed_over(root):
    assert set(files(root, "in/*").values()) == {"in/a.jsonl", "in/b.jsonl", "in/other.csv", "in/x[1].csv"}


def test_the_exact_name_of_a_file_wins_over_its_reading_as_a_pattern(root):
    assert list(files(root, "in/x[1].csv").values()) == ["in/x[1].csv"]


def test_files_of_one_name_in_different_folders_have_different_short_names(root):
    for folder in ("2023", "2024"):
        (root / folder).mkdir()
        (root / folder / "part.csv").write_text("a\n")
    assert files(root, "20*/part.csv") == {
        "2023__part.csv": "2023/part.csv",
        "2024__part.csv": "2024/part.csv",
    }


def test_an_absolute_path_is_taken_as_it_is(root):
    assert list(files(root, str(root / "in" / "*.csv"))) != []


def test_a_pattern_without_a_match_is_an_error_that_names_it(root):
    with pytest.raises(StudyError, match=r"no file matches `in/\*\.parquet`"):
        files(root, "in/*.jsonl", "in/*.parquet")


def test_a_folder_alone_is_an_error_that_says_how_to_name_its_files(root):
    with pytest.raises(StudyError, match=r"(?s)which is a folder.*`in/\*\.jsonl`"):
        files(root, "in/")


REPORT_OPENED_FILES = """
import sys
from pathlib import Path
from goldpan.records.inputs import source_files
from goldpan.study.model import Source

source, root = Source(files=["in/**/*"]), Path(sys.argv[1])
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
found = source_files(source, root)
print(len(found), [name for name in opened if name.startswith(str(root))])
"""


def test_no_data_file_is_opened(root):
    command = [sys.executable, "-c", REPORT_OPENED_FILES, str(root)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "5 []"


def test_a_name_without_wildcards_may_be_of_a_file_that_other_rules_make(root):
    source = Source(files=["in/a.jsonl", "in/made.jsonl"])
    assert files_to_come(source, root) == {
        "a.jsonl": root / "in/a.jsonl",
        "made.jsonl": root / "in/made.jsonl",
    }


@pytest.mark.parametrize("pattern", ["in/made*.jsonl", "in/deep"])
def test_a_pattern_and_a_folder_are_no_names_of_files_to_come(pattern, root):
    with pytest.raises(StudyError, match="no file matches"):
        files_to_come(Source(files=[pattern]), root)
