"""What is measured of PDFs, each in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from goldpan.records.pdf.reader import extract_source_pages
from goldpan.records.read import build_records
from goldpan.study.model import Source


def make_document(papers: str, output: str, pages: str) -> int:
    """Write one PDF of at least so many pages, those of some papers again and again; the number of pages."""
    import pypdfium2

    document = pypdfium2.PdfDocument.new()
    parts = [pypdfium2.PdfDocument(path) for path in sorted(Path(papers).glob("*.pdf"))]
    while len(document) < int(pages):
        for part in parts:
            document.import_pages(part)
    document.save(output)
    return len(document)


def extract(path: str, output: str) -> int:
    """Extract the pages of a PDF; how many have text."""
    return extract_source_pages(Source(files=[path]), Path(path), Path(output)).with_text


def cut(pages: str, unit: str) -> int:
    """Cut extracted pages into records; how many."""
    source = Source.model_validate({"files": [pages], "pdf": {"unit": unit}})
    return build_records(source, "papers", "a", Path(pages), Path(f"{pages}.{unit}")).records


def with_pypdf(path: str, folder: str) -> int:
    """Extract the text of a PDF with pypdf, from a folder it is installed to; its characters."""
    sys.path.insert(0, folder)
    from pypdf import PdfReader

    return sum(len(page.extract_text()) for page in PdfReader(path).pages)


def with_pdfium_alone(path: str) -> int:
    """Extract the text of a PDF as pypdfium2 gives it; its characters."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    return sum(len(document[number].get_textpage().get_text_range()) for number in range(len(document)))
