"""The annotation page in a real browser: keys, saving, resuming, exporting."""

import orjson
import pytest

from goldpan.tasks.features import Exclusive, Score
from goldpan.waves.items import item_id
from goldpan.waves.sheets.html_page import annotation_page
from goldpan.waves.sheets.sheet import make_sheet
from tests.browser.conftest import OpenPage
from tests.wave_builders import (
    ALL_FEATURES,
    COMPLAINT,
    GIST,
    ORDER,
    PARTS,
    PRAISE,
    STARS,
    TEXTS,
    TONE,
    TOPICS,
    codebook,
    items,
    wave,
)


def test_one_key_answers_and_goes_on_to_the_next_item(opened):
    page, _ = opened(codebook(TONE))
    assert page.item_text() == TEXTS[0]
    page.press("1")
    assert page.item_text() == TEXTS[1]
    assert page.text("#count") == "1 of 4 answered"


def test_keys_go_through_the_questions_of_an_item_first(opened):
    page, _ = opened(codebook(TONE, COMPLAINT, STARS))
    page.press("2", "y")
    assert page.active() == "stars" and page.item_text() == TEXTS[0]
    page.press("4")
    assert page.active() == "tone" and page.item_text() == TEXTS[1]


def test_every_answer_shows_its_key(opened):
    page, _ = opened(codebook(TONE))
    shown = page.tab.locator(".feature.active .choice").all_inner_texts()
    assert [text.split()[:2] for text in shown] == [["1", "Positive"], ["2", "Negative"], ["3", "Neutral"]]


def test_x_means_cannot_tell(opened, tmp_path):
    page, _ = opened(codebook(TONE))
    page.press("x")
    assert page.export(tmp_path / "out")["answers"][0]["values"] == {"tone": None}


def test_cannot_tell_is_not_there_where_it_is_not_offered(opened):
    page, _ = opened(codebook(TONE, cannot_tell=False))
    page.press("x")
    assert page.text("#count") == "0 of 4 answered"
    assert page.tab.get_by_role("button", name="Cannot tell").count() == 0


def test_arrows_go_back_and_an_answer_can_be_changed(opened, tmp_path):
    page, _ = opened(codebook(TONE))
    page.press("1", "ArrowLeft")
    assert page.item_text() == TEXTS[0] and page.given() == ["Positive"]
    page.press("3")
    assert page.export(tmp_path / "out")["answers"][0]["values"] == {"tone": "Neutral"}


def test_backspace_takes_an_answer_back(opened):
    page, _ = opened(codebook(TONE))
    page.press("1", "ArrowLeft", "Backspace")
    assert page.given() == ["—"] and page.text("#count") == "0 of 4 answered"


def test_up_and_down_change_the_question(opened):
    page, _ = opened(codebook(TONE, COMPLAINT, STARS))
    page.press("ArrowDown", "ArrowDown", "ArrowUp")
    assert page.active() == "complaint"


def test_a_skipped_item_comes_back_at_the_end(opened):
    page, _ = opened(codebook(TONE))
    page.press("s", "1", "1", "1")
    assert page.item_text() == TEXTS[0]
    page.press("1")
    assert page.text("#notice").startswith("All 4 are answered")


def test_flags_and_notes_are_exported(opened, tmp_path):
    page, paged = opened(codebook(TONE))
    page.press("f", "m")
    page.type("odd one, 1 2 3")
    page.press("Escape", "2")
    page.export(tmp_path / "out")
    collected = paged.collect(tmp_path / "out")
    assert collected.flags == {item_id("r1"): ["ann"]}
    assert collected.notes == {item_id("r1"): {"ann": "odd one, 1 2 3"}}
    assert collected.ratings["tone"] == {item_id("r1"): {"ann": "Negative"}}


def test_typing_a_note_presses_no_key_of_the_page(opened):
    page, _ = opened(codebook(TONE))
    page.press("m")
    page.type("123 yn xfsg")
    assert page.item_text() == TEXTS[0] and page.text("#count") == "0 of 4 answered"


def test_several_labels_are_switched_and_confirmed(opened, tmp_path):
    page, _ = opened(codebook(TOPICS))
    page.press("1", "3", "1", "2", "Enter")
    assert page.item_text() == TEXTS[1]
    page.press("Enter")
    values = [answer["values"]["topics"] for answer in page.export(tmp_path / "out")["answers"]]
    assert values == [["quality", "delivery"], []]


def test_too_few_labels_are_not_taken(opened):
    page, _ = opened(codebook(TOPICS.model_copy(update={"min_labels": 2})))
    page.press("1", "Enter")
    assert page.item_text() == TEXTS[0] and "Pick 2 to 3" in page.text(".feature.active .error")
    assert page.text("#count") == "0 of 4 answered"


