"""Sentences around a mention, and windows that overlap."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldpan.chains.mentions.sentences import Window, merged, sentences, window


def parted(text):
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "As in Smith et al. (2014), we use it.",
        "As Smith et al. Show, it is so.",
        "See Fig. 3 and Figs. 4–5 there.",
        "It is 3.5 percent, i.e. 0.5 more, e.g. There.",
        "J. R. Smith has the data of the U.S. Census Bureau.",
        "It is in Vol. 3, No. 5, pp. 12 of it.",
        "Dr. Smith vs. Prof. Jones, approx. 50 of them.",
        "A DOI such as 10.5281/zenodo.12 is one word.",
        "He wrote (Smith 2014; cf. Jones) so.",
        "Version 2.3.1 of it, etc. and so on.",
    ],
)
def test_a_full_stop_within_a_sentence_ends_none(sentence):
    assert parted(f"{sentence} Next one.") == [sentence, "Next one."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four… Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
        ('He said "so." Then he left.', ['He said "so."', "Then he left."]),
        ("The survey.12 We use it.", ["The survey.12", "We use it."]),
        ("A heading\n\nA paragraph. More", ["A heading", "A paragraph.", "More"]),
        ("我们使用数据。结果如下！好", ["我们使用数据。", "结果如下！", "好"]),
        ("Surveys, maps, etc. We use all.", ["Surveys, maps, etc.", "We use all."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_they_do(text, expected):
    assert parted(text) == expected


def test_a_window_has_the_sentences_before_and_after():
    text = "One here. Two here. Three here. Four here. Five here."
    at = text.index("Three")
    ranges = sentences(text)
    assert text[slice(*window(ranges, at, at + 5, 0))] == "Three here."
    assert text[slice(*window(ranges, at, at + 5, 1))] == "Two here. Three here. Four here."
    assert text[slice(*window(ranges, at, at + 5, 9))] == text


def test_a_mention_over_two_sentences_has_both():
    text = "One two. Three four. Five"
    assert text[slice(*window(sentences(text), 4, 12, 0))] == "One two. Three four."


def test_windows_that_overlap_are_one_and_say_of_which_mentions():
    assert merged([(20, 30), (0, 10), (5, 15), (30, 40)]) == [
        Window(0, 15, (1, 2)),
        Window(20, 30, (0,)),
        Window(30, 40, (3,)),
    ]


@given(st.text(alphabet='aB .!?\n1")', max_size=60))
def test_sentences_hold_all_of_a_text_but_white_space(text):
    ranges = sentences(text)
    assert all(end <= start for (_, end), (start, _) in pairwise(ranges))
    assert "".join("".join(parted(text)).split()) == "".join(text.split())


@given(st.text(alphabet="aB .!?\n", min_size=1, max_size=60), st.data())
def test_a_window_holds_its_mention(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    low, high = window(sentences(text), start, end, data.draw(st.integers(0, 3)))
    assert low <= start and end <= high
