"""The adjudication page in a real browser: disagreements side by side, decisions with their causes."""

import pytest

from goldpan.waves.collect.adjudication import read_decisions
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.sheets.html_page import Disagreement, adjudication_page
from tests.browser.conftest import OpenPage
from tests.wave_builders import GIST, TONE, TOPICS, codebook, items, wave

BOOK = codebook(TONE, TOPICS, GIST)
FIRST, SECOND, THIRD, _ = items()
DISAGREEMENTS = [
    Disagreement(FIRST, "tone", {"ann": "Positive", "ben": "Neutral"}, {"ben": "only <b>facts</b>"}),
    Disagreement(SECOND, "topics", {"ann": ["price"], "ben": []}, {}),
    Disagreement(THIRD, "gist", {"ann": "Steel", "ben": None}, {}),
]


@pytest.fixture
def page(profile, tmp_path):
    path = tmp_path / "adjudication.html"
    path.write_text(
        adjudication_page("shop", "first", wave(), BOOK, items(), DISAGREEMENTS), encoding="utf-8"
    )
    return OpenPage(profile.new_page(), path).open()


def test_the_answers_of_all_annotators_stand_side_by_side(page):
    shown = page.tab.locator("#others .one").all_text_contents()
    assert shown == ["annPositiveTake this", "benNeutralonly <b>facts</b>Take this"]


def test_each_answer_says_who_gave_it(page):
    assert page.tab.locator(".choice .votes").all_inner_texts() == ["ann", "ben"]


def test_a_decision_takes_a_label_and_a_cause(page, tmp_path):
    page.press("3")
    assert page.active() == "Why do they differ?"
    page.press("2")
    assert page.active() == "topics"
    exported = page.export(tmp_path / "out")
    assert exported["decisions"][0] | {"seconds": 0} == {
        "item_id": FIRST,
        "feature": "tone",
        "value": "Neutral",
        "cause": "guideline gap",
        "note": "",
        "seconds": 0,
    }


def test_an_annotators_answer_can_be_taken_whatever_its_type(page, tmp_path):
    for cause in ("1", "2", "3"):
        page.tab.get_by_role("button", name="Take this").first.click()
        page.press(cause)
    page.export(tmp_path / "out")
    decisions = read_decisions(tmp_path / "out", GivenOut("shop", "first", wave(), BOOK, items()))
    assert {name: next(iter(one.values())).value for name, one in decisions.items()} == {
        "tone": "Positive",
        "topics": ["price"],
        "gist": "Steel",
    }
    assert decisions["gist"][THIRD].cause == "slip"


def test_decisions_are_there_again_after_a_reload(page):
    page.press("1", "1")
    page.tab.reload()
    assert page.text("#count") == "1 of 3 answered"
