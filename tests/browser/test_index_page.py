"""The page of four finished studies in a real browser: light and dark, from a phone to a wide screen."""

import orjson
import pytest

from goldpan.report.index.page import write_index
from tests.browser.conftest import OpenPage
from tests.finished_studies import NAMES, finished_project, finished_study
from tests.improving_studies import improving_project, write_made

WIDTHS = (360, 768, 1280, 1920)
IMPROVING = "quickstart with errors and a search"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages, by study."""
    root = finished_project(tmp_path_factory.mktemp("finished") / "project")
    made = {name: root / write_index(finished_study(root, name)) for name in NAMES}
    improving = improving_project(tmp_path_factory.mktemp("improving") / "project")
    write_made(improving)
    return made | {IMPROVING: improving / write_index(finished_study(improving, "quickstart"))}


@pytest.fixture(params=[*NAMES, IMPROVING])
def page(request, pages):
    """Each of them."""
    return pages[request.param]


@pytest.fixture
def tab(browser):
    """A tab of its own."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_asked_for_and_nothing_goes_wrong(tab, page, scheme):
    tab.emulate_media(color_scheme=scheme)
    opened = OpenPage(tab, page).open()
    assert opened.requests == [] and opened.errors == []
    colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}[scheme]
    inks = tab.evaluate("[...document.querySelectorAll('svg .ok')].map((one) => getComputedStyle(one).fill)")
    assert set(inks) == {{"light": "rgb(11, 92, 173)", "dark": "rgb(125, 183, 245)"}[scheme]}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_reaches_out_of_the_window_but_what_scrolls_in_a_box_of_its_own(tab, page, width):
    tab.set_viewport_size({"width": width, "height": 900})
    OpenPage(tab, page).open()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    out = tab.evaluate(
        "[...document.querySelectorAll('body *')].filter((one) => !one.closest('.scroll')"
        " && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))"
    )
    assert out == []
    boxes = tab.evaluate(
        "[...document.querySelectorAll('.scroll')].map((box) => [box.scrollWidth - box.clientWidth,"
        " getComputedStyle(box).overflowX])"
    )
    assert boxes and all(how == "auto" for over, how in boxes if over > 0)


def test_a_long_word_in_what_to_do_next_is_broken(tab, tmp_path):
    root = finished_project(tmp_path / "project")
    path = root / "results/quickstart/waves/check/status.json"
    status = orjson.loads(path.read_bytes())
    status["annotators"]["a" * 80] = {**status["annotators"]["ann"], "left": 3}
    path.write_bytes(orjson.dumps({**status, "state": "partial"}))
    tab.set_viewport_size({"width": 360, "height": 900})
    OpenPage(tab, root / write_index(finished_study(root, "quickstart"))).open()
    assert "a" * 80 in tab.inner_text("h2:has-text('What to do next') + ul")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_no_mark_or_label_reaches_out_of_its_picture(tab, page):
    OpenPage(tab, page).open()
    pictures = tab.locator("figure svg").all()
    assert pictures
    for picture in pictures:
        inner = picture.evaluate("(one) => { const b = one.getBBox(); return [b.x, b.y, b.width, b.height] }")
        box = picture.bounding_box()
        assert inner[0] > -2 and inner[1] > -2
        assert inner[0] + inner[2] < box["width"] + 2 and inner[1] + inner[3] < box["height"] + 2


def test_the_contents_lead_to_the_parts(tab, pages):
    OpenPage(tab, pages["quickstart"]).open()
    links = tab.locator(".contents a")
    assert links.count() == tab.locator("h2").count() > 6
    links.nth(4).click()
    assert tab.url.endswith("#waves")
    assert tab.locator("#waves").bounding_box()["y"] < 200
