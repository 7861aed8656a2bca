"""The leaderboard of a module in a real browser, wide and narrow."""

import pytest

from goldpan.experiments.leaderboard_page import leaderboard_page
from goldpan.experiments.run import prompt_versions
from tests.browser.conftest import OpenPage
from tests.recorded_runs import measured_run

LONG = "provider/organisation/" + "a-very-long-model-name-" * 5 + "x" * 80


def page_of_runs(count, costs=(0.001, 0.02, 0.5, 4.0), model="m"):
    runs = [
        measured_run(
            at,
            0.3 + 0.02 * at,
            cost_usd=costs[at % len(costs)],
            model=f"{model}{at % 3}",
            name="AVeryLongModuleName" * 3,
        )
        for at in range(1, count + 1)
    ]
    return leaderboard_page(runs, prompt_versions(runs))


@pytest.mark.parametrize("width", [1366, 400])
@pytest.mark.parametrize(
    "text",
    [
        page_of_runs(1),
        page_of_runs(30),
        page_of_runs(30, costs=(0.0, 0.001, 4.0, None)),
        page_of_runs(4, costs=(None,)),
        page_of_runs(4, costs=(0.0,)),
        page_of_runs(6, model=LONG),
    ],
    ids=["one run", "thirty runs", "costs of 0 or unknown", "no cost is known", "all cost 0", "long names"],
)
def test_the_page_fits_the_window_and_no_mark_leaves_its_picture(browser, tmp_path, text, width):
    path = tmp_path / "m1.html"
    path.write_text(text)
    tab = browser.new_page(viewport={"width": width, "height": 800})
    page = OpenPage(tab, path).open()
    assert page.requests == [] and page.errors == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for picture in tab.locator("svg").all():
        assert picture.get_attribute("aria-label")
        x, y, across, down, width_of, height_of = picture.evaluate(
            "one => { const b = one.getBBox(), v = one.viewBox.baseVal;"
            " return [b.x, b.y, b.width, b.height, v.width, v.height] }"
        )
        assert x > -2 and y > -2 and x + across < width_of + 2 and y + down < height_of + 2
    tab.close()
