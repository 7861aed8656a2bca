"""Tables of the reports in a real browser: all of each is within reach, and each can be copied."""

import csv
import io
from random import Random

import pytest

from goldpan.cells import csv_text
from goldpan.evaluation.evaluate import EvaluationOutputs, evaluate_files
from goldpan.html import page, table
from goldpan.statistics.scales import Scale
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from tests.browser.conftest import OpenPage
from tests.evaluation_builders import FEATURES, everything

CUT_OFF = """box => box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== 'auto'"""
SCROLLS = "box => box.scrollWidth > box.clientWidth + 1 ? box.innerText.slice(0, 200) : ''"
HOSTILE = [["=HYPERLINK(1)", "1,234"], ['50 % of "a_b" & </script>', "–"], ["one\rtwo \\", "0.5 [0.1, 0.9]"]]


def write_agreement(folder, annotators):
    """The agreement page of so many annotators who label with four labels."""
    random = Random(3)
    labels = ["Positive", "Negative", "Mixed feelings", "Neither of these"]
    ratings = {
        f"item{n}": {f"annotator_{a}": random.choice(labels[: 1 + n % 4]) for a in range(annotators)}
        for n in range(40)
    }
    names = tuple(f"annotator_{a}" for a in range(annotators))
    feature = measure(FeatureRatings("tone", Scale("nominal", tuple(labels)), ratings, names))
    path = folder / "agreement.html"
    path.write_text(agreement_page(AgreementReport("Agreement", (feature,))), encoding="utf-8")
    return path


def write_evaluation(folder):
    chosen, given = everything(folder)
    path = folder / "e.html"
    outputs = EvaluationOutputs(folder / "e.json", path, folder / "e.csv")
    evaluate_files("reviews", chosen, FEATURES, given, outputs)
    return path


@pytest.fixture
def tab(browser):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("write", ["evaluation", 3, 8])
def test_nothing_is_clipped_at_usual_widths(tab, tmp_path, write):
    path = write_evaluation(tmp_path) if write == "evaluation" else write_agreement(tmp_path, write)
    opened = OpenPage(tab, path).open()
    for mistakes in tab.locator("summary").all():
        mistakes.click()
    for width in (1200, 1366):
        tab.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        boxes = tab.locator(".scroll")
        assert boxes.count() > 1
        assert not any(box.evaluate(CUT_OFF) for box in boxes.all())
        # Only what many annotators need more room for has a scrollbar.
        if write != 8:
            assert [text for box in boxes.all() if (text := box.evaluate(SCROLLS))] == []
    assert opened.errors == [] and opened.requests == []


def test_every_table_is_copied_as_csv_and_as_latex(tab, tmp_path):
    opened = OpenPage(tab, write_agreement(tmp_path, 2)).open()
    bars = tab.locator(".copy-bar:visible")
    # Those of the table of counts, too, which is a picture.
    assert bars.count() == tab.locator("table").count() + tab.locator("svg").count() > 4
    for bar in bars.all():
        bar.locator("button", has_text="CSV").click()
        bar.locator("button", has_text="Copied").wait_for()
        copied = tab.evaluate("navigator.clipboard.readText()")
        rows = list(csv.reader(io.StringIO(copied)))
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1
        bar.locator("button", has_text="LaTeX").click()
        tab.wait_for_function("navigator.clipboard.readText().then(text => text.includes('tabular'))")
        latex = tab.evaluate("navigator.clipboard.readText()")
        assert latex.count(r" \\") == len(rows) and r"\end{tabular}" in latex
    assert opened.errors == [] and opened.requests == []


def test_hostile_cells_are_copied_as_they_are_written_elsewhere(tab, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page("T", [table(["label", "n"], HOSTILE)]), encoding="utf-8")
    opened = OpenPage(tab, path).open()
    tab.locator("button", has_text="CSV").click()
    tab.locator("button", has_text="Copied").wait_for()
    expected = [["label", "n"], *HOSTILE]
    expected[1], expected[2] = [HOSTILE[0][0], "1234"], [HOSTILE[1][0], ""]
    assert tab.evaluate("navigator.clipboard.readText()") == csv_text(expected)
    assert opened.errors == []


def test_where_a_browser_refuses_the_clipboard_the_text_is_there_to_copy(tab, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page("T", [table(["label", "n"], [["a", "1"]])]), encoding="utf-8")
    tab.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    opened = OpenPage(tab, path).open()
    tab.locator("button", has_text="CSV").click()
    assert tab.locator("textarea").input_value() == "label,n\na,1\n"
    assert tab.evaluate("getSelection().toString()") == "label,n\na,1\n"
    assert opened.errors == []
