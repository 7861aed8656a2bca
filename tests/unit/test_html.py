"""The page shell: escaping, the content security policy, identical bytes."""

import base64
import hashlib
import json
import re

import pytest

from goldpan.html import Markup, data_block, element, page, table

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
