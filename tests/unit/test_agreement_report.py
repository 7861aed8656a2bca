"""The agreement report as text and as a page."""

import re

import pytest

from goldpan.heat_map import heat_map
from goldpan.statistics.scales import Scale
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J"


def ratings(labels, names=("ann", "ben")):
    pairs = [(labels[0], labels[0])] * 12 + [(labels[1], labels[1])] * 9 + [(labels[0], labels[1])] * 4
    return {f"{n:02}": dict(zip(names, pair, strict=True)) for n, pair in enumerate(pairs)}


def report_of(labels=("cat", "dog"), names=("ann", "ben"), **more):
    feature = measure(FeatureRatings("animal", Scale("nominal"), ratings(labels, names)))
    return AgreementReport("Agreement in wave pilot", (feature,), **more)


def test_the_text_report_has_the_classic_layout():
    text = report_text(report_of())
    for expected in (
        r"^Agreement in wave pilot$",
        r"^Items: +25, of which 25 answered by two or more$",
        r"^Annotator: +ann, 25 items$",
        r"^Observed agreement +0\.8400  \[0\.\d{4}, 0\.\d{4}\]  0\.0748$",
        r"^Cohen's kappa \* +0\.6835  \[0\.\d{4}, 0\.\d{4}\]  0\.1376 +0\.4944  Substantial$",
        r"^cat +16 +12 +0\.8571",
        r"^Confusion matrix \(rows: ann, columns: ben\)$",
        r"^cat +12 +4$",
        r"^dog +0 +9$",
    ):
        assert re.search(expected, text, re.M), expected


@pytest.mark.parametrize(("blind", "said"), [(True, "Blind:"), (False, "NOT blind:")])
def test_both_reports_say_whether_annotators_were_blind(blind, said):
    report = report_of(blind=blind)
    assert said in report_text(report)
    assert said in agreement_page(report)


def test_notes_on_the_whole_stand_before_the_features():
    text = report_text(report_of(notes=("the sheet of cid is missing",)))
    assert text.index("the sheet of cid is missing") < text.index("animal")


def test_labels_and_names_cannot_move_the_cursor_of_a_terminal():
    assert "\x1b" not in report_text(report_of((HOSTILE, "dog"), (HOSTILE, "ben")), verbose=True)


def test_labels_names_and_titles_are_escaped_on_the_page():
    html = agreement_page(report_of((HOSTILE, "dog"), (HOSTILE, "ben")))
    assert "<img" not in html
    assert "&lt;img" in html


def test_the_page_loads_nothing_and_runs_only_what_copies_its_tables():
    html = agreement_page(report_of())
    assert len(re.findall("<script>", html)) == 1
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|src=|style=|<link| on\w+=", html)


def test_the_page_explains_why_unweighted_and_quadratic_kappa_differ():
    three = {f"{n}": {"a": n % 3, "b": (n + (n % 5 == 0)) % 3} for n in range(40)}
    feature = measure(FeatureRatings("score", Scale("ordered"), three))
    html = agreement_page(AgreementReport("T", (feature,)))
    assert "counts every disagreement alike" in html


def test_the_same_report_gives_the_same_bytes():
    assert agreement_page(report_of()) == agreement_page(report_of())


def test_the_matrix_is_a_picture_with_its_counts():
    html = agreement_page(report_of())
    assert "<svg" in html
    assert "<title>ann: cat, ben: dog: 4</title>" in html


def test_a_heat_map_is_darkest_at_its_largest_count_and_lightest_at_zero():
    svg = heat_map("a", "b", ["x", "y"], ["x", "y"], [[0, 5], [2, 9]])
    shades = [sum(bytes.fromhex(colour)) for colour in re.findall(r'fill="#(\w{6})"', svg)]
    assert shades[0] == max(shades)
    assert shades[3] == min(shades)


def test_a_heat_map_shortens_long_labels_but_names_them_in_full():
    label = "a label that is too long to be drawn beside a cell"
    svg = heat_map("a", "b", [label], [label], [[3]])
    assert f">{label}<" not in svg
    assert f"a: {label}, b: {label}: 3" in svg


def test_a_small_heat_map_has_room_for_long_names():
    name = "somebody, second showing"
    svg = heat_map(name, name, ["1"], ["1"], [[2]])
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    assert min(width, height) > 6 * len(name)


def test_many_annotators_are_summed_in_the_table_of_labels():
    names = [f"person {number:02}" for number in range(20)]
    answers = {f"{item}": dict.fromkeys(names, "xy"[item % 2]) for item in range(4)}
    feature = measure(FeatureRatings("f", Scale("nominal"), answers))
    assert re.search(r"^x +40 ", report_text(AgreementReport("T", (feature,))), re.M)
