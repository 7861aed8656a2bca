"""What the page of a search says: the outcome, its price, what is refused, what the prompt changes."""

import random
import re
from dataclasses import replace
from html import unescape

import pytest

from goldpan.optimise.page import search_page
from goldpan.optimise.text_diff import text_changes
from goldpan.statistics.figures import Estimate
from tests.error_reports import HOSTILE
from tests.search_reports import BETTER, SYSTEM, a_candidate, search_report, search_without_proposal


def words(page):
    """What a page says, without its marks."""
    text = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))


def test_the_same_search_gives_the_same_bytes():
    assert search_page(search_report()) == search_page(search_report())


def test_the_outcome_stands_with_test_cost_and_growth():
    said = words(search_page(search_report()))
    for text in (
        "Proposed: gepa-4.",
        "Metric on dev 0.667 [0.533, 0.783] 0.817 [0.696, 0.905] 0.150 [0.090, 0.210]",
        "Metric on test (80 rows) 0.650 0.780 0.130 [0.070, 0.190]",
        "1.75 times as long",
        "p 0.012, corrected for the 16 candidates",
        "Proposals accepted: 16 of 22.",
        "answers $1.235, rewrites $0.0123 of a limit of $5",
        "The ceiling is how well ann, bob meet the gold, each alone, on 60 items of wave first: 0.930",
        "few_shot: measured and never proposed",
        "refused: it is 6.1 times as long as the first prompt; the limit is 5",
        "not kept; given up on a part of train",
        "were seen 2 times",
    ):
        assert text in said


def test_a_search_that_ended_at_once_proposes_nothing_and_shows_no_empty_plot():
    said = words(search_page(search_without_proposal()))
    assert "No other prompt is proposed. The search ended before it began." in said
    assert "Nobody has looked at this test split yet" in said
    assert "Metric and cost" not in said and "What was made from what" not in said


def test_where_answers_cost_nothing_candidates_stand_over_their_length():
    free, paid = search_page(search_report(is_free=True)), search_page(search_report())
    assert "Characters of the prompt" in free and "USD for 1,000 answers" not in free
    assert "USD for 1,000 answers" in paid and "Characters of the prompt" not in paid


def test_every_candidate_has_a_line_in_the_tree_below_the_one_it_was_made_from():
    page = search_page(search_report())
    tree = page[page.index('aria-label="The tree of') :].partition("</svg>")[0]
    lines = re.findall(r'<text x="([\d.]+)" y="[\d.]+" class="(?:name|chosen)">([^<]*)</text>', tree)
    depth = {name.partition(" ")[0]: float(x) for x, name in lines}
    assert len(depth) == 23
    assert depth["seed"] < depth["gepa-1"] < depth["gepa-2"] < depth["gepa-4"] < depth["gepa-7"]
    assert depth["gepa-1"] == depth["few_shot-1"] == depth["gepa-5"]
    order = [name.partition(" ")[0] for _, name in lines]
    assert order.index("gepa-3") > order.index("gepa-10") > order.index("gepa-4")
    assert "gepa-6 (with gepa-3)" in tree


def test_of_very_many_candidates_the_best_are_drawn_and_the_page_stays_small():
    report = search_report()
    more = [
        a_candidate(f"gepa-{number}", (f"gepa-{number - 1}",), number % 40, "a word " * 300, answers=number)
        for number in range(11, 1000)
    ]
    best = replace(more[500], metric=Estimate(0.99))
    more[500] = best
    page = search_page(replace(report, candidates=(*report.candidates, *more)))
    assert len(page) < 3_000_000
    assert "candidates with a lower metric, or none, are left out" in page
    assert "more prompts are in candidates.jsonl" in page
    assert best.name in page[page.index('aria-label="The tree of') :].partition("</svg>")[0]


def test_hundreds_of_refused_prompts_are_counted_and_do_not_bury_those_that_were_asked():
    report = search_report()
    refused = [
        replace(report.candidate("gepa-9"), name=f"gepa-{number}", refused="it is the text as it was")
        for number in range(11, 400)
    ]
    page = search_page(replace(report, candidates=(*report.candidates, *refused)))
    assert "389 more: refused: it is the text as it was" in words(page)
    tree = page[page.index('aria-label="The tree of') :].partition("</svg>")[0]
    assert "gepa-4" in tree and "few_shot-4" in tree and "refused" not in tree
    assert len(page) < 1.1 * len(search_page(report))


@pytest.mark.parametrize("right", [0, 60])
def test_candidates_that_are_all_alike_are_drawn(right):
    report = search_report()
    alike = [
        a_candidate(name, parents, right, SYSTEM, answers=60, spent_usd=0.1)
        for name, parents in (("seed", ()), ("gepa-4", ("seed",)))
    ]
    assert search_page(replace(report, candidates=tuple(alike), methods=())).count("<svg") > 5


def test_a_candidate_whose_parent_is_unknown_is_drawn_at_the_root():
    report = search_report()
    orphan = a_candidate("gepa-77", ("gepa-99",), 50, BETTER)
    page = search_page(replace(report, candidates=(*report.candidates, orphan)))
    assert "gepa-77" in page[page.index("The tree of") :].partition("</svg>")[0]


def test_hostile_texts_make_no_elements():
    page, plain = search_page(search_report(hostile=HOSTILE)), search_page(search_report())
    assert "<img" not in page and page.count("stolen") > 10
    assert page.count("<script") == plain.count("<script")


@pytest.mark.parametrize("seed", range(30))
def test_a_diff_gives_both_texts_back(seed):
    source = random.Random(seed)
    before, after = ("".join(source.choices("ab é\n.,日", k=source.randrange(80))) for _ in range(2))
    changes = text_changes(before, after)
    assert "".join(change.text for change in changes if change.kind != "added") == before
    assert "".join(change.text for change in changes if change.kind != "removed") == after


def test_a_diff_marks_the_words_that_changed_and_no_others():
    assert [(change.kind, change.text) for change in text_changes(SYSTEM, BETTER)] == [
        ("same", "You read customer reviews"),
        ("added", " with care"),
        ("same", ".\n\nDecide whether the review is a complaint"),
        (
            "added",
            ": the writer says that something went wrong, and wants it mended.\nIrony is no praise",
        ),
        ("same", ". Answer with the schema.\nJudge only what the text says.\n"),
    ]


def test_two_long_prompts_are_compared_all_the_same():
    before = "\n".join(f"Line {number} of a long prompt with many words in it." for number in range(3_000))
    changes = text_changes(before, before.replace("Line 1500 of", "Line 1500 in the middle of"))
    assert [change.kind for change in changes] == ["same", "removed", "added", "same"]
