"""The page of a search for a better prompt in a real browser: its pictures hold, hostile texts stay texts."""

import pytest

from goldpan.optimise.page import search_page
from tests.error_reports import HOSTILE
from tests.search_reports import search_report

OVERLAPPING = """(svg) => {
  const texts = [...svg.querySelectorAll('text')];
  const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
  return boxes.flatMap(([name, a], place) => boxes.slice(place + 1).filter(([other, b]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3
  ).map(([other]) => `${name} / ${other}`));
}"""


@pytest.fixture
def shown(open_html):
    """Open the page of a report: `shown(report)` gives the page."""
    return lambda report: open_html(search_page(report))


@pytest.mark.parametrize("is_free", [False, True])
def test_no_mark_or_name_reaches_out_of_its_picture_or_over_another_name(shown, is_free):
    page = shown(search_report(is_free))
    pictures = page.tab.locator(".scroll svg").all()
    assert len(pictures) == 4
    for picture in pictures:
        inner = picture.evaluate("(one) => { const b = one.getBBox(); return [b.x, b.y, b.width, b.height] }")
        box = picture.bounding_box()
        assert inner[0] > -2 and inner[1] > -2
        assert inner[0] + inner[2] < box["width"] + 2 and inner[1] + inner[3] < box["height"] + 2
        assert picture.evaluate(OVERLAPPING) == []
    assert page.errors == [] and page.requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_proposed_one_stands_out_among_those_kept_and_not_kept(shown, scheme):
    page = shown(search_report())
    page.tab.emulate_media(color_scheme=scheme)
    tree = page.tab.locator("svg[aria-label^='The tree']")
    fill = "one => getComputedStyle(one).fill"
    fills = [
        tree.locator(f"circle.mark.{rank}").first.evaluate(fill) for rank in ("chosen", "kept", "not-kept")
    ]
    assert len(set(fills)) == 3
    assert fills[2] == page.tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_what_a_candidate_changes_can_be_opened_and_is_there_in_print(shown):
    page = shown(search_report())
    diff = page.tab.locator("details", has_text="rewrites-2: what it changes of seed").locator(".diff")
    assert not diff.is_visible()
    page.tab.locator("summary", has_text="rewrites-2: what it changes of seed").click()
    assert diff.locator("ins").inner_text().strip() == "Be strict. Be strict."
    page.tab.locator("summary", has_text="rewrites-2: what it changes of seed").click()
    page.tab.emulate_media(media="print")
    assert diff.is_visible()


def test_hostile_texts_are_shown_as_they_are(shown):
    page = shown(search_report(hostile=HOSTILE))
    page.tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.tab.evaluate("window.stolen") is None
    assert page.tab.locator("body img").count() == 0
    assert page.tab.locator("body").inner_text().count(HOSTILE) > 5
    assert page.errors == [] and page.requests == []
