"""The file of a PDF's pages: what may go wrong while it is made, and what its document is called."""

import sys
from pathlib import Path

import pytest

from goldpan.errors import SourceError
from goldpan.records.inputs import source_files
from goldpan.records.pdf.document import document_name
from goldpan.records.pdf.extraction import MOST_FAILURES, PageReader, extract_pages
from goldpan.records.pdf.pages import iter_pages
from goldpan.records.read import build_records, iter_records
from goldpan.stages.records import gather_records
from goldpan.study.model import Source
from goldpan.study.pdf import PdfSettings
from tests.made_pdfs import Page, write_pdf
from tests.pdf_cases import page_of

BREAKING = """
import os, signal, sys, time
pages, first, breaking, how = {pages}, int(sys.argv[2]), {breaking}, {how!r}
def write(line):
    print(line, flush=True)
write('{{"pages": %d}}' % pages)
for number in range(first, pages + 1):
    if number in breaking:
        if how == "hang":
            time.sleep(60)
        os.kill(os.getpid(), signal.SIGSEGV)
    write('{{"number": %d, "text": "x", "boxes": [[0, 0, 1, 1]]}}' % number)
"""


def breaking_reader(folder, pages, breaking, how, seconds=30.0):
    """A process that reads pages, and ends or hangs at some."""
    script = folder / "reader.py"
    script.write_text(BREAKING.format(pages=pages, breaking=breaking, how=how))
    return PageReader((sys.executable, str(script)), seconds)


def extracted(folder, reader):
    path = write_pdf(folder / "in.pdf", [page_of("a")])
    result = extract_pages(path, folder / "pages.jsonl", PdfSettings(), "in.pdf", reader)
    return result, list(iter_pages(folder / "pages.jsonl"))


def test_a_page_that_ends_the_process_is_skipped_and_the_others_are_read(tmp_path):
    result, pages = extracted(tmp_path, breaking_reader(tmp_path, 4, [2], "crash"))
    assert (result.pages, result.with_text) == (4, 3)
    assert [page.number for page in pages] == [1, 2, 3, 4]
    assert pages[1].skip == "broken_page: reading it ended the process that did (SIGSEGV)"


def test_a_page_that_takes_too_long_is_skipped(tmp_path):
    result, pages = extracted(tmp_path, breaking_reader(tmp_path, 3, [3], "hang", seconds=2.0))
    assert result.with_text == 2
    assert pages[2].skip == "broken_page: reading it took longer than 2 seconds"


def test_a_file_most_of_whose_pages_end_the_process_is_given_up_with_a_row_for_each(tmp_path):
    broken = list(range(1, 60))
    result, pages = extracted(tmp_path, breaking_reader(tmp_path, 60, broken, "crash"))
    assert (result.pages, result.with_text, len(pages)) == (60, 0, 60)
    assert pages[MOST_FAILURES + 1].skip == "broken_page: too many pages before it could not be read"


def test_a_file_at_which_the_process_ends_at_once_is_broken(tmp_path):
    reader = PageReader((sys.executable, "-c", "raise SystemExit(3)"))
    result, pages = extracted(tmp_path, reader)
    assert result.skip == "broken_pdf: reading it ended the process that did (exit code 3)"
    assert pages == []


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        extract_pages(tmp_path / "no.pdf", tmp_path / "pages.jsonl", PdfSettings(), "no.pdf")


def test_a_damaged_pages_file_is_an_error_that_says_what_to_do(tmp_path):
    extracted(tmp_path, breaking_reader(tmp_path, 2, [], "crash"))
    damaged = tmp_path / "pages.jsonl"
    damaged.write_text(damaged.read_text().replace('"text":"x"', '"text":"x\\ny"', 1))
    with pytest.raises(SourceError, match="delete it; the next run makes it again"):
        list(iter_pages(damaged))


@pytest.mark.parametrize(
    ("patterns", "path", "name"),
    [
        (["papers/*.pdf"], "papers/a.pdf", "a.pdf"),
        (["papers/*.pdf"], "/home/papers/x/papers/a.pdf", "a.pdf"),
        (["papers/a.pdf"], "papers/a.pdf", "a.pdf"),
        (["reports/**/*.pdf"], "reports/2024/north/a.pdf", "2024__north__a.pdf"),
        (["reports/**/*.pdf"], "reports/a.pdf", "a.pdf"),
        (["reports/*/a.pdf"], "/root/reports/2024/a.pdf", "2024__a.pdf"),
        (["other/*.pdf", "reports/20*/*"], "reports/2024/a.pdf", "2024__a.pdf"),
        (["/data/x/*.pdf"], "/data/x/a.pdf", "a.pdf"),
        (["./papers/*.pdf"], "papers/a.pdf", "a.pdf"),
        (["a [1].pdf"], "a [1].pdf", "a [1].pdf"),
        (["nothing/*"], "elsewhere/a.pdf", "a.pdf"),
    ],
)
def test_a_document_is_called_by_its_file_and_the_folders_a_pattern_leaves_open(patterns, path, name):
    assert document_name(patterns, Path(path)) == name


def records_of(folder, pattern):
    """The records of all files of a source, put together as for a stage."""
    source = Source(files=[pattern])
    outputs = []
    for file, path in source_files(source, folder).items():
        outputs.append(folder / "out" / f"{file}.jsonl")
        build_records(source, "papers", file, path, outputs[-1])
    gather_records(outputs, folder / "out" / "stage.jsonl")
    return {record["id"]: record for record in iter_records(folder / "out" / "stage.jsonl")}


def test_ids_stay_when_other_files_come_also_one_of_the_same_name_or_content(tmp_path):
    pages = [page_of("words of one"), page_of("words of two")]
    write_pdf(tmp_path / "in/2024/a.pdf", pages)
    before = records_of(tmp_path, "in/**/*.pdf")
    write_pdf(tmp_path / "in/2023/a.pdf", pages)
    write_pdf(tmp_path / "in/copy.pdf", pages)
    after = records_of(tmp_path, "in/**/*.pdf")
    assert before.keys() < after.keys()
    assert len(after) == 6


def test_what_is_wrong_with_a_pdf_stops_no_run_whatever_on_error_says(tmp_path):
    path = write_pdf(tmp_path / "in.pdf", [page_of("a"), Page(broken=True), Page(has_image=True), Page()])
    counts = build_records(
        Source(files=["in.pdf"], on_error="stop"), "papers", "in.pdf", path, tmp_path / "out.jsonl"
    )
    assert counts.records == 1
    assert counts.skipped == {"broken_page": 1, "empty_page": 1, "no_text_layer": 1}
    records = list(iter_records(tmp_path / "out.jsonl"))
    assert [record["data"]["page"] for record in records] == [1, 2, 3, 4]


def test_a_limit_takes_the_first_pages_as_they_are_in_the_whole_run(tmp_path):
    path = write_pdf(tmp_path / "in.pdf", [page_of(f"words {name}") for name in "abcd"])
    whole, trial = tmp_path / "whole.jsonl", tmp_path / "trial.jsonl"
    build_records(Source(files=["in.pdf"]), "papers", "in.pdf", path, whole)
    build_records(Source(files=["in.pdf"]), "papers", "in.pdf", path, trial, 2)
    assert list(iter_records(trial)) == list(iter_records(whole))[:2]
