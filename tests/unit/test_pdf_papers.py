"""Twelve real papers: their titles and pages, and their words beside those that `pdftotext` finds."""

import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from goldpan.records.read import build_records, iter_records
from goldpan.study.model import Source
from tests.pdf_desk import check_map

PAGES = {
    "00032": 3, "00049": 6, "00059": 4, "00075": 4, "00102": 4, "00117": 6, "00118": 10, "00121": 3,
    "00138": 9, "00139": 5, "00141": 5, "00156": 6,
}  # fmt: skip
AT_LINE_END = re.compile("-\n")


@pytest.fixture(scope="module")
def papers(shared_data):
    return {number: shared_data / "papers" / f"10.21105.jose.{number}.pdf" for number in PAGES}


@pytest.fixture(scope="module")
def records(papers, tmp_path_factory):
    """number of a paper -> the records of its pages, with all that stands on them."""
    return {number: read(path, tmp_path_factory.mktemp("records")) for number, path in papers.items()}


def read(path, folder, **pdf):
    source = Source.model_validate({"files": [path.name], "pdf": {"furniture": "keep", **pdf}})
    build_records(source, "papers", path.name, path, folder / "records.jsonl")
    return list(iter_records(folder / "records.jsonl"))


@pytest.fixture(scope="module")
def oracle(papers):
    """number of a paper -> the text that `pdftotext` finds."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils), which these compare with")
    return {
        number: subprocess.run(
            ["pdftotext", "-enc", "UTF-8", str(path), "-"], capture_output=True, check=True
        ).stdout.decode()
        for number, path in papers.items()
    }


def raw(records):
    return "\n".join(record["data"]["raw"] for record in records)


def text(records):
    return "\n".join(record["data"]["text"] for record in records)


def words(content):
    return re.findall(r"\w+", unicodedata.normalize("NFKC", content).replace("\u00ad", ""))


def tokens(content):
    """The words, without their hyphens: no hyphen glues or splits one."""
    return words(content.replace("-", ""))


def squeezed(content):
    return "".join(words(content)).casefold()


@pytest.mark.parametrize("number", PAGES)
def test_the_title_is_in_the_text_and_every_page_is_counted(records, papers, number):
    found = records[number]
    assert [record["data"]["page"] for record in found] == list(range(1, PAGES[number] + 1))
    assert not [record for record in found if "skip" in record]
    described = ElementTree.parse(papers[number].with_suffix(".crossref.xml"))
    title = next(node for node in described.iter() if node.tag.endswith("}titles"))[0]
    assert squeezed("".join(title.itertext())) in squeezed(found[0]["data"]["text"])


def test_every_offset_leads_to_the_same_text(records, papers, tmp_path):
    for number, found in records.items():
        whole = "\n".join(record["data"]["raw"] for record in found)
        for record in [*found, *read(papers[number], tmp_path, unit="paragraph", furniture="drop")]:
            check_map(record)
            assert whole[record["data"]["start"] : record["data"]["end"]] == record["data"]["raw"]


@pytest.mark.parametrize("number", PAGES)
def test_the_raw_text_has_every_word(records, oracle, number):
    content = raw(records[number])
    # A word that a line breaks counts as what `pdftotext` makes of it, and as its two parts.
    broken = Counter(words(" ".join(re.findall(r"(\w+-\n\w+)", content))))
    found = Counter(words(AT_LINE_END.sub("", content))) + broken
    assert Counter(words(oracle[number])) - found == Counter()


def test_the_cleaned_text_has_almost_every_word(records, oracle):
    wanted = {number: Counter(words(content)) for number, content in oracle.items()}
    missing = sum((wanted[number] - Counter(words(text(records[number])))).total() for number in PAGES)
    total = sum(counts.total() for counts in wanted.values())
    assert total > 26_000
    assert missing / total < 0.005


def glued(mine, other):
    """Words of one text that the other does not have, but in two that stand side by side there."""
    known = set(other)
    pairs = {one + two for one, two in pairwise(other)}
    return [token for token in mine if token.isalpha() and token not in known and token in pairs]


def test_words_are_not_glued_or_split_more_often_than_by_pdftotext(records, oracle):
    ours = {number: tokens(text(found)) for number, found in records.items()}
    theirs = {number: tokens(content) for number, content in oracle.items()}
    glued_by_us = [token for number in PAGES for token in glued(ours[number], theirs[number])]
    # What they glue is what we split, and the other way round.
    glued_by_them = [token for number in PAGES for token in glued(theirs[number], ours[number])]
    assert len(glued_by_us) <= len(glued_by_them), (glued_by_us, glued_by_them)


@pytest.mark.parametrize(
    ("number", "wanted", "unwanted"),
    [
        ("00049", "under a Creative Commons", "un-der a Creative"),
        ("00059", "state-of-the-art", "state-of-theart"),
        ("00075", "browser-based 3D brain visualization", "browserbased"),
        ("00156", "COVID-19", "COVID19"),
    ],
)
def test_hyphens_at_line_ends_are_those_of_the_words(records, number, wanted, unwanted):
    assert wanted in text(records[number])
    assert unwanted not in text(records[number])
