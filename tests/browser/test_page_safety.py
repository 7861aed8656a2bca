"""Hostile texts are shown as text, and no request leaves the page."""

import pytest

from tests.browser.conftest import OpenPage
from tests.wave_builders import ALL_FEATURES, TONE, codebook, items, labelled

HOSTILE = (
    "<script>window.stolen = 1</script>",
    "<img src=x onerror='window.stolen = 1'>",
    "</script><script>window.stolen = 1</script>",
    "<!--<script>window.stolen = 1</script>",
    "<style>body { display: none }</style>",
    "<iframe src='https://example.org/'></iframe>",
    "<a href='javascript:window.stolen = 1'>here</a>",
    "&lt;b&gt; &amp; &#x27;",
    "${window.stolen = 1} {{ 7 * 7 }} {% raw %}",
    "one\u2028two\u2029three",
    "\u202egnp.exe\u202c right to left",
    "\"quotes\" 'single' `back` \\ slash",
)


def hostile_page(opened):
    hostile = labelled(*HOSTILE[:9], name="hostile").model_copy(update={"description": HOSTILE[1]})
    return opened(
        codebook(hostile, *ALL_FEATURES, guidelines=HOSTILE[0]), sample=items(HOSTILE, extra=HOSTILE[1])
    )


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_text_is_shown_as_it_is(opened, number):
    page, _ = opened(codebook(TONE), sample=items(HOSTILE))
    page.press(*["ArrowRight"] * number)
    assert page.tab.locator("#item .text").text_content() == HOSTILE[number]
    assert page.tab.evaluate("window.stolen") is None
    assert page.tab.locator("#item script, #item img, #item iframe, #item a, #item style").count() == 0


def test_hostile_labels_descriptions_and_guidelines_are_shown_as_text(opened):
    page, _ = hostile_page(opened)
    shown = page.tab.locator(".choice .name").all_text_contents()
    assert shown == list(HOSTILE[:9])
    assert page.tab.locator(".feature.active p.about").text_content() == HOSTILE[1]
    page.press("c")
    assert HOSTILE[0] in page.tab.locator("#codebook").text_content()
    assert page.tab.evaluate("window.stolen") is None


def test_a_hostile_label_and_note_come_back_to_the_letter(opened, tmp_path):
    page, paged = hostile_page(opened)
    page.press("3", "m")
    page.type(HOSTILE[2])
    page.press("Escape")
    page.export(tmp_path / "out")
    collected = paged.collect(tmp_path / "out")
    first = next(iter(paged.sample))
    assert collected.ratings["hostile"][first]["ann"] == HOSTILE[2]
    assert collected.notes[first]["ann"] == HOSTILE[2]


def test_no_request_leaves_the_page_and_nothing_goes_wrong(opened, tmp_path):
    page, _ = hostile_page(opened)
    page.press("1", "1", "y", "n", "1", "Enter", "5", "c", "Escape", "?", "Escape")
    page.press("ArrowRight", "f", "s", "g", "ArrowLeft")
    page.export(tmp_path / "out")
    assert page.requests == [] and page.errors == []


def test_a_script_put_into_the_page_does_not_run(opened):
    page, _ = opened(codebook(TONE))
    page.tab.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.stolen = 1';"
        " document.body.append(s); }"
    )
    assert page.tab.evaluate("window.stolen") is None
    assert any("Content Security Policy" in error for error in page.errors)


def test_the_page_cannot_ask_the_network(opened):
    page, _ = opened(codebook(TONE))
    outcome = page.tab.evaluate("() => fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'blocked')")
    assert outcome == "blocked"
    assert any("Content Security Policy" in error for error in page.errors)


def test_a_conversation_is_shown_turn_by_turn(opened):
    turns = [
        {"role": "user", "content": "Where is <b>my</b> order?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"function": {"name": "find_order", "arguments": '{"id": 7}'}}],
        },
        {"role": "tool", "name": "find_order", "content": [{"type": "text", "text": "x" * 2000}]},
    ]
    page, _ = opened(codebook(TONE), sample=items(["t"], trace=turns))
    shown = page.tab.locator(".turn").all_text_contents()
    assert shown[0] == "userWhere is <b>my</b> order?"
    assert "find_order({" in shown[1]
    assert page.tab.locator(".turn details").count() == 1


def test_a_browser_that_cannot_save_is_told_so(browser, opened):
    page, _ = opened(codebook(TONE))
    context = browser.new_context()
    context.add_init_script("Storage.prototype.setItem = () => { throw new Error('full') }")
    other = OpenPage(context.new_page(), page.path).open()
    assert "does not let the page save" in other.text("#notice")
    context.close()
