"""Names are found in a text where they stand, and the offsets are those of the text as it was."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldpan.chains.mentions.locate import locate
from goldpan.chains.mentions.normal_text import normal_text
from goldpan.study.local_stage import LOCATE_THRESHOLD

LABELLED = Path(__file__).parents[1] / "data" / "mentions" / "located.csv"


def found(text, *names, **options):
    """How it was found, and what stands there in the text."""
    match = locate(text, list(names), **options)
    return match.kind, None if match.start is None else text[match.start : match.end]


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("agriculture census", "the Agri-\nculture\n  Census of", "Agri-\nculture\n  Census"),
        ("long-term panel", "a long-\r\nterm panel", "long-\r\nterm panel"),
        ("longterm panel", "a long-term panel", "long-term panel"),
        ("efficiency data", "the eﬃciency data", "eﬃciency data"),
        ("People's Survey", "the “People’s Survey”", "People’s Survey"),
        ("WIOD 1995-2009", "(WIOD 1995–2009)", "WIOD 1995–2009"),
        ("Straße register", "STRASSE REGISTER", "STRASSE REGISTER"),
        ("Enquête ménages", "l'Enque\u0302te me\u0301nages", "Enque\u0302te me\u0301nages"),
        ("soft hyphen", "the soft hy\u00adphen", "soft hy\u00adphen"),
        ("panel data", "pa\x02nel data", "pa\x02nel data"),
        ("ＷＶＳ data", "the WVS data", "WVS data"),
        (
            "한국 조사",
            "\u1112\u1161\u11ab\u1100\u116e\u11a8 조사",
            "\u1112\u1161\u11ab\u1100\u116e\u11a8 조사",
        ),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ", "ΣΊΣΥΦΟΣ"),
    ],
)
def test_another_spelling_is_found_at_its_own_place(name, text, there):
    assert found(text, name) == ("normalised", there)
    assert locate(text, [name]).score == 1.0


@pytest.mark.parametrize("name", ["C++ (2014) [v1.*]", r"\d+ data$", "a|b", "(?P<x>", "100% sample", "A.*Z"])
def test_signs_of_regular_expressions_are_signs(name):
    assert found(f"see {name} and ABCZ", name) == ("exact", name)
    assert found("see ABCZ and 42 data", name)[0] == "none"


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("WVS", "the EWVSX and wvs", "none"),
        ("who", "the WHO said", "none"),
        ("US", "he told us so", "none"),
        ("WVS", "the WVX survey", "none"),
        ("ID", "IDs and GRID and ID.", "exact"),
        ("R", "Rstudio, R2 and r", "none"),
    ],
)
def test_a_short_name_is_a_word_of_its_own_or_not_there(name, text, kind):
    assert found(text, name)[0] == kind


@pytest.mark.parametrize("name", ["", "   ", "\n", "\u200b", "!!!"])
def test_an_empty_name_is_not_there(name):
    assert locate("some text", [name]).kind == "none"


def test_nothing_is_in_an_empty_text():
    assert locate("", ["World Values Survey"]).kind == "none"


@pytest.mark.parametrize("length", [200, 10_000, 100_000])
def test_a_name_longer_than_its_text_is_not_there(length):
    assert found("some short page of data", "some short page of data " * (length // 24)) == ("none", None)


def test_a_long_name_that_is_there_is_found_letter_by_letter():
    name = " ".join(f"word{number}" for number in range(2000))
    assert found(f"before {name} after", name) == ("exact", name)


def test_a_name_is_not_found_within_a_longer_word():
    assert found("the Precensus of", "census") == ("none", None)
    assert found("the Censuskeeper of", "Census") == ("none", None)


def test_what_is_like_a_name_within_a_longer_word_hides_no_word_that_is():
    text = "They are literate people of a land who would now and then iterate on it"
    assert found(text, "iterte") == ("fuzzy", "iterate")


@pytest.mark.parametrize("text", ["the Landsat 8 images", "the Landsat 17 images"])
def test_another_number_is_another_thing(text):
    assert found(text, "Landsat 7 images") == ("none", None)


def test_the_mark_of_a_footnote_ends_a_word():
    assert found("the Demographic Survey12 of", "Demographic Survey") == ("exact", "Demographic Survey")


def test_words_of_scripts_without_spaces_are_found():
    assert found("我们使用中国家庭追踪调查数据", "中国家庭追踪调查") == ("exact", "中国家庭追踪调查")


def test_vowel_marks_belong_to_their_word():
    assert found("हिन्दीों का", "हिन्दी")[0] != "exact"
    assert found("हिन्दी सर्वे", "हिन्दी") == ("exact", "हिन्दी")


def test_letters_that_look_alike_are_not_the_same_but_near():
    text = "the W\u043erld Values Survey"
    match = locate(text, ["World Values Survey"])
    assert (match.kind, text[match.start : match.end]) == ("fuzzy", "W\u043erld Values Survey")
    assert LOCATE_THRESHOLD < match.score < 1


def test_other_names_are_tried_in_their_order():
    text = "The WVS, or world values survey"
    assert locate(text, ["Not There", "World Values Survey", "WVS"]).name == "World Values Survey"
    assert locate(text, ["Not There", "WVS", "World Values Survey"]).name == "WVS"


def test_all_occurrences_are_counted_and_the_first_exact_one_is_taken():
    text = "world values survey, World Values Survey; the World\nValues Survey"
    match = locate(text, ["World Values Survey"])
    assert (match.kind, match.start, len(match.occurrences)) == ("exact", 21, 3)


def test_of_several_near_ones_the_likest_is_taken():
    text = "Wrld Valus Survey and then World Value Survey"
    match = locate(text, ["World Values Survey"], threshold=0.8)
    assert text[match.start : match.end] == "World Value Survey"
    assert len(match.occurrences) == 2


def test_names_are_found_as_they_were_labelled():
    with LABELLED.open(newline="") as rows:
        for row in csv.DictReader(rows):
            assert found(row["text"], row["name"])[1] == (row["found"] or None), row["name"]


signs = st.text(alphabet=st.sampled_from('aAbB sßéﬁ-\n\u00ad\u0301’"“1 2.(ǰΣﷺ中\u200d'), max_size=40)
anything = st.text(max_size=40)


@given(st.one_of(signs, anything), st.data())
def test_a_piece_of_a_text_is_found_letter_by_letter_or_it_is_no_word(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    name = text[start:end].strip()
    match = locate(text, [name])
    if match.kind == "exact":
        assert text[match.start : match.end] == name
        assert match.score == 1
    if match.start is not None:
        assert 0 <= match.start < match.end <= len(text)
        assert (match.start, match.end) in match.occurrences


@given(st.one_of(signs, anything), st.one_of(signs, anything))
def test_a_range_that_is_found_has_the_normal_form_of_its_name(text, name):
    match = locate(text, [name])
    if match.kind == "normalised":
        here = normal_text(text[match.start : match.end]).text
        assert here == normal_text(name.strip()).text.strip()


@given(
    st.lists(st.sampled_from(["alpha", "beta", "survey", "World", "census", "Panel"]), min_size=2, max_size=6)
)
def test_any_words_of_a_text_are_found_exactly(words):
    text = " ".join(["Of", *words, "there"])
    name = " ".join(words)
    match = locate(text, [name])
    assert (match.kind, match.score, text[match.start : match.end]) == ("exact", 1.0, name)


@given(st.one_of(signs, anything))
def test_each_sign_of_the_normal_form_knows_its_place(text):
    normal = normal_text(text)
    assert len(normal.text) == len(normal.starts) == len(normal.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(normal.starts, normal.ends, strict=True))
    assert list(normal.starts) == sorted(normal.starts)


@given(st.text(alphabet="abc XY\n", max_size=30))
def test_plain_letters_have_a_normal_form_with_single_spaces(text):
    assert normal_text(text).text == re.sub(r"\s+", " ", text).lower()