def test_a_number_is_typed_and_checked(opened, tmp_path):
    percent = Score(name="percent", type="score", description="How much?", min=0, max=100, integer=False)
    page, _ = opened(codebook(percent))
    page.type("101")
    page.press("Enter")
    assert "from 0 to 100" in page.text(".feature.active .error")
    page.press("Control+a")
    page.type("12,5")
    page.press("Enter")
    assert page.export(tmp_path / "out")["answers"][0]["values"] == {"percent": 12.5}


def test_a_text_is_typed_and_kept_as_it_is(opened, tmp_path):
    page, _ = opened(codebook(GIST))
    page.type("  It broke: “bad” =1+1")
    page.press("Enter")
    page.type("second line 1x")
    page.press("Control+Enter")
    assert page.item_text() == TEXTS[1]
    text = page.export(tmp_path / "out")["answers"][0]["values"]["gist"]
    assert text == "  It broke: “bad” =1+1\nsecond line 1x"


def test_a_text_too_long_is_not_taken(opened):
    page, _ = opened(codebook(GIST.model_copy(update={"max_chars": 5})))
    page.type("too long")
    page.press("Control+Enter")
    assert "At most 5" in page.text(".feature.active .error") and page.item_text() == TEXTS[0]


def test_items_are_ranked_by_their_keys(opened, tmp_path):
    page, _ = opened(codebook(ORDER))
    page.press("3", "2", "Backspace", "1", "2")
    values = page.export(tmp_path / "out")["answers"][0]["values"]
    assert values == {"order": ["strength", "price", "looks"]}


def test_objects_are_filled_in(opened, tmp_path):
    page, paged = opened(codebook(PARTS))
    page.press("Enter")
    page.type("lid")
    page.press("Tab")
    page.type("2")
    page.press("Control+Enter")
    assert "broken: choose one" in page.text(".feature.active .error")
    page.tab.locator("#features select").select_option("yes")
    page.tab.get_by_role("button", name="Add to parts").click()
    page.type("handle")
    page.tab.locator("#features select").nth(1).select_option("no")
    page.press("Control+Enter")
    page.tab.get_by_role("button", name="There are none").click()
    page.export(tmp_path / "out")
    assert paged.collect(tmp_path / "out").ratings["parts"] == {
        item_id("r1"): {
            "ann": [
                {"part": "lid", "count": 2, "broken": True},
                {"part": "handle", "count": None, "broken": False},
            ]
        },
        item_id("r2"): {"ann": []},
    }


def test_every_type_of_answer_is_exported_and_collected(opened, tmp_path):
    page, paged = opened(codebook(*ALL_FEATURES))
    page.press("3", "n", "y", "2", "Enter", "5")
    page.type("Steel, a litre and a half")
    page.press("Control+Enter")
    page.tab.get_by_role("button", name="There are none").click()
    page.press("1", "2", "3")
    assert page.item_text() == TEXTS[1]
    page.export(tmp_path / "out")
    ratings = paged.collect(tmp_path / "out").ratings
    assert {name: one[item_id("r1")]["ann"] for name, one in ratings.items()} == {
        "tone": "Neutral",
        "complaint": False,
        "praise": True,
        "topics": ["quality"],
        "stars": 5,
        "gist": "Steel, a litre and a half",
        "parts": [],
        "order": ["price", "looks", "strength"],
    }


def test_answers_are_there_again_after_a_reload(opened):
    page, _ = opened(codebook(TONE, STARS))
    page.press("1", "4", "2", "f")
    page.tab.reload()
    assert page.item_text() == TEXTS[1] and page.active() == "stars"
    assert page.text("#count") == "1 of 4 answered · 1 flagged"
    page.press("ArrowLeft")
    assert page.given() == ["Positive", "4"]


def test_a_text_being_written_is_there_again_after_a_reload(opened):
    page, _ = opened(codebook(GIST))
    page.type("half a thought")
    page.tab.reload()
    assert page.item_text() == TEXTS[0] and page.given() == ["half a thought"]


def test_another_annotator_in_the_same_browser_starts_with_nothing(opened, profile):
    page, paged = opened(codebook(TONE))
    page.press("1", "2")
    other = OpenPage(profile.new_page(), paged.write("ben")).open()
    assert other.text("#count") == "0 of 4 answered"


def test_another_codebook_starts_with_nothing(opened, profile):
    page, paged = opened(codebook(TONE))
    page.press("1", "2")
    paged.codebook = codebook(TONE, guidelines="Read twice.")
    assert OpenPage(profile.new_page(), paged.write()).open().text("#count") == "0 of 4 answered"


def test_a_second_tab_sees_what_the_first_saves(opened, profile):
    page, _ = opened(codebook(TONE))
    other = OpenPage(profile.new_page(), page.path).open()
    page.tab.bring_to_front()
    page.press("1")
    assert page.text("#count") == "1 of 4 answered"
    other.tab.locator("#count", has_text="1 of 4 answered").wait_for()


