"""The files of a search are read as they were written."""

import json

import pytest

from goldpan.errors import GoldpanError
from goldpan.optimise.report_files import read_search, write_search
from goldpan.statistics.figures import Estimate
from tests.search_reports import search_report


@pytest.fixture
def files(tmp_path):
    return tmp_path / "search.json", tmp_path / "candidates.jsonl"


def test_a_report_comes_back_as_it_was_written(files):
    report = search_report()
    write_search(report, *files)
    assert read_search(*files) == report


def test_what_there_may_be_nothing_of_comes_back_too(files):
    report = search_report(test=None, looks=(), candidates=())
    write_search(report, *files)
    assert read_search(*files) == report


def test_search_json_says_its_format_and_counts_its_candidates(files):
    write_search(search_report(), *files)
    document = json.loads(files[0].read_text())
    assert (document["format"], document["candidates"]) == ("goldpan-search-1", 4)
    assert len(files[1].read_text().splitlines()) == 4


def test_costs_are_not_rounded(files):
    write_search(search_report(), *files)
    assert json.loads(files[1].read_text().splitlines()[1])["cost_usd"] == 0.0123456789


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.update(format="goldpan-search-99"),
        lambda document: document.pop("decision"),
        lambda document: document.update(rows=7),
        lambda document: document["headroom"].pop("stops"),
    ],
)
def test_a_file_of_another_format_or_damaged_is_refused_with_its_name(files, damage):
    write_search(search_report(), *files)
    document = json.loads(files[0].read_text())
    damage(document)
    files[0].write_text(json.dumps(document))
    with pytest.raises(GoldpanError, match=r"search\.json"):
        read_search(*files)


def test_the_candidate_of_a_name_is_known(files):
    report = search_report()
    assert report.proposed is not None
    assert (report.seed.name, report.proposed.name) == ("seed", "rewrites-1")
    assert report.candidate("nobody") is None
    assert report.seed.metric != Estimate(None)
