"""The evaluation page in a real browser."""

from goldpan.evaluation.evaluate import EvaluationOutputs, evaluate_files
from tests.browser.conftest import OpenPage
from tests.evaluation_builders import FEATURES, everything


def test_the_page_shows_its_plots_runs_nothing_and_asks_for_nothing(browser, tmp_path):
    chosen, given = everything(tmp_path)
    path = tmp_path / "e.html"
    evaluate_files(
        "reviews", chosen, FEATURES, given, EvaluationOutputs(tmp_path / "e.json", path, tmp_path / "e.csv")
    )
    tab = browser.new_page()
    asked = []
    tab.on("dialog", lambda dialog: asked.append(dialog.message) or dialog.dismiss())
    page = OpenPage(tab, path).open()
    assert page.requests == [] and page.errors == [] and asked == []
    pictures = tab.locator("svg")
    assert pictures.count() > 10
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box["width"] > 100 and box["height"] > 40
        # No mark or label reaches out of its picture.
        inner = picture.evaluate("one => { const b = one.getBBox(); return [b.x, b.y, b.width, b.height] }")
        assert inner[0] > -2 and inner[1] > -2
        assert inner[0] + inner[2] < box["width"] + 2 and inner[1] + inner[3] < box["height"] + 2
    tab.locator("summary").first.click()
    assert "<script>alert('x')</script>" in tab.locator("details[open] td.text").first.inner_text()
    tab.locator("a", has_text="stars").first.click()
    assert tab.locator("#feature-stars").is_visible()
    tab.close()