def test_an_export_says_what_it_is_an_export_of(opened, tmp_path):
    page, paged = opened(codebook(TONE))
    page.press("1")
    exported = page.export(tmp_path / "out")
    assert (exported["study"], exported["wave"], exported["annotator"]) == ("shop", "first", "ann")
    assert exported["codebook_hash"] == paged.codebook.hash
    assert exported["task_hash"] == paged.codebook.task_hash
    assert "1 of 4" not in page.text("#notice") and "3 of 4 are still open" in page.text("#notice")


def test_time_is_measured_for_each_item(opened, tmp_path):
    page, paged = opened(codebook(TONE))
    page.tab.wait_for_timeout(300)
    page.press("1", "1")
    page.export(tmp_path / "out")
    seconds = paged.collect(tmp_path / "out").seconds["ann"]
    assert seconds[item_id("r1")] >= 0.2


def test_an_earlier_export_is_taken_over_on_another_computer(opened, browser, tmp_path):
    page, _ = opened(codebook(TONE))
    page.press("1", "2")
    page.export(tmp_path / "out")
    elsewhere = browser.new_context()
    other = OpenPage(elsewhere.new_page(), page.path).open()
    other.tab.set_input_files("#file", next((tmp_path / "out").iterdir()))
    other.tab.locator("#count", has_text="2 of 4 answered").wait_for()
    assert other.item_text() == TEXTS[0] and other.given() == ["Positive"]
    elsewhere.close()


def test_an_export_of_another_wave_is_not_taken_over(opened, tmp_path):
    page, _ = opened(codebook(TONE))
    page.press("1")
    exported = page.export(tmp_path / "out") | {"wave": "second"}
    (tmp_path / "other.json").write_bytes(orjson.dumps(exported))
    page.tab.set_input_files("#file", tmp_path / "other.json")
    page.tab.locator("#notice", has_text="This file has another wave: second").wait_for()


def test_yes_to_features_that_exclude_each_other_is_warned_of(opened):
    page, _ = opened(codebook(COMPLAINT, PRAISE, exclusive=(Exclusive(order=["complaint", "praise"]),)))
    page.press("y", "y")
    assert page.text("#warning") == "Only one of these can be yes: complaint, praise."
    assert page.item_text() == TEXTS[0]


def test_the_codebook_is_at_hand(opened):
    page, _ = opened(codebook(TONE, guidelines="Judge what is written."))
    page.press("c")
    shown = page.text("#codebook")
    assert "Judge what is written." in shown and "would send it back" in shown
    page.press("1", "Escape", "1")
    assert page.text("#count") == "1 of 4 answered"


def test_a_digit_needs_no_shift_on_a_keyboard_where_it_would(opened):
    page, _ = opened(codebook(TONE))
    page.tab.evaluate(
        "() => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key: '&', code: 'Digit1', bubbles: true}))"
    )
    assert page.text("#last") == "1: tone = Positive"


def test_a_long_number_in_a_record_is_shown_to_the_last_digit(opened):
    page, _ = opened(codebook(TONE), sample=items(["t"], post=1234567890123456789))
    assert page.text("#item .json") == "1234567890123456789"


def test_a_number_leads_to_an_item(opened):
    page, _ = opened(codebook(TONE))
    page.tab.fill("#place", "3")
    page.press("Enter")
    assert page.item_text() == TEXTS[2]


@pytest.mark.parametrize("text", ["0", "5", "two", "1.5", ""])
def test_a_number_that_leads_nowhere_changes_nothing(opened, text):
    page, _ = opened(codebook(TONE))
    page.press("ArrowRight")
    page.tab.fill("#place", text)
    page.press("Enter")
    assert page.item_text() == TEXTS[1] and page.tab.input_value("#place") == "2"
    assert page.errors == []


def test_a_page_that_is_not_blind_says_so_and_shows_the_llm(tmp_path, profile):
    answer = {"type": "ClassificationPrediction", "label": "Neutral", "rationale": "only facts"}
    sample = list(items().values())
    predictions = {item.item_id: {"tone": answer} for item in sample}
    sheet = make_sheet("shop", "first", wave(blind=False), "ann", sample, codebook(TONE), predictions)
    (tmp_path / "page.html").write_text(annotation_page(sheet, "x"), encoding="utf-8")
    page = OpenPage(profile.new_page(), tmp_path / "page.html").open()
    assert (
        page.text(".llm") == "The LLM says: Neutral (only facts)" and page.text("#not-blind") == "not blind"
    )


@pytest.mark.parametrize("count", [0, 1])
def test_a_page_with_hardly_any_items_works(opened, count):
    sample = dict(list(items().items())[:count])
    page, paged = opened(codebook(TONE))
    paged.sample = sample
    few = OpenPage(page.tab, paged.write()).open()
    few.press("1", "ArrowRight", "ArrowLeft", "f", "s", "g", "c", "Escape", "Backspace")
    assert few.errors == []
