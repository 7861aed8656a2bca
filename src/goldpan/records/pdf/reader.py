"""Rows of a PDF, or of the file of its pages: one for each unit, and one for each page that has none."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from goldpan.files import canonical_json, sha256_hex
from goldpan.records.pdf.document import document_name
from goldpan.records.pdf.extraction import Extracted, extract_pages
from goldpan.records.pdf.pages import is_pages_file, read_head
from goldpan.records.pdf.units import Unit, units_of
from goldpan.records.rows import PdfErrorCode, Row, RowError
from goldpan.study.model import Source
from goldpan.study.paths import PDF_PAGES
from goldpan.study.pdf import PdfSettings

_HASH_DIGITS = 16


def read_pdf(path: Path, settings: PdfSettings, document: str) -> Iterator[Row]:
    """Yield the rows of a PDF.

    Args:
        path: the PDF, or the pages file that was made of it.
        settings: how it is cut.
        document: what the PDF is called; a pages file says so itself.

    Raises:
        SourceError: the file is not there or may not be read, or the pages file is damaged. What is wrong
            with a PDF is no error, but a row that says so.
    """
    with _pages_file(path, settings, document) as pages:
        head = read_head(pages)
        document = head.document
        if head.skip is not None:
            yield Row(1, {"document": document}, _error(head.skip))
            return
        seen: Counter[str] = Counter()
        for number, unit in enumerate(units_of(pages, settings), 1):
            data = _data(document, unit)
            if unit.skip is not None:
                yield Row(number, data, _error(unit.skip))
                continue
            occurrence = seen[digest := sha256_hex(data["text"].encode())]
            seen[digest] += 1
            yield Row(number, data, id=_id(document, data["text"], occurrence))


def _data(document: str, unit: Unit) -> dict[str, Any]:
    data = {
        "document": document,
        "page": unit.first.number,
        "pages": [unit.first.number, unit.last.number],
        "page_label": unit.first.label,
    }
    if unit.skip is not None:
        return data
    return {
        **data,
        "text": str(unit.text),
        "raw": unit.raw,
        "start": unit.start,
        "end": unit.end,
        "map": [[clean, raw - unit.start, length] for clean, raw, length in unit.text.map],
    }


def _id(document: str, text: str, occurrence: int) -> str:
    """An id that stays when pages come in before it: only among equal texts the order counts."""
    identity = [text, occurrence] if occurrence else [text]
    return f"{document}__{sha256_hex(canonical_json(identity))[:_HASH_DIGITS]}"


def _error(skip: str) -> RowError:
    code, _, what = skip.partition(": ")
    return RowError(cast(PdfErrorCode, code), what)


@contextmanager
def _pages_file(path: Path, settings: PdfSettings, document: str) -> Iterator[Path]:
    """The pages file itself, or one that is made for the time being."""
    if is_pages_file(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        pages = Path(folder) / f"pages{PDF_PAGES}"
        extract_pages(path, pages, settings, document)
        yield pages


def extract_source_pages(source: Source, path: Path, output: Path) -> Extracted:
    """Write the pages file of a PDF of a source.

    Raises:
        SourceError: the file is not there, or may not be read.
    """
    return extract_pages(path, output, source.pdf or PdfSettings(), document_name(source.files, path))
