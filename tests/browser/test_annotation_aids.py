"""What helps annotators: marked spans, keywords, undo, text size, order, pace, languages, small screens."""

import pytest

from goldpan.study.wave import Language
from goldpan.tasks.features import Extraction, Field_
from goldpan.waves.items import item_id
from goldpan.waves.sheets.html_page import Disagreement, adjudication_page, annotation_page
from goldpan.waves.sheets.sheet import make_sheet
from tests.browser.conftest import OpenPage
from tests.wave_builders import (
    ALL_FEATURES,
    COMPLAINT,
    GIST,
    PARTS,
    STARS,
    TEXTS,
    TONE,
    codebook,
    items,
    wave,
)

PLACES = Extraction(
    name="places",
    type="extraction",
    description="Each place that is named.",
    fields=[
        Field_(name="name"),
        Field_(name="start", type="integer", nullable=True),
        Field_(name="end", type="integer", nullable=True),
    ],
)
# Outside the basic plane, joined emoji, an accent of its own, letters written from the right.
HARD = "A 🏝️ trip 👩‍👩‍👧 to Cafe\u0301 Zürich 𝒳, مدينة فاس and Oslo.\r\nOslo again."
QUESTIONS = (
    TONE.model_copy(
        update={
            "title": "Tone",
            "question": "How does it sound?",
            "keywords": ["lovely", "boil*", "again"],
        }
    ),
    COMPLAINT,
    GIST,
)

SELECT = """([number, wanted, occurrence]) => {
  const node = document.querySelectorAll('#item .text')[number];
  const whole = node.textContent;
  let at = -1;
  for (let left = occurrence; left >= 0; left--) at = whole.indexOf(wanted, at + 1);
  const spot = (offset) => {
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
      if (offset <= text.length) return [text, offset];
      offset -= text.length;
    }
  };
  const range = document.createRange();
  range.setStart(...spot(at));
  range.setEnd(...spot(at + wanted.length));
  document.getSelection().removeAllRanges();
  document.getSelection().addRange(range);
  document.activeElement.blur();
}"""


def select(page, wanted, number=0, occurrence=0):
    """Select a text as a mouse would."""
    page.tab.evaluate(SELECT, [number, wanted, occurrence])


def marked(page):
    return page.tab.locator("#item mark.span").all_text_contents()


def test_marked_spans_have_the_offsets_of_python(opened, tmp_path):
    page, paged = opened(codebook(PLACES), sample=items([HARD, "x"]))
    wanted = ["Cafe\u0301 Zürich", "𝒳", "مدينة فاس", "Oslo"]
    for place in wanted:
        select(page, f" {place}" if place == "Oslo" else place)
        page.press("Enter")
    assert marked(page) == wanted
    page.press("Control+Enter")
    assert page.item_text() == "x"
    page.export(tmp_path / "out")
    answer = paged.collect(tmp_path / "out").answers[0]
    assert [HARD[one["start"] : one["end"]] for one in answer.values["places"]] == wanted
    assert [one["name"] for one in answer.values["places"]] == wanted
    spans = [span for of_object in answer.spans["places"] for span in of_object]
    assert [HARD[span["start"] : span["end"]] for span in spans] == wanted
    assert page.errors == []


def test_spans_are_there_after_a_reload_and_go_with_their_object(opened, tmp_path):
    page, paged = opened(codebook(PLACES), sample=items([HARD, "x"]))
    for place in ("Zürich", "Oslo"):
        select(page, place)
        page.press("Enter")
    page.tab.locator("#item mark.span").nth(1).wait_for()
    page.tab.reload()
    assert marked(page) == ["Zürich", "Oslo"]
    page.tab.get_by_role("button", name="Remove").first.click()
    assert marked(page) == ["Oslo"]
    page.press("Escape", "Control+z")
    assert marked(page) == ["Zürich", "Oslo"]
    page.press("Control+y")
    assert marked(page) == ["Oslo"]
    page.export(tmp_path / "out")
    assert [one["name"] for one in paged.collect(tmp_path / "out").answers[0].values["places"]] == ["Oslo"]


