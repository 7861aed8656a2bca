"""The page of an error analysis in a real browser: texts as a whole, links, print, hostile texts."""

import pytest

from goldpan.error_analysis.page import errors_page
from tests.error_reports import HOSTILE, SENTENCE, error_report

IN_VIEW = """(box) => {
  const range = document.createRange(), node = box.firstChild;
  range.setStart(node, node.length - 12);
  range.setEnd(node, node.length);
  const end = range.getBoundingClientRect(), around = box.getBoundingClientRect();
  return end.bottom <= around.bottom + 1 && end.top >= around.top;
}"""


@pytest.fixture
def shown(open_html):
    """Open the page of a report: `shown(report)` gives the page."""
    return lambda report: open_html(errors_page(report))


def test_the_end_of_a_long_text_is_reached_with_the_keyboard(shown):
    page = shown(error_report())
    page.tab.locator("summary").first.click()
    box = page.tab.locator(".case .long").first
    assert SENTENCE * 30 in box.inner_text() and not box.evaluate(IN_VIEW)
    box.focus()
    page.press("End")
    page.tab.wait_for_function("() => document.activeElement.scrollTop > 100")
    page.tab.wait_for_function(f"() => ({IN_VIEW})(document.activeElement)")
    assert page.errors == [] and page.requests == []


def test_printed_the_rows_are_there_as_a_whole_though_nobody_opened_them(shown):
    page = shown(error_report())
    boxes = page.tab.locator(".case .long")
    assert not boxes.first.is_visible()
    page.tab.emulate_media(media="print")
    assert boxes.first.is_visible() and boxes.first.evaluate(IN_VIEW)
    assert boxes.count() > 10 and boxes.last.evaluate(IN_VIEW)


def test_every_count_of_the_overview_leads_to_its_part(shown):
    page = shown(error_report())
    links = page.tab.locator("table").first.locator("a")
    assert links.count() == 21
    for link in links.all():
        link.click()
        target = link.get_attribute("href")[1:]
        heading = page.tab.locator(f"[id='{target}']")
        assert heading.bounding_box()["y"] < 900 and heading.inner_text()
    assert page.errors == []


def test_hostile_texts_are_shown_as_they_are(shown):
    page = shown(error_report(hostile=HOSTILE))
    page.tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.tab.evaluate("window.stolen") is None
    assert page.tab.locator("body img").count() == 0
    assert page.tab.locator("body").inner_text().count(HOSTILE) > 10
    assert page.errors == [] and page.requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_slice_that_may_be_chance_can_be_told_from_one_that_is_worse(shown, scheme):
    page = shown(error_report())
    page.tab.emulate_media(color_scheme=scheme)
    circles = page.tab.locator("svg").first.locator("circle")
    fills = circles.evaluate_all("circles => circles.map((circle) => getComputedStyle(circle).fill)")
    accent, paper = {
        "light": ("rgb(11, 92, 173)", "rgb(255, 255, 255)"),
        "dark": ("rgb(125, 183, 245)", "rgb(20, 24, 30)"),
    }[scheme]
    assert fills == [accent] * 2 + [paper] * 6
