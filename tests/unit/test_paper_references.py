"""References of reports as BibTeX."""

import re

import pytest

from goldpan.errors import ReconciliationError
from goldpan.report.paper.references import References, entry_of
from goldpan.statistics.references import _REFERENCES

LITERATURE = sorted({reference for references in _REFERENCES.values() for reference in references})


@pytest.mark.parametrize("reference", LITERATURE, ids=lambda reference: reference[:24])
def test_nothing_of_a_reference_is_lost(reference):
    entry = dict(entry_of(reference).fields)
    said = " ".join(entry.values()).replace(" and ", " ")
    words = set(re.findall(r"\w+", reference)) - {"and"}
    assert words <= set(re.findall(r"\w+", said.replace("--", "-")))
    assert re.fullmatch(r"\d{4}", entry["year"]) and entry["title"] and entry["author"]


def test_an_article_has_its_journal_volume_and_pages():
    entry = entry_of(
        "Cicchetti, D. V., & Feinstein, A. R. (1990). High agreement but low kappa: II. Resolving the"
        " paradoxes. Journal of Clinical Epidemiology 43, 551-558."
    )
    assert entry.as_bibtex() == (
        "@article{cicchetti1990high,\n"
        "  author = {Cicchetti, D. V. and Feinstein, A. R.},\n"
        "  year = {1990},\n"
        "  title = {High agreement but low kappa: II. Resolving the paradoxes},\n"
        "  journal = {Journal of Clinical Epidemiology},\n"
        "  volume = {43},\n"
        "  pages = {551--558},\n"
        "}\n"
    )


def test_all_works_have_keys_of_their_own():
    references = References()
    keys = references.add_all(LITERATURE)
    assert len(set(keys)) == len(LITERATURE)
    assert references.add_all(LITERATURE) == keys


def test_two_works_that_would_have_one_key_are_told_apart():
    references = References()
    first, second, again = references.add_all(
        [
            "Doe, J. (2001). Parks. Sage.",
            "Doe, J. (2001). Parks and lakes. Sage.",
            "Doe, J. (2001). Parks. Sage.",
        ]
    )
    assert (first, second, again) == ("doe2001parks", "doe2001parksa", "doe2001parks")


def test_a_reference_of_another_form_is_refused():
    with pytest.raises(ReconciliationError, match="another form"):
        entry_of("Doe, Parks, 2001")