@pytest.mark.parametrize("feature", [PLACES, PARTS])
def test_each_mark_is_taken_back_by_itself(opened, feature):
    # An object of PARTS lacks something as long as nothing is chosen.
    page, _ = opened(codebook(feature, TONE), sample=items([HARD, "x"]))
    for place in ("Zürich", "Oslo", "trip"):
        select(page, place)
        page.press("Enter")
    for left in (["Zürich", "Oslo"], ["Zürich"], []):
        page.press("Escape", "Control+z")
        assert sorted(marked(page)) == sorted(left)
        texts = page.tab.locator("fieldset > label:first-of-type textarea").all()
        assert [text.input_value() for text in texts] == left
    page.press("Control+y", "Control+y")
    assert sorted(marked(page)) == ["Oslo", "Zürich"]


def test_what_is_typed_after_a_mark_is_no_part_of_its_step(opened):
    page, _ = opened(codebook(PLACES), sample=items([HARD, "x"]))
    select(page, "Zürich")
    page.press("Enter")
    page.tab.locator("fieldset textarea").fill("Zurich")
    page.tab.locator("#undo").click()
    assert page.tab.locator("fieldset textarea").input_value() == "Zürich"


def test_an_object_that_lacks_something_is_there_after_a_reload_and_is_not_exported(opened, tmp_path):
    page, _ = opened(codebook(PARTS, TONE), sample=items([HARD, "x"]))
    select(page, "Oslo")
    page.press("Enter", "Escape", "f")
    page.tab.reload()
    assert page.tab.locator("fieldset textarea").input_value() == "Oslo" and marked(page) == ["Oslo"]
    (answer,) = page.export(tmp_path / "out")["answers"]
    assert answer["values"] == {} and "drafts" not in answer and "spans" not in answer


def test_a_mark_over_a_line_break_keeps_it(opened, tmp_path):
    wanted = "Oslo.\r\nOslo"
    page, paged = opened(codebook(PLACES), sample=items([HARD, "x"]))
    select(page, wanted)
    page.press("Enter")
    field = page.tab.locator("fieldset textarea")
    assert field.input_value() == "Oslo.\nOslo"
    page.tab.reload()
    # It is found as it stands in the text, and Enter adds nothing to it.
    page.tab.get_by_role("button", name="Find in the text").click()
    field.press("Enter")
    field.press("Control+Enter")
    page.export(tmp_path / "out")
    answer = paged.collect(tmp_path / "out").answers[0]
    assert [one["name"] for one in answer.values["places"]] == [wanted]
    assert [one["text"] for (one,) in answer.spans["places"]] == [wanted]


def test_a_place_is_found_by_keys_alone_one_occurrence_after_the_other(opened):
    page, _ = opened(codebook(PLACES), sample=items([HARD, "x"]))
    page.press("Enter")
    page.type("Oslo")
    find = page.tab.get_by_role("button", name="Find in the text")
    for occurrence in (1, 2, 1, 2):
        find.focus()
        page.press("Enter")
        page.tab.locator("#item mark.span").wait_for()
        start = page.tab.locator("fieldset input").first.input_value()
        assert int(start) == [HARD.index("Oslo"), HARD.rindex("Oslo")][occurrence - 1]
    page.tab.locator("fieldset textarea").first.fill("Rome")
    find.click()
    assert page.text(".feature.active .error") == "The text does not hold this."


def test_a_turn_of_a_conversation_is_marked_by_its_path(opened, tmp_path):
    turns = [
        {"role": "user", "content": "Where is 🏝️ Bora Bora?"},
        {"role": "assistant", "content": [{"type": "text", "text": "In Polynesia."}]},
    ]
    sample = items(["t"], trace=turns)
    page, paged = opened(codebook(PLACES), sample=sample, show=["trace"])
    select(page, "Bora Bora")
    page.press("Enter")
    select(page, "Polynesia", number=1)
    page.press("Enter", "Control+Enter")
    assert page.text("#last") == "1: places = 2 found"
    page.export(tmp_path / "out")
    spans = paged.collect(tmp_path / "out").answers[0].spans["places"]
    assert [(one["field"], one["path"]) for (one,) in spans] == [
        ("trace", [0, "content"]),
        ("trace", [1, "content", 0, "text"]),
    ]


