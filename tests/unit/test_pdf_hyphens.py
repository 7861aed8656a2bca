"""Hyphens at line ends: what is one word, what keeps its hyphen, and what was never one."""

from itertools import pairwise

import pytest

from goldpan.records.pdf.hyphens import Hyphenation


def put_together(lines, elsewhere=()):
    hyphenation = Hyphenation()
    for page in (*([line] for line in elsewhere), lines):
        hyphenation.add(page)
    text = lines[0]
    for line, following in pairwise(lines):
        how = hyphenation.join(line, following)
        text = f"{text[:-1] if how == 'word' else text}{' ' if how == 'space' else ''}{following}"
    return text


@pytest.mark.parametrize(
    ("lines", "elsewhere", "text"),
    [
        (["in agri-", "culture, mostly"], [], "in agriculture, mostly"),
        (["the people of Ghana", "Punam said"], [], "the people of Ghana Punam said"),
        (["a long-", "term view"], ["other long-term plans"], "a long-term view"),
        (["a long-", "term view"], ["the longterm"], "a longterm view"),
        (["a long-", "term view"], ["the longterm", "long-term", "Long-term"], "a long-term view"),
        (["Attri-", "bution is"], [], "Attri-bution is"),
        (["Attri-", "bution is"], ["an attribution"], "Attribution is"),
        (["by Ragan-", "Kelley in"], [], "by Ragan-Kelley in"),
        (["state-of-the-", "art methods"], [], "state-of-the-art methods"),
        (["during COVID-", "19 there"], [], "during COVID-19 there"),
        (["pre-", "and post-war"], [], "pre- and post-war"),
        (["the data \u2014", "all of them"], [], "the data \u2014 all of them"),
        (["see https://x.org/agri-", "culture for"], [], "see https://x.org/agri-culture for"),
        (["Land\u00ad", "Nutzung"], [], "LandNutzung"),
        (["Straßen\u2010", "bahn"], ["Straßenbahn"], "Straßenbahn"),
        (["in agri-", "(see there)"], [], "in agri- (see there)"),
        (["a dash -", "and more"], [], "a dash - and more"),
    ],
)
def test_lines_are_put_together(lines, elsewhere, text):
    assert put_together(lines, elsewhere) == text


def test_how_a_word_is_broken_elsewhere_says_nothing_about_it():
    lines = ["of agri-", "culture and", "more agri-", "culture"]
    assert put_together(lines) == "of agriculture and more agriculture"
