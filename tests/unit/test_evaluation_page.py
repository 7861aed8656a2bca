"""The evaluation as a page: what it says, and that nothing it shows can break it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from goldpan.dot_plot import Dot, dot_plot
from goldpan.evaluation.evaluate import evaluate
from goldpan.evaluation.formatting import HEADLINES, TITLES, p_value, three_decimal_interval
from goldpan.evaluation.page import evaluation_page
from goldpan.html import three_decimals
from goldpan.statistics.interval import Interval
from tests.evaluation_builders import FEATURES, everything, gold_item, inputs, prediction, settings, stage_row
from tests.wave_builders import TONE, labelled


class Text(HTMLParser):
    """The text of a page, and the tags in it."""

    def __init__(self, page):
        super().__init__()
        self.tags, self._parts, self._hidden = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._hidden = tag in ("style", "script")

    def handle_endtag(self, tag):
        self._hidden = False

    def handle_data(self, data):
        if not self._hidden:
            self._parts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self._parts))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    chosen, given = everything(tmp_path_factory.mktemp("evaluation"))
    return evaluate("reviews", chosen, FEATURES, given)


def test_the_page_has_every_feature_model_and_figure(report):
    text = Text(evaluation_page(report, 50)).text
    for feature in report.features:
        assert feature.feature in text
        for model in feature.models:
            for name in {one.name for one in model.figures} - {
                f"{some}_micro" for some in ("precision", "recall", "f1")
            }:
                assert TITLES[name] in text
    for words in (
        "built-in baseline annotator",
        "McNemar",
        "Alternative annotator test",
        "Prevalence in the whole corpus",
        "Calibration",
        "expected calibration error",
        "SHA-256",
        "$0.01",
        "Always the mean",
    ):
        assert words in text, words


def test_hostile_texts_are_shown_as_texts(report):
    page = evaluation_page(report, 50)
    parsed = Text(page)
    assert "<script>alert('x')</script>" in parsed.text
    kinds = [given.get("type") for tag, given in parsed.tags if tag == "script"]
    assert set(kinds) == {"application/json", None} and kinds.count(None) == 1
    policy = next(one["content"] for _, one in parsed.tags if "http-equiv" in one)
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert not any(name.startswith("on") or name == "style" for _, one in parsed.tags for name in one)


def test_hostile_labels_and_names_are_shown_as_texts(tmp_path):
    feature = labelled("<b>bold</b>", '" onload="alert(1)', name="tone")
    gold = [gold_item(n, {"tone": feature.label_list[n % 2]}) for n in range(4)]
    rows = [stage_row(n, {"tone": prediction(feature, feature.label_list[0])}) for n in range(4)]
    given = inputs(tmp_path, gold, {"m": rows})
    found = evaluate('e"><i>', settings("m"), {"tone": feature}, given)
    parsed = Text(evaluation_page(replace(found, notes=("<u>note</u>",)), 50))
    assert not {"b", "i", "u"} & {tag for tag, _ in parsed.tags}
    assert not any("onload" in one for _, one in parsed.tags)
    assert "<b>bold</b>" in parsed.text and "<u>note</u>" in parsed.text


def test_the_page_shows_as_many_mistakes_as_asked_for(report):
    assert "50 shown; errors.csv has all" not in evaluation_page(report, 10_000)
    few = Text(evaluation_page(report, 2)).text
    assert "2 shown; errors.csv has all" in few
    assert "<summary>" not in evaluation_page(report, 0)


def test_long_texts_are_cut(tmp_path):
    gold = [gold_item(0, {"tone": "Positive"}, data={"text": "x" * 5000})]
    rows = [stage_row(0, {"tone": prediction(TONE, "Negative")})]
    page = evaluation_page(
        evaluate("e", settings("m"), {"tone": TONE}, inputs(tmp_path, gold, {"m": rows})), 9
    )
    assert "x" * 599 + "…" in page and "x" * 600 not in page


def test_a_feature_without_models_has_its_section(tmp_path):
    gold = [gold_item(0, {"stars": 3}, resolutions={"tone": "needs_review"})]
    rows = [stage_row(0, {})]
    given = inputs(tmp_path, gold, {"m": rows})
    page = evaluation_page(evaluate("e", settings("m"), FEATURES, given), 9)
    assert "No item has a gold label that can be evaluated." in page


def test_dots_outside_the_axis_stand_at_its_end():
    plot = str(dot_plot([Dot("a", 1.5, Interval(0.2, 2.0, 0.95, "m"))], "x"))
    places = [float(one) for one in re.findall(r'(?:cx|x1|x2)="([\d.]+)"', plot)]
    width = float(re.search(r'width="(\d+)"', plot)[1])
    assert max(places) < width


def test_numbers_are_written_for_people():
    assert three_decimals(-0.0001) == "0.000" and three_decimals(None) == "–"
    assert three_decimal_interval(Interval(-0.00001, 0.5, 0.95, "m")) == "[0.000, 0.500]"
    assert p_value(0.0004) == "< 0.001" and p_value(0.04) == "0.040"


def test_every_headline_figure_has_a_name():
    assert {name for names in HEADLINES.values() for name in names} <= set(TITLES)