def test_questions_stand_in_words_and_are_answered_by_their_names(opened, tmp_path):
    page, _ = opened(codebook(*QUESTIONS))
    assert page.active() == "How does it sound?"
    page.press("1")
    assert page.text("#last") == "1: Tone = Positive" and page.active() == "complaint"
    assert page.export(tmp_path / "out")["answers"][0]["values"] == {"tone": "Positive"}
    page.press("c")
    shown = page.text("#codebook")
    assert "How does it sound?" in shown and "tone" in shown and "lovely, boil*, again" in shown


def test_a_question_without_a_title_is_named_by_its_words(opened):
    asked = COMPLAINT.model_copy(update={"question": "Is anything wrong?"})
    page, _ = opened(codebook(asked, TONE))
    page.press("y")
    assert page.text("#last") == "1: Is anything wrong? = yes"


def test_keywords_of_the_question_are_marked_and_can_be_switched_off(opened):
    page, _ = opened(codebook(*QUESTIONS))
    keywords = page.tab.locator("#item mark.keyword")
    assert keywords.all_text_contents() == ["boils", "lovely", "again"]
    assert page.item_text() == TEXTS[0]
    page.press("Shift+Digit8")
    assert keywords.count() == 0
    page.tab.reload()
    assert keywords.count() == 0
    page.press("Shift+Digit8", "ArrowDown")
    assert keywords.count() == 0 and page.active() == "complaint"


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("cat", "Cat, cats and concat; cat.", ["Cat", "cat"]),
        ("über*", "Überall, überhaupt, vorüber", ["Überall", "überhaupt"]),
        ("caf\u00e9", "A cafe\u0301 and a caf\u00e9.", ["cafe\u0301", "caf\u00e9"]),
        ("水", "水质与饮水", ["水", "水"]),
        ("c++ (new)", "not c+ (new) but C++ (new)!", ["C++ (new)"]),
        ("in fact", "In\nfact, infact", ["In\nfact"]),
    ],
)
def test_a_keyword_is_a_whole_word_in_any_letters(opened, keyword, text, found):
    page, _ = opened(codebook(TONE.model_copy(update={"keywords": [keyword]})), sample=items([text, "x"]))
    assert page.tab.locator("#item mark.keyword").all_text_contents() == found


def test_answers_are_undone_step_by_step_and_done_again(opened, tmp_path):
    page, _ = opened(codebook(TONE, STARS))
    page.press("1", "4", "2", "f")
    page.press("Control+z", "Control+z")
    assert page.given() == ["—", "—"] and page.text("#count") == "1 of 4 answered"
    page.press("Control+z")
    assert page.item_text() == TEXTS[0] and page.given() == ["Positive", "—"] and page.active() == "stars"
    page.tab.locator("#redo").click()
    page.press("Control+Shift+z")
    assert page.item_text() == TEXTS[1] and page.given() == ["Negative", "—"]
    page.press("Control+z", "Control+z", "Control+z", "Control+z", "Control+z")
    assert page.text("#count") == "0 of 4 answered" and page.tab.locator("#undo").is_disabled()
    page.tab.reload()
    assert page.text("#count") == "0 of 4 answered"


def test_a_typed_text_is_one_step(opened):
    page, _ = opened(codebook(GIST, TONE))
    page.type("It broke")
    page.press("Control+Enter", "Control+z", "Control+z")
    assert page.given() == ["—", "—"] and page.active() == "gist"


