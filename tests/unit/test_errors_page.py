"""What the page of an error analysis says: findings, why a part could not look, and where the rest is."""

import re
from dataclasses import replace
from html import unescape

import pytest

from goldpan.error_analysis.page import errors_page
from tests.error_reports import HOSTILE, error_report, listed, report_of_nothing


def words(page):
    """What a page says, without its marks."""
    text = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", text)))


def with_rows(part_name, rows):
    """The report, with these rows on one part of its first model."""
    report = error_report()
    feature = report.features[0]
    model = feature.models[0]
    part = replace(getattr(model, part_name), rows=tuple(rows))
    models = (replace(model, **{part_name: part}), *feature.models[1:])
    return replace(report, features=(replace(feature, models=models), *report.features[1:]))


def test_the_same_report_gives_the_same_bytes():
    assert errors_page(error_report()) == errors_page(error_report())


def test_each_part_says_what_it_found_and_how_sure_that_is():
    said = words(errors_page(error_report()))
    for text in (
        "80 of 400 evaluated rows are wrong: 0.200 [0.162, 0.243]. 9 of them have no prediction (refused 3,",
        "2 of 41 slices are worse than elsewhere",
        "topic: sport 50 22 0.440 [0.300, 0.587] 0.166 [0.128, 0.209] 0.274 0.003",
        "mixed feelings negative 14 98 0.143 [0.080, 0.228]",
        "9 wrong rows. Of 14 rows as near, 0.643 [0.351, 0.872] are wrong.",
        "0.9 to 1 110 0.950 0.565 [0.345, 0.768] 0.380 < 0.001",
        "0.600 (may be chance)",
        "in_other_words 1,180 40 0.034 [0.024, 0.046] 20",
        "Error rate of unstable rows: 0.667 [0.472, 0.827]; of stable ones: 0.200 (no interval: 3 items",
        "By confident learning, from gpt, head; 400 gold labels were looked at.",
        "in at most 5 %",
    ):
        assert text in said


def test_a_slice_names_others_with_the_same_rows():
    assert "topic: delivery (the same rows: channel: mail; url: Donaudampf" in words(
        errors_page(error_report())
    )


def test_where_nothing_is_found_the_page_says_so_and_why_what_could_not_be_looked_at():
    said = words(errors_page(report_of_nothing()))
    assert "No test found anything" in said
    assert "No test found anything" not in words(errors_page(error_report()))
    assert said.count("Not looked at: no confidence is known.") == 1
    assert "Not looked at: 0 wrong rows, 10 are needed." in said
    assert "is_complaint gpt 400 0 0.000 [0.000, 0.009] 0 0 – – – 0" in said


def test_links_to_files_and_parts_lead_somewhere():
    page = errors_page(error_report())
    targets = set(re.findall(r'href="([^"]*)"', page))
    assert {"reviews.csv", "reviews.json"} <= targets
    inner = {target[1:] for target in targets if target.startswith("#")}
    ids = re.findall(r' id="([^"]*)"', page)
    assert inner <= set(ids) and len(ids) == len(set(ids))


def test_a_row_is_shown_with_its_ids_and_all_its_text():
    row = listed("slices", "topic: delivery", 7, fields={"text": "word " * 5_000 + "the end"})
    page = errors_page(with_rows("slices", [row]))
    assert "Item item-0007, record reviews/2024/7; score 0.12" in words(page)
    assert "word " * 5_000 + "the end" in page


@pytest.mark.parametrize(
    ("part", "name", "most"), [("slices", "topic: delivery", 12), ("instability", "", 20)]
)
def test_many_rows_are_cut_off_with_the_file_that_has_all(part, name, most):
    page = errors_page(
        with_rows(part, [listed(part, name, number, id=f"only-{number}-") for number in range(500)])
    )
    assert f"500, {most} shown; reviews.csv has all" in words(page)
    assert f"only-{most - 1}-" in page and f"only-{most}-" not in page


def test_a_row_that_nobody_labelled_has_no_gold():
    page = errors_page(with_rows("instability", [listed("unstable", "", 1, gold="", predicted="")]))
    assert "Gold none Predicted none" in words(page)


def test_a_huge_text_is_cut_off_with_how_much_is_missing():
    row = listed("slices", "topic: delivery", 7, fields={"text": "x" * 2_000_000})
    page = errors_page(with_rows("slices", [row]))
    assert len(page) < 1_000_000 and "(1,950,000 more characters)" in page


def test_hostile_texts_make_no_elements():
    page, plain = errors_page(error_report(hostile=HOSTILE)), errors_page(error_report())
    assert "<img" not in page and page.count("stolen") > 10
    assert page.count("<script") == plain.count("<script")
