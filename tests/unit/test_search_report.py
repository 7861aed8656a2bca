"""The files of a search are read as they were written."""

import json

import pytest

from goldpan.errors import GoldpanError
from goldpan.optimise.report import (
    CandidateReport,
    Ceiling,
    FiguresOnTest,
    Headroom,
    MethodReport,
    SearchDecision,
    SearchReport,
    SearchRows,
    SearchSpending,
)
from goldpan.optimise.report_files import read_search, write_search
from goldpan.records.test_looks import LookAtTest
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.figures import Estimate
from goldpan.statistics.interval import Interval


def estimate(value, half=0.05):
    return Estimate(value, Interval(round(value - half, 6), round(value + half, 6), 0.95, "by hand"))


def search_report(**changes):
    """A search of four candidates of which one is proposed."""
    texts = {"system": "Say whether the note is a complaint.", "user": "{{ text }}"}
    better = {**texts, "system": "Say whether the note is a complaint.\nA late delivery is one."}
    longer = {**better, "system": better["system"] + " So is <b>a refund</b> that was asked for."}
    seed = CandidateReport(
        "seed", "seed", (), texts, estimate(0.7), valid_share=0.98, cost_usd=0.01, characters=46, answers=60
    )
    rewrite = CandidateReport(
        "rewrites-1",
        "rewrites",
        ("seed",),
        better,
        estimate(0.9),
        difference=estimate(0.2),
        p_value=0.001,
        p_corrected=0.004,
        valid_share=1.0,
        cost_usd=0.0123456789,
        characters=70,
        growth=1.52,
        is_accepted=True,
        may_be_proposed=True,
        on_front=True,
        answers=120,
        spent_usd=0.03,
    )
    refused = CandidateReport(
        "rewrites-2",
        "rewrites",
        ("seed",),
        texts,
        Estimate(None, reason="it was not asked"),
        refused="too long",
    )
    gepa = CandidateReport(
        "gepa-1",
        "gepa",
        ("seed", "rewrites-1"),
        longer,
        estimate(0.88),
        difference=estimate(0.18),
        p_value=0.002,
        p_corrected=0.01,
        valid_share=1.0,
        cost_usd=0.02,
        characters=110,
        growth=2.4,
        is_accepted=True,
        may_be_proposed=True,
        answers=400,
        spent_usd=0.08,
    )
    parts = {
        "name": "better",
        "stage": "notes",
        "task": "notes",
        "model": "gpt-4o-mini",
        "evaluation": "notes",
        "metric": "accuracy",
        "feature": None,
        "rows": SearchRows(40, 60, 50, "wave first"),
        "headroom": Headroom(
            estimate(0.7),
            ("rewrites-1", "rewrites-2"),
            estimate(0.9),
            Ceiling(estimate(0.95), "first", ("anna", "ben"), 60, estimate(0.9)),
            False,
            "There is room.",
        ),
        "methods": (
            MethodReport(
                "rewrites", 2, {"too long": 1}, 1, "rewrites-1", estimate(0.9), estimate(0.2), 120, 900, 0.03
            ),
            MethodReport("gepa", 1, {}, 1, "gepa-1", estimate(0.88), estimate(0.18), 400, 900, 0.08),
        ),
        "candidates": (seed, rewrite, refused, gepa),
        "decision": SearchDecision(
            "rewrites-1", "rewrites-1", 2, 3, 2, "McNemar", 0.004, 0.05, 1.52, "It beats the seed."
        ),
        "test": FiguresOnTest(estimate(0.7), estimate(0.85), estimate(0.15), 0.02, 50),
        "looks": (
            LookAtTest("search better", "ab" * 32, "cd" * 32, 50, "2026-01-31", "seed and rewrites-1"),
        ),
        "spending": SearchSpending(0.12, 0.02, 5.0, ""),
        "provenance": ReportProvenance((ReportInput("gold", "ef" * 32),), 2000, "0", ()),
        "notes": ("A note.",),
    }
    return SearchReport(**{**parts, **changes})


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