def test_the_text_grows_and_stays_so(opened):
    page, _ = opened(codebook(TONE))
    size = "() => parseFloat(getComputedStyle(document.querySelector('#item .text')).fontSize)"
    before = page.tab.evaluate(size)
    page.press("+", "+")
    assert page.tab.evaluate(size) == pytest.approx(1.3 * before)
    page.tab.reload()
    assert page.tab.evaluate(size) == pytest.approx(1.3 * before)
    page.press("-", "-", "-")
    assert page.tab.evaluate(size) == pytest.approx(0.85 * before)


def test_items_per_hour_come_from_the_time_that_is_exported(opened, tmp_path):
    page, _ = opened(codebook(TONE))
    page.press("1", "1")
    assert page.text("#pace") == ""
    page.press("1")
    page.tab.wait_for_timeout(200)
    page.press("ArrowLeft", "1")
    answers = page.export(tmp_path / "out")["answers"]
    shown = int(page.text("#pace").split()[0])
    # What is exported is rounded to a tenth of a second.
    assert len(answers) == 3 and shown > 0
    page.press(".")
    page.tab.get_by_label("Show items per hour").uncheck()
    assert not page.tab.locator("#pace").is_visible()


def test_an_annotator_may_choose_the_uncertain_first_and_keeps_the_answers(profile, tmp_path):
    sample = list(items().values())
    first = {item.item_id: (0.9, 0.1, 0.5, 0.3)[at] for at, item in enumerate(sample)}
    chosen = wave(order="choice")
    sheet = make_sheet("shop", "first", chosen, "ann", sample, codebook(TONE), uncertain_first=first)
    (tmp_path / "page.html").write_text(annotation_page(sheet, "x"), encoding="utf-8")
    page = OpenPage(profile.new_page(), tmp_path / "page.html").open()
    page.press("1", "2")
    page.press(".")
    page.tab.locator("#order").select_option("uncertain")
    page.press("Escape")
    page.tab.fill("#place", "1")
    page.press("Enter", "Escape")
    order = []
    for _ in range(4):
        order.append(page.item_text())
        page.press("ArrowRight")
    assert order == [TEXTS[1], TEXTS[3], TEXTS[2], TEXTS[0]]
    values = {one["item_id"]: one["values"]["tone"] for one in page.export(tmp_path / "out")["answers"]}
    assert values == {sheet.rows[0].item_id: "Positive", sheet.rows[1].item_id: "Negative"}


def test_without_the_choice_no_order_is_offered(opened):
    page, _ = opened(codebook(TONE))
    page.press(".")
    assert not page.tab.locator("#order").is_visible()


def test_in_arabic_the_page_runs_from_the_right_and_data_keep_their_direction(opened, tmp_path):
    page, paged = opened(codebook(TONE), sample=items([TEXTS[0], "هذا جيد."]), language="ar")
    direction = "(one) => getComputedStyle(one).direction"
    assert page.tab.locator("html").evaluate(direction) == "rtl"
    text = page.tab.locator("#item .text")
    assert text.evaluate(direction) == "ltr"
    question, item = page.tab.locator("aside").bounding_box(), page.tab.locator("#item").bounding_box()
    assert question["x"] < item["x"]
    page.press("ArrowLeft")
    assert page.item_text() == "هذا جيد." and text.evaluate(direction) == "rtl"
    page.press("ArrowRight", "1")
    assert page.text("#count") == "أُجيب عن 1 من 2"
    page.export(tmp_path / "out")
    assert paged.collect(tmp_path / "out").ratings["tone"] == {item_id("r1"): {"ann": "Positive"}}
    assert page.errors == []


