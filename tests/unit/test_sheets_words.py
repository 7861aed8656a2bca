"""The pages' own words: each language has all of them, with the same places for values."""

import re
from importlib.resources import files

import pytest

from goldpan.study.wave import Language
from goldpan.waves.sheets.disagreement_causes import CAUSES
from goldpan.waves.sheets.html_page import SCRIPTS
from goldpan.waves.sheets.words import how_on_page, page_words, word_of_cause
from tests.wave_builders import ALL_FEATURES

ASSETS = files("goldpan.waves.sheets") / "page_assets"
LANGUAGES = Language.__args__


def test_each_language_has_a_file_and_each_file_is_of_a_language():
    assert sorted(file.name for file in (ASSETS / "words").iterdir()) == sorted(
        f"{x}.json" for x in LANGUAGES
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_words_with_their_places(language):
    places = {word: sorted(re.findall(r"\{\w+\}", text)) for word, text in page_words(language).items()}
    assert places == {word: sorted(re.findall(r"\{\w+\}", text)) for word, text in page_words("en").items()}
    assert all(text.strip() for text in page_words(language).values())


def test_every_word_is_used_and_every_one_that_is_used_is_there():
    scripts = "".join((ASSETS / "js" / f"{name}.js").read_text() for name in SCRIPTS)
    used = set(re.findall(r'(?<!\w)say\("(\w+)"', scripts)) | set(
        re.findall(r"\[\[(\w+)\]\]", (ASSETS / "page.html").read_text())
    )
    for cause in map(word_of_cause, CAUSES):
        used |= {cause, f"about_{cause}"}
    used |= {f"part_{key}" for key in ("kind", "study", "wave", "annotator", "codebook_hash", "redraw")}
    used |= {"yes", "no", "cause", "about_cause", "how_cause", "how_score", "targeted_sample"}
    known = set(page_words("en"))
    assert used <= known
    assert known - used <= {word for word in known if word.startswith("how_")}


@pytest.mark.parametrize("feature", ALL_FEATURES, ids=lambda feature: feature.type)
def test_the_page_says_how_each_type_is_answered(feature):
    assert "{" not in how_on_page(feature, page_words("de"))


def test_each_script_is_part_of_the_page():
    assert sorted(f"{name}.js" for name in SCRIPTS) == sorted(file.name for file in (ASSETS / "js").iterdir())
