"""Report pages at all widths, for all eyes: nothing clipped, contents, print, and what axe finds."""

from dataclasses import replace
from pathlib import Path

import pytest

from goldpan.cells import csv_text
from goldpan.chains.tables.groups import RowGroup
from goldpan.chains.tables.joined import ChainRow, StageResult
from goldpan.chains.tables.page import table_page
from goldpan.cli import main
from goldpan.error_analysis.page import errors_page
from goldpan.experiments.history import History
from goldpan.experiments.run import PromptTexts
from goldpan.optimise.page import search_page
from goldpan.tasks.features import Score
from tests.browser.conftest import OpenPage
from tests.browser.test_leaderboard_page import page_of_runs
from tests.browser.test_report_tables import write_agreement, write_evaluation
from tests.chain_builders import record
from tests.error_reports import error_report
from tests.recorded_runs import a_run
from tests.search_reports import search_report

KINDS = ("agreement of 8", "evaluation", "leaderboard", "comparison", "groups", "errors", "search")
CLIPPED = """() => [...document.querySelectorAll('body *')].filter((node) => {
  const style = getComputedStyle(node), box = node.getBoundingClientRect();
  if (!box.width || node.closest('svg') !== null && node.tagName !== 'svg') return false;
  const scrolls = node.closest('.scroll');
  const hides = ['hidden', 'clip'].includes(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
  return hides || (!scrolls && box.right > document.documentElement.clientWidth + 1);
}).map((node) => node.outerHTML.slice(0, 120))"""
OUT_OF_REACH = """() => [...document.querySelectorAll('.scroll')].filter((box) => {
  box.scrollLeft = box.scrollWidth;
  const last = [...box.querySelectorAll('tr > :last-child, svg')];
  return box.tabIndex !== 0 || last.some((one) => {
    const width = one.getBoundingClientRect();
    return width.width && width.right > box.getBoundingClientRect().right + 1;
  });
}).map((node) => node.outerHTML.slice(0, 120))"""


def write_comparison(folder: Path) -> Path:
    """The comparison of two runs, one row of which differs."""
    head = ["id", "state", "reason", "input.text", "expected.f", "answer.f", "right.f", "reasoning.f"]
    history = History(folder / "runs")
    prompts = [PromptTexts("m1", "p2", None, "Say {{ data.text }}", [{"name": "f"}])]
    first = a_run(prompts=[replace(prompts[0], user="{{ data.text }}")])
    second = replace(a_run(prompt="p2"), prompts=prompts)
    for run, answer in ((first, "no"), (second, "yes")):
        right = "yes" if answer == "yes" else "no"
        row = ["r1", "ok", "", "A long text. " * 40, "yes", answer, right, "because of the long text"]
        history.record(run, csv_text([head, row]).encode("utf-8-sig"))
    page = folder / "compare.html"
    runs = [first.id, second.id]
    assert main(["experiments", "compare", *runs, "--root", str(folder), "--html", str(page)]) == 0
    return page


def write_groups(folder: Path) -> Path:
    """The page of a table by groups, with three scores of a stage."""
    scores = [Score(name=f"score_{n}", type="score", description="d", min=0, max=3) for n in range(3)]
    groups = {}
    for company in ("A", "A company whose name is long " * 3, None):
        groups[company] = RowGroup({"stage": scores}, frozenset())
        for number in range(5):
            row = ChainRow(record(f"{company}{number}"))
            answers = {score.name: number % 4 for score in scores}
            row.results["stage"] = StageResult(f"{number}", "ok", None, None, answers)
            groups[company].add(row)
    page = folder / "groups.html"
    page.write_text(table_page("s", "companies", "data.company", groups, False), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, Path]:
    """A page of each kind of report."""
    folder = tmp_path_factory.mktemp("reports")
    board = folder / "leaderboard.html"
    board.write_text(page_of_runs(30), encoding="utf-8")
    errors, search = folder / "errors.html", folder / "search.html"
    errors.write_text(errors_page(error_report()), encoding="utf-8")
    search.write_text(search_page(search_report()), encoding="utf-8")
    return {
        "agreement of 8": write_agreement(folder, 8),
        "evaluation": write_evaluation(folder),
        "leaderboard": board,
        "comparison": write_comparison(folder),
        "groups": write_groups(folder),
        "errors": errors,
        "search": search,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_out_of_reach_from_360_to_1920_pixels(browser, reports, kind):
    tab = browser.new_page()
    page = OpenPage(tab, reports[kind]).open()
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    for width in (360, 768, 1024, 1366, 1920):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(CLIPPED) == [] and tab.evaluate(OUT_OF_REACH) == [], width
    assert page.errors == [] and page.requests == []
    tab.close()


@pytest.mark.parametrize(
    ("make", "report"), [(errors_page, error_report), (search_page, search_report)], ids=["errors", "search"]
)
def test_a_word_longer_than_the_window_moves_no_page_sideways(open_html, make, report):
    """Names of models, fields and files have no spaces to break them at."""
    page = open_html(make(report(hostile="organisation/" + "x" * 150)))
    page.tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    page.tab.set_viewport_size({"width": 360, "height": 800})
    assert "x" * 150 in page.tab.locator("body").inner_text()
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.tab.evaluate(OUT_OF_REACH) == []


def test_a_wide_table_is_scrolled_by_keys_and_keeps_its_first_column(browser, reports):
    tab = browser.new_page(viewport={"width": 360, "height": 700})
    OpenPage(tab, reports["leaderboard"]).open()
    box = tab.locator(".scroll:has(table)").first
    box.focus()
    for _ in range(10):
        tab.keyboard.press("ArrowRight")
    tab.wait_for_function("() => document.activeElement.scrollLeft > 100")
    left = "(one) => one.getBoundingClientRect().left - one.closest('.scroll').getBoundingClientRect().left"
    first = box.locator("tbody td").first
    assert abs(first.evaluate(left)) < 2 and 60 < first.bounding_box()["width"] < 180
    tab.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_printed_page_shows_all_columns(browser, reports, kind):
    # An A4 sheet with margins of 1 cm is about 718 pixels wide.
    tab = browser.new_page(viewport={"width": 718, "height": 1000})
    OpenPage(tab, reports[kind]).open()
    tab.emulate_media(media="print")
    cells = "[...document.querySelectorAll('td, th')]"
    assert tab.evaluate(f"() => Math.max(...{cells}.map((one) => one.getBoundingClientRect().right))") <= 719
    tab.close()


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_serious(browser, axe, reports, kind):
    tab = browser.new_page(viewport={"width": 1024, "height": 800})
    OpenPage(tab, reports[kind]).open()
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    for colours in ("light", "dark"):
        tab.emulate_media(color_scheme=colours)
        assert axe(tab) == [], colours
    tab.close()


def test_contents_lead_to_every_section(browser, reports):
    tab = browser.new_page()
    page = OpenPage(tab, reports["evaluation"]).open()
    links = tab.locator(".contents a")
    assert links.count() == tab.locator("h2").count() > 4
    for link in links.all():
        assert tab.locator(f"[id='{link.get_attribute('href')[1:]}']").inner_text() == link.inner_text()
    assert page.errors == []
    tab.close()
