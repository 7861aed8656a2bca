"""DOIs and accession numbers are found in running text, and what only looks like one is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldpan.chains.mentions.identifiers import doi_of, identifiers_in


def found(text):
    return [str(one) for one in identifiers_in(text)]


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("See https://doi.org/10.5281/zenodo.1234567.", "10.5281/zenodo.1234567"),
        ("(doi:10.3886/ICPSR34597.v2)", "10.3886/icpsr34597.v2"),
        ("10.1016/S0140-6736(20)30183-5), and", "10.1016/s0140-6736(20)30183-5"),
        ("[10.7910/DVN/ABCDEF];", "10.7910/dvn/abcdef"),
        ("10.1002/(SICI)1097-0258(19980815/30)17:15/16<1661::AID-SIM968>3.0.CO;2-2;",
         "10.1002/(sici)1097-0258(19980815/30)17:15/16<1661::aid-sim968>3.0.co;2-2"),
        ("10.5061/dryad.\n8515", "10.5061/dryad.8515"),
        ("10.6084/m9.figshare.\n1234.v1 is", "10.6084/m9.figshare.1234.v1"),
        ("https://zenodo.org/doi/10.5281/zenodo.12?download=1", "10.5281/zenodo.12"),
    ],
)  # fmt: skip
def test_a_doi_has_no_punctuation_of_its_sentence(text, doi):
    assert found(text) == [f"doi:{doi}"]


def test_a_doi_at_the_end_of_a_sentence_takes_nothing_of_the_next_line():
    assert found("10.1000/abc12.\n2014 was a year") == ["doi:10.1000/abc12"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GSE12345, GSM1234 of GEO", ["geo:GSE12345", "geo:GSM1234"]),
        ("PRJNA123456 and SRR1234567", ["bioproject:PRJNA123456", "sra:SRR1234567"]),
        ("(E-MTAB-5061)", ["arrayexpress:E-MTAB-5061"]),
        ("NCT01234567.", ["clinicaltrials:NCT01234567"]),
        ("phs000178.v1.p1", ["dbgap:phs000178.v1.p1"]),
        ("PXD012345", ["proteomexchange:PXD012345"]),
        ("PDB ID: 1ABC; Protein Data Bank (4HHB)", ["pdb:1ABC", "pdb:4HHB"]),
        ("UniProt P12345", ["uniprot:P12345"]),
        ("ICPSR 34597", ["icpsr:34597"]),
        ("UK Data Service, SN 5151", ["ukda:5151"]),
    ],
)
def test_an_accession_number_is_found(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "xGSE12345", "GSE12345x", "GSE1", "NCT1234", "protein P12345", "in 2014 1ABC",
        "PDB 2019", "PDB on 21st",
        "SN 5151", "version 10.1234/ of", "1.10.1234/5 of", "E-mail-12", "serial E-ABCD-1234567", "SRR12",
        "10.12/abc", "", "ICPSR", "10 000/12",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_identifier_is_none(text):
    assert found(text) == []


def test_a_number_within_a_doi_is_not_found_again():
    assert found("10.1234/GSE12345") == ["doi:10.1234/gse12345"]


@pytest.mark.parametrize(
    ("cell", "doi"),
    [
        ("https://doi.org/10.5281/ZENODO.1", "10.5281/zenodo.1"),
        ("DOI: 10.1234/x", "10.1234/x"),
        ("http://dx.doi.org/10.1234/x", "10.1234/x"),
        ("no doi", None),
        ("10.1234/x and more", None),
        ("", None),
    ],
)
def test_the_doi_of_a_cell_is_in_one_form(cell, doi):
    assert doi_of(cell) == doi


PARTS = [
    *("10.1234/", "10.1000/abc", "GSE2345", "PDB 1ABC", "ICPSR 12345", "doi:", "(", ")", "[", "]", "."),
    *(" ", ",", "-", "/", "_", "\n", "-\n", "a", "B", "7", "/pdf", "?x", "[", ">", "<"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_an_identifier_stands_where_it_was_found(text):
    for one in identifiers_in(text):
        there = "".join(text[one.start : one.end].split())
        assert there.lower() == one.value.lower()
