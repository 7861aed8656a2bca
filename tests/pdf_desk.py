"""Makes PDFs and reads them as a source, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goldpan.records.model import Record
from goldpan.records.pdf.cleaning import raw_range
from goldpan.records.pdf.pages import iter_pages
from goldpan.records.pdf.reader import extract_source_pages
from goldpan.records.read import RecordCounts, build_records, iter_records
from goldpan.study.model import Source
from tests.made_pdfs import Page, pdf_bytes


class PdfDesk:
    """Reads what a test writes, in a folder of its own.

    Attributes:
        counts: what became of the rows of the file that was read last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts: RecordCounts | None = None

    def pages(self, *pages: Page, name: str = "in.pdf", document: dict[str, Any] | None = None, **pdf: Any):
        """The records of a PDF of these pages.

        Args:
            document: options of `pdf_bytes`.
            pdf: the `pdf` settings of the source.
        """
        return self.read(pdf_bytes(pages, **(document or {})), name, **pdf)

    def read(
        self, content: bytes, name: str = "in.pdf", settings: dict[str, Any] | None = None, **pdf: Any
    ) -> list[Record]:
        """The records of a file.

        Args:
            settings: of the source.
        """
        path, output = self.folder / name, self.folder / "out" / "records.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        source = Source.model_validate({"files": [name], "pdf": pdf or None, **(settings or {})})
        self.counts = build_records(source, "papers", name, path, output)
        records = list(iter_records(output))
        for record in records:
            check_map(record)
        return records

    def raw_text(self, *pages: Page) -> str:
        """The raw text of a document."""
        path, output = self.folder / "raw.pdf", self.folder / "raw.pages.jsonl"
        path.write_bytes(pdf_bytes(pages))
        extract_source_pages(Source(files=["raw.pdf"]), path, output)
        return "\n".join(page.text for page in iter_pages(output))


def check_map(record: Record) -> None:
    """Check that what a record says of its raw text holds."""
    if "skip" in record:
        return
    data = record["data"]
    assert data["end"] - data["start"] == len(data["raw"])
    last = 0
    for clean, raw, length in data["map"]:
        assert data["text"][clean : clean + length] == data["raw"][raw : raw + length]
        assert clean >= last
        last = clean + length
    if data["text"]:
        start, end = raw_range(data["map"], 0, len(data["text"]))
        assert 0 <= start < end <= len(data["raw"])


def texts(records: Sequence[Record]) -> list[str]:
    """The texts of records, or why there is none."""
    return [record.get("skip") or record["data"]["text"] for record in records]
