"""Error analyses and searches on the page of the study, in the summary, and at the end of a run."""

import os
import re
import shutil
from html import unescape
from pathlib import Path

import orjson
import pytest

from goldpan.cli import main
from goldpan.report.index.page import write_index, write_index_of_now
from goldpan.report.made import made_since
from tests.error_reports import HOSTILE, error_report
from tests.finished_studies import finished_study
from tests.improving_studies import ERRORS, SEARCH, improving_project, write_made
from tests.search_reports import search_report, search_without_proposal


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The quickstart with an error analysis and a search; not to be changed."""
    return improving_project(tmp_path_factory.mktemp("improved") / "project")


@pytest.fixture
def root(kept, tmp_path):
    """A copy of it to change."""
    return Path(shutil.copytree(kept, tmp_path / "project"))


def page_of(root, write=write_index):
    """The page of the study, as text."""
    project = finished_study(root, "quickstart")
    return (project.root / write(project)).read_text(encoding="utf-8")


def words(page):
    """What a page says, without its marks."""
    text = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))


def test_the_page_says_what_is_wrong_where_and_what_is_proposed(root):
    write_made(root)
    page = page_of(root)
    said = words(page)
    for text in (
        "tone gpt 400 0.200 [0.162, 0.243] 2 2 6 84",
        "is_complaint gpt 400 0.000 [0.000, 0.009] 0 – 0 –",
        "tone, gpt: 2 of 41 slices are worse than elsewhere",
        "tone: 6 of 400 gold labels are doubtful.",
        "Proposed: gepa-4. It is right 0.150 more often",
        "goldpan optimise adopt better_complaints",
        "best of gepa, dev: 0.817, 95 % interval 0.696 to 0.905",
        "16 of 22 proposals were accepted. The test split was looked at 2 times. It cost 1.2469 USD",
    ):
        assert text in said
    assert 'href="errors/baseline.html"' in page and 'href="optimised/better_complaints/search.html"' in page


def test_a_search_that_proposes_nothing_says_so(root):
    write_made(root, search=search_without_proposal())
    said = words(page_of(root))
    assert "No other prompt is proposed. The search ended before it began." in said
    assert "goldpan optimise adopt" not in said


def test_what_is_not_made_yet_is_said(root):
    said = words(page_of(root, write=write_index_of_now))
    assert (
        said.count("Not made yet: run the study as usual (e.g. `goldpan run --study quickstart`) to make it.")
        == 2
    )


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"format": 1}', b"null", b"\xff"])
@pytest.mark.parametrize("name", [ERRORS, SEARCH])
def test_a_damaged_artifact_is_named_and_the_rest_is_shown(root, name, damage):
    (write_made(root) / name).write_bytes(damage)
    said = words(page_of(root))
    assert said.count(f"results/quickstart/{name} cannot be read") == 1
    assert "This part cannot be shown" not in said
    assert ("Proposed: gepa-4" in said) == (name == ERRORS)
    assert ("6 of 400 gold labels" in said) == (name == SEARCH)


@pytest.mark.parametrize("name", [ERRORS, SEARCH])
def test_no_loss_of_a_key_takes_the_page_away(root, name):
    path = write_made(root) / name
    whole = orjson.loads(path.read_bytes())
    for key in whole:
        path.write_bytes(orjson.dumps({**whole, key: 7}))
        assert "critic" in words(page_of(root)), key


def test_hostile_texts_are_shown_as_text(root):
    write_made(root, error_report(hostile=HOSTILE), search_report(hostile=HOSTILE))
    page = page_of(root)
    assert HOSTILE in words(page) and "<script>window" not in page and "<img" not in page


@pytest.mark.parametrize("name", [ERRORS, SEARCH])
def test_what_is_older_than_its_inputs_is_marked_by_the_command(root, name):
    results = write_made(root)
    inputs = {ERRORS: "features.jsonl", SEARCH: "records.jsonl"}
    newer = results / "stages" / "relevance" / inputs[name]
    newer.write_bytes(b"")
    time = (results / name).stat().st_mtime + 60
    os.utime(newer, (time, time))
    assert f"Stale: results/quickstart/{name}" in words(page_of(root, write=write_index_of_now))
    assert "Stale" not in words(page_of(root))


def test_the_summary_and_the_end_of_a_run_name_both_pages(root, capsys):
    write_made(root)
    assert main(["summary", "quickstart", "--root", str(root)]) == 0
    said = re.sub(r" +", " ", capsys.readouterr().out)
    assert re.search(r"baseline 4 4 6 \S*errors/baseline\.html", said)
    assert re.search(r"better_complaints 22 gepa-4 \S*better_complaints/search\.html", said)
    lines = made_since(finished_study(root, "quickstart"), 0)
    assert any(line.endswith("errors/baseline.html") for line in lines)
    assert any(line.startswith("search better_complaints: proposes gepa-4; ") for line in lines)
