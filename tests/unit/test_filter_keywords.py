"""Keywords in texts: whole words of any script, however they are written, with the places they stand at."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldpan.chains.filter.folded_text import TextFolder
from goldpan.chains.filter.keyword_matcher import FoundKeyword, KeywordMatcher


def found(keyword: str | list[str], text: str, *, plural: bool = False) -> list[str]:
    """What the places of the keywords found in a text hold, as it stands there."""
    keywords = [keyword] if isinstance(keyword, str) else keyword
    return [text[place.start : place.end] for place in KeywordMatcher(keywords, plural).find(text)]


@pytest.mark.parametrize(
    ("keyword", "text", "expected"),
    [
        # Case and form.
        ("nature", "NATURE, Nature and nature", ["NATURE", "Nature", "nature"]),
        ("Straße", "die STRASSE, die Straße, die strasse", ["STRASSE", "Straße", "strasse"]),
        ("ΟΔΟΣ", "η οδός, η οδοσ, η οδος", ["οδοσ", "οδος"]),
        ("forêt", "la fore\u0302t, la FORÊT", ["fore\u0302t", "FORÊT"]),
        ("fore\u0302t", "la forêt", ["forêt"]),
        ("CO2", "CO₂ and ＣＯ２ and CO2", ["CO₂", "ＣＯ２", "CO2"]),
        ("fish", "ﬁsh are fished", ["ﬁsh"]),
        ("İstanbul", "istanbul, ISTANBUL, İSTANBUL", ["istanbul", "ISTANBUL", "İSTANBUL"]),
        ("biodiversity", "bio\u00addiversity; bio\u00ad\n  diversity", [
            "bio\u00addiversity", "bio\u00ad\n  diversity"]),
        ("nature", "na\u200dtu\u2060re", ["na\u200dtu\u2060re"]),
        # Whole words.
        ("art", "start, art-house, art_deco, artful, (art)", ["art", "art", "art"]),
        ("nature", "nature-based and non-nature", ["nature", "nature"]),
        ("CO2", "CO2eq is no CO2", ["CO2"]),
        ("é", "e\u0301te\u0301 é", ["é"]),
        ("e", "e\u0301 is not e", ["e"]),
        # Apostrophes.
        ("bank", "the bank’s, the bank's and banks'", ["bank", "bank"]),
        ("can", "can't, can’t and can", ["can"]),
        ("t", "can't", []),
        ("eau", "l'eau, L’EAU, d'eau", ["eau", "EAU", "eau"]),
        ("acqua", "dell'acqua", ["acqua"]),
        ("dell", "dell'acqua, Dell's", ["Dell"]),
        ("Türkiye", "Türkiye'de", ["Türkiye"]),
        ("nature", "'nature' and ‘nature’", ["nature", "nature"]),
        ("O'Brien", "o’brien", ["o’brien"]),
        ("lecció", "col·lecció, lecció", ["lecció"]),
        # Hyphens.
        ("long-term", "long-term, long‐term, long‑term, long-\nterm, long term", [
            "long-term", "long‐term", "long‑term", "long-\nterm"]),
        # Phrases.
        ("natural capital", "natural  capital, natural\r\ncapital, natural\u00a0capital, natural, capital", [
            "natural  capital", "natural\r\ncapital", "natural\u00a0capital"]),
        ("a a", "ba a a", ["a a"]),
        # Scripts.
        ("自然", "大自然と環境", ["自然"]),
        ("データ", "ビッグデータ, ﾃﾞｰﾀ", ["データ", "ﾃﾞｰﾀ"]),
        ("자연", "자연은 대자연이다", ["자연", "자연"]),
        ("자연", unicodedata.normalize("NFD", "자연은"), [unicodedata.normalize("NFD", "자연")]),
        ("ธรรมชาติ", "รักธรรมชาติมาก", ["ธรรมชาติ"]),
        ("กา", "ก่า กา กาแฟ", ["กา", "กา"]),
        ("ที", "ที่ ที", ["ที"]),
        ("हिन्दी", "हिन्दी में, हिन्दीभाषी", ["हिन्दी"]),
        ("हिन", "हिन्दी", []),
        ("природа", "ПРИРОДА, природаа", ["ПРИРОДА"]),
        ("طبيعة", "طبيعة والطبيعة", ["طبيعة"]),
        ("CO2排放", "减少CO₂排放量", ["CO₂排放"]),
        # Signs.
        ("C++", "C++, c++11, C+", ["C++", "c++"]),
        (".NET", "a .net b", [".net"]),
        ("R&D", "r&d, R & D", ["r&d"]),
        ("🌱", "a🌱️b", ["🌱️"]),
        ("a.b", "axb a.b", ["a.b"]),
    ],
)  # fmt: skip
def test_a_keyword_is_found_as_a_whole_word(keyword: str, text: str, expected: list[str]) -> None:
    assert found(keyword, text) == expected


@pytest.mark.parametrize(
    ("keyword", "text", "expected"),
    [
        ("policy", "policies and policys", ["policies"]),
        ("survey", "surveys, surveies", ["surveys"]),
        ("bus", "buses", ["buses"]),
        ("wetland", "Wetlands", ["Wetlands"]),
        ("species", "species", ["species"]),
        ("analysis", "analyses", ["analyses"]),
        ("criterion", "criteria", ["criteria"]),
        ("index", "indices, indexes", ["indices", "indexes"]),
        ("fisherman", "fishermen", ["fishermen"]),
        ("human", "humans, humen", ["humans"]),
        ("child", "children", ["children"]),
        ("leaf", "leaves", ["leaves"]),
        ("stomach", "stomachs", ["stomachs"]),
        ("potato", "potatoes", ["potatoes"]),
        ("NGO", "NGOs, ngo’s", ["NGOs", "ngo"]),
        ("protected area", "protected\nareas, protecteds area", ["protected\nareas"]),
        ("dataset", "data-set, datasets", ["datasets"]),
        ("life-cycle", "life-cycles", ["life-cycles"]),
        ("café", "cafés", ["cafés"]),
        ("自然", "自然s", ["自然"]),
        ("CO2", "CO2s", []),
    ],
)
def test_plural_forms_are_found_where_they_are_asked_for(
    keyword: str, text: str, expected: list[str]
) -> None:
    assert found(keyword, text, plural=True) == expected


def test_no_plural_form_is_found_where_none_is_asked_for() -> None:
    assert found("policy", "policies, policy") == ["policy"]


def test_a_listed_plural_is_found_as_itself() -> None:
    places = KeywordMatcher(["forest", "Forests"], plural=True).find("forests")
    assert places == [FoundKeyword("Forests", 0, 7)]


def test_keywords_within_one_another_are_all_found() -> None:
    places = KeywordMatcher(["nature", "nature-based solution", "solution"]).find("Nature-based solution")
    assert [place.keyword for place in places] == ["nature-based solution", "nature", "solution"]


def test_of_keywords_that_are_folded_alike_the_first_is_named() -> None:
    assert [place.keyword for place in KeywordMatcher(["ＣＯ2", "co2"]).find("CO₂")] == ["ＣＯ2"]


_CHARACTERS = (
    "aAeéßİıſﬁ₂½ﾞｶガ…\u00ad\u0301\u0327\u200b\u200d\u00a0 \n-‑’'·ไทำ가각\u1100\u1161\u11a8韓हि्ΑΣςǰŉ🌱️"
)


@given(st.text(alphabet=_CHARACTERS, max_size=30))
def test_folding_gives_each_character_its_place_in_the_original(text: str) -> None:
    folded = TextFolder().fold(text)
    last = 0
    for place in range(len(folded.text)):
        start, end = folded.original(place, place + 1)
        assert last <= end <= len(text) and start < end
        # What stands there, folded by itself, holds the character.
        assert folded.text[place] in TextFolder().fold(text[start:end]).text
        last = start


@given(st.text(alphabet=_CHARACTERS, max_size=30))
def test_folding_does_not_depend_on_what_was_folded_before(text: str) -> None:
    experienced = TextFolder()
    experienced.fold(_CHARACTERS)
    assert experienced.fold(text) == TextFolder().fold(text)


@given(st.text(alphabet=_CHARACTERS.replace("\u00ad", "").replace("\u200d", ""), max_size=30))
def test_a_text_is_folded_alike_whether_its_letters_are_composed_or_not(text: str) -> None:
    folder = TextFolder()
    forms = {folder.fold(unicodedata.normalize(form, text)).text for form in ("NFC", "NFD")}
    assert len(forms) == 1


def test_many_keywords_find_what_each_alone_finds_by_a_plain_search() -> None:
    draw = random.Random(3)
    words = [f"w{number}" for number in range(60)] + ["naïve", "été", "自然", "co₂"]
    for _ in range(100):
        keywords = [" ".join(draw.choices(words, k=draw.randint(1, 3))) for _ in range(20)]
        text = draw.choice([" ", "  ", ", "]).join(draw.choices(words, k=60))
        expected = {match.span(1) for keyword in keywords for match in _plain_pattern(keyword).finditer(text)}
        assert {(place.start, place.end) for place in KeywordMatcher(keywords).find(text)} == expected


def _plain_pattern(keyword: str) -> re.Pattern[str]:
    """One keyword as one expression, of words that Python knows and Chinese ones, whose words run on."""
    edges = ["" if keyword[0] == "自" else r"(?<!\w)", "" if keyword[-1] == "然" else r"(?!\w)"]
    words = r"\s+".join(map(re.escape, keyword.split()))
    return re.compile(f"(?=({edges[0]}{words}{edges[1]}))")
