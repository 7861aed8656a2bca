"""The page shell: escaping, the content security policy, identical bytes."""

import base64
import hashlib
import json
import re

import pytest

from goldpan.cells import csv_text
from goldpan.html import Markup, data_block, element, page, table, with_contents
from goldpan.latex import latex_table, latex_text

HOSTILE = "</script><script>alert(1)</script> \" onload='x' & <!--"


def policy_of(html: str) -> str:
    return re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1).replace("&#39;", "'")


def test_text_and_attributes_are_escaped():
    shown = element("td", HOSTILE, title=HOSTILE)
    assert "<script" not in shown
    assert shown.count('"') == 2


def test_markup_is_not_escaped_twice():
    assert element("p", element("b", "a & b")) == "<p><b>a &amp; b</b></p>"


def test_an_attribute_that_is_false_is_left_out_and_true_stands_alone():
    assert element("input", disabled=True, checked=False, data_id=3) == '<input disabled data-id="3">'


def test_a_table_marks_number_columns():
    html = table(["label", "n"], [["<a>", 3]])
    assert '<td>&lt;a&gt;</td><td class="number">3</td>' in html


def test_the_policy_allows_exactly_this_script_and_this_style():
    html = page("T", ["x"], style="p { color: red }", script="let a = 1 < 2;")
    for kind in ("style", "script"):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", html, re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy_of(html)
    assert "default-src 'none'" in policy_of(html)
    assert "unsafe" not in policy_of(html)


def test_a_page_without_a_script_allows_none():
    assert "script-src 'none'" in policy_of(page("T", []))


def test_title_and_plain_body_parts_are_escaped():
    html = page(HOSTILE, [HOSTILE, Markup("<hr>")])
    assert "<script" not in html
    assert "<hr>" in html


def test_a_data_block_cannot_be_closed_by_its_data():
    value = {"text": HOSTILE + "\u2028"}
    html = data_block("items", value)
    inside = html.removeprefix('<script type="application/json" id="items">').removesuffix("</script>")
    assert "<" not in inside
    assert "\u2028" not in inside
    assert json.loads(inside) == value


@pytest.mark.parametrize("argument", ["style", "script"])
def test_a_style_or_script_that_would_end_early_is_refused(argument):
    with pytest.raises(ValueError, match=argument):
        page("T", [], **{argument: f"</{argument}>"})


def test_the_same_arguments_give_the_same_bytes():
    assert page("T", [element("p", "x", id="a")]) == page("T", [element("p", "x", id="a")])


def copies_of(html):
    """What the buttons of the first table copy."""
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S).group(1))


def test_a_page_with_a_table_allows_the_script_that_copies_it_and_no_other():
    html = page("T", [table(["a"], [["x"]])], script="let b = 1;")
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert script.endswith("let b = 1;")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy_of(html)


def test_the_copy_of_a_table_is_written_by_the_writer_of_all_csv():
    cells = ["=1+1", "a,b", 'say "x"', "one\rtwo", "</script>", "é"]
    html = table(["label", "-n"], [[cell, "1"] for cell in cells])
    assert copies_of(html)["csv"] == csv_text([["label", "-n"], *([cell, "1"] for cell in cells)])
    assert html.count("</script>") == 1


def test_numbers_are_copied_as_numbers_and_missing_ones_as_empty_cells():
    html = table(["label", "n", "k"], [["1,000", "1,234,567", "–"], ["b", "0.5 [0.1, 1,000]", "-"]])
    assert copies_of(html)["csv"] == 'label,n,k\n"1,000",1234567,\nb,"0.5 [0.1, 1,000]",\n'


def test_a_link_in_a_cell_is_copied_as_its_text():
    html = table(["a & b"], [[element("a", "<x> & y", href="#x")]])
    assert copies_of(html)["csv"] == "a & b\n<x> & y\n"


def test_an_interval_is_not_broken():
    assert "<span>0.5</span> <span>[0.1, 0.9]</span>" in table(["a", "b"], [["x", "0.5 [0.1, 0.9]"]])
    reason = "(no interval: 3 items, 5 are needed)"
    assert f'interval"><span>1.0</span> {reason}</td>' in table(["a", "b"], [["x", f"1.0 {reason}"]])


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        (r"100 % of a_b & #3 {x} $5", r"100 \% of a\_b \& \#3 \{x\} \$5"),
        (r"~^\cmd", r"\textasciitilde{}\textasciicircum{}\textbackslash{}cmd"),
        ("p < 0.05 > 0 | x", r"p \textless{} 0.05 \textgreater{} 0 \textbar{} x"),
        ("two\n\nlines\tand % more", r"two lines and \% more"),
        ("[0.1, 0.2]", "{}[0.1, 0.2]"),
        ("*", "{}*"),
        ("a--b---c –", r"a-{}-b-{}-{}-c \textendash{}"),
    ],
)
def test_latex_has_no_commands_of_a_text(text, latex):
    assert latex_text(text) == latex


def test_a_table_in_latex_has_a_column_and_an_end_for_each():
    text = latex_table(["label", "n"], [["a&b", "1,000"]], numbers=[False, True], caption="By\nlabel, 95 %")
    assert text.splitlines() == [
        r"% By label, 95 \%",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"label & n \\",
        r"\midrule",
        r"a\&b & 1,000 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def headings(*texts):
    return [element("h1", "All"), *(element("h2", text) for text in texts), "<h2>no heading</h2>"]


def test_a_page_of_four_sections_has_contents_after_its_title():
    title, contents, *rest = with_contents(headings("a & b", "C", "a & b", "Ü ü"))
    assert re.findall(r'href="#([^"]+)">([^<]+)<', contents) == [
        ("a-b", "a &amp; b"),
        ("c", "C"),
        ("a-b-2", "a &amp; b"),
        ("ü-ü", "Ü ü"),
    ]
    assert title == "<h1>All</h1>" and rest[0] == '<h2 id="a-b">a &amp; b</h2>'
    assert rest[-1] == "<h2>no heading</h2>"


def test_ids_of_sections_are_kept_and_not_given_twice():
    body = [
        element("p", "x", id="one"),
        element("div", element("h2", "Two", id="own")),
        *headings("one", "C"),
    ]
    assert re.findall(r'<h2 id="([^"]+)"', "".join(map(str, with_contents(body)))) == ["own", "one-2", "c"]


def test_a_short_page_has_no_contents():
    assert not any("<nav" in str(part) for part in with_contents(headings("a", "b", "c")))


def test_a_language_written_from_the_right_turns_the_page():
    assert '<html lang="ar" dir="rtl">' in page("T", [], language="ar")
    assert '<html lang="de">' in page("T", [], language="de")


def test_what_hides_or_turns_the_text_around_it_is_named_and_all_else_stays():
    text = "a\x1b[2J b\u202ec d\u2067e\tf\ng é‌"
    shown = str(element("p", text, title=text))
    assert "\x1b" not in shown and "\u202e" not in shown and "\u2067" not in shown
    assert shown.count("&lt;U+001B&gt;[2J b&lt;U+202E&gt;c d&lt;U+2067&gt;e\tf\ng é‌") == 2
