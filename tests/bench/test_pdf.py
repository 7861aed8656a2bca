"""1,000 pages of PDFs take seconds, in memory that does not grow with them."""

import os
import shutil
import subprocess
import time
from importlib.util import find_spec

import pytest

from goldpan.study.paths import PDF_PAGES
from tests.bench import pdf_steps
from tests.bench.measuring import CHECKOUT, measure

PAPERS = CHECKOUT.parent / "shared" / "data" / "papers"
MOST_SECONDS = 60
MOST_MIB = 150


@pytest.fixture(scope="module")
def documents(folder):
    """pages -> a PDF of so many, made of real papers."""
    if not PAPERS.is_dir():
        pytest.skip("the real papers (../shared/data/papers) are not on this machine")
    made = {}
    for pages in (100, 1_000):
        path = folder / f"{pages}.pdf"
        made[measure(pdf_steps.make_document, PAPERS, path, str(pages)).result] = path
    return made


def test_pages_take_seconds_and_memory_stays_flat(documents, finding):
    peaks = []
    for pages, path in documents.items():
        output = path.with_suffix(PDF_PAGES)
        extraction = measure(pdf_steps.extract, path, output)
        assert extraction.result == pages
        finding(f"{pages:,} pages extracted: {extraction}, {pages / extraction.wall:.0f} pages a second")
        for unit in ("page", "paragraph"):
            cutting = measure(pdf_steps.cut, output, unit)
            finding(f"  cut into {cutting.result:,} of unit {unit}: {cutting}")
            peaks.append(cutting.peak_mib)
            assert cutting.result == pages if unit == "page" else cutting.result > pages
            assert cutting.wall < MOST_SECONDS
        peaks.append(extraction.peak_mib)
        assert extraction.wall < MOST_SECONDS
    assert max(peaks) < MOST_MIB


def test_beside_others(documents, finding):
    pages, path = max(documents.items())
    alone = measure(pdf_steps.with_pdfium_alone, path)
    finding(f"pypdfium2 alone: {alone}, {pages / alone.wall:.0f} pages a second")
    if shutil.which("pdftotext"):
        start = time.perf_counter()
        subprocess.run(["pdftotext", path, path.with_suffix(".txt")], check=True)
        wall = time.perf_counter() - start
        finding(f"pdftotext: {wall:.2f} s wall, {pages / wall:.0f} pages a second")
    # It is no dependency: PYPDF names a folder that it was installed to (`pip install --target`).
    if (installed := os.environ.get("PYPDF")) or find_spec("pypdf"):
        other = measure(pdf_steps.with_pypdf, path, installed or ".")
        finding(f"pypdf: {other}, {pages / other.wall:.0f} pages a second")