@pytest.mark.parametrize("language", Language.__args__)
def test_axe_finds_nothing_serious_on_the_pages_of_a_language(profile, axe, tmp_path, language):
    book = codebook(*ALL_FEATURES, guidelines="Read twice.")
    chosen = wave(language=language)
    sample = items(["One text. " * 200, *TEXTS])
    sheet = make_sheet("shop", "first", chosen, "ann", list(sample.values()), book)
    differ = [Disagreement(item, "tone", {"ann": "Positive", "ben": None}, {"ben": "x"}) for item in sample]
    pages = {
        "annotation": annotation_page(sheet, "x"),
        "adjudication": adjudication_page("shop", "first", chosen, book, sample, differ),
    }
    for name, text in pages.items():
        path = tmp_path / f"{name}.html"
        path.write_text(text, encoding="utf-8")
        page = OpenPage(profile.new_page(), path).open()
        page.press("1", "ArrowUp")
        for colours in ("light", "dark"):
            page.tab.emulate_media(color_scheme=colours)
            assert axe(page.tab) == [], (name, colours)
            # Their windows differ in words only.
            for key in ("c", ".", "?") if language == "en" else ():
                page.press(key)
                assert axe(page.tab) == [], (name, colours, key)
                page.press("Escape")
        assert page.errors == [] and page.requests == []


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_a_phone_shows_all_of_it(opened, language):
    page, _ = opened(codebook(*ALL_FEATURES), language=language)
    page.tab.set_viewport_size({"width": 360, "height": 740})
    page.press("1")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 360
    for button in page.tab.locator("button:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    # The bar at the foot leaves room for the text.
    assert page.tab.locator("footer").bounding_box()["height"] < 200
    page.press(*["+"] * 5)
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("size", [(1360, 700), (360, 740)])
def test_the_answers_stay_in_view_while_a_long_text_is_read(profile, tmp_path, size):
    sample = items(["A long text. " * 1500])
    differ = [Disagreement(next(iter(sample)), "tone", {"ann": "Positive", "ben": "Neutral"}, {})]
    path = tmp_path / "adjudication.html"
    path.write_text(
        adjudication_page("shop", "first", wave(), codebook(TONE), sample, differ), encoding="utf-8"
    )
    page = OpenPage(profile.new_page(), path).open()
    page.tab.set_viewport_size({"width": size[0], "height": size[1]})
    for _ in range(3):
        page.tab.locator("#item .text").hover(position={"x": 20, "y": 200})
        page.tab.mouse.wheel(0, 900)
        page.tab.wait_for_timeout(100)
        box = page.tab.locator("#others .one").first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] < size[1]


def test_on_a_phone_a_decision_begins_with_text_and_question_in_view(profile, tmp_path):
    asked = PLACES.model_copy(update={"question": "Which places does it name?"})
    sample = items([HARD * 3, TEXTS[0]])
    places = [{"name": "Café Zürich", "start": number, "end": number + 11} for number in range(9)]
    differ = [
        Disagreement(item, name, {"ann": places, "ben": places[:6], "cem": []}, {})
        if name == "places"
        else Disagreement(item, name, {"ann": "Positive", "ben": "Neutral"}, {})
        for item in sample
        for name in ("tone", "places")
    ]
    path = tmp_path / "adjudication.html"
    book = codebook(asked, TONE)
    path.write_text(adjudication_page("shop", "first", wave(), book, sample, differ), encoding="utf-8")
    tab = profile.new_page()
    tab.set_viewport_size({"width": 360, "height": 740})
    page = OpenPage(tab, path).open()

    def is_seen(selector):
        """Whether the first line of it is neither out of the window nor under what stays in place."""
        box = tab.locator(selector).first.bounding_box()
        at = [box["x"] + 5, box["y"] + 10]
        script = (
            "([selector, x, y]) => document.querySelector(selector).contains(document.elementFromPoint(x, y))"
        )
        return tab.evaluate(script, [selector, *at])

    for at in range(len(differ)):
        assert is_seen("#item .text")
        if differ[at].feature == "places":
            first = tab.locator("#others .one p").first.inner_text().splitlines()[0]
            assert first == "name: Café Zürich · start: 0 · end: 11"
        tab.locator(".feature.active h3").scroll_into_view_if_needed()
        # The panel of the others' answers leaves most of the window to the rest.
        assert tab.locator("#others").bounding_box()["height"] < 740 / 3
        tab.get_by_role("button", name="Take this").first.click()
        # The cause is asked next, on the same item.
        assert is_seen(".feature.active h3")
        page.press("1")
    assert page.errors == []
