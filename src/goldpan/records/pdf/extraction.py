"""From a PDF to the file of its pages, whatever is wrong with it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import orjson

from goldpan.compressed import damage_errors, open_decompressed
from goldpan.errors import SourceError
from goldpan.files import replacing, sha256_file
from goldpan.records.pdf import page_process
from goldpan.records.pdf.pages import FORMAT, Page, PagesHead, page_line, write_head
from goldpan.study.pdf import PdfSettings

SECONDS_A_PAGE = 60.0
"""A page that takes longer is given up: reading one takes milliseconds."""
MOST_FAILURES = 20
"""Pages of a file that may end the process that reads them, before the rest of the file is given up."""
_HEAD = 1024
_MARK = b"%PDF-"


@dataclass(frozen=True)
class Extracted:
    """What became of a PDF: how many pages it has and how many of them have text, or why it was not read."""

    pages: int
    with_text: int
    skip: str | None = None


def looks_like_pdf(path: Path) -> bool:
    """Whether a file, which may be compressed, begins as PDFs do."""
    try:
        with open_decompressed(path) as handle:
            return _MARK in handle.read(_HEAD)
    except (*damage_errors(), SourceError):
        return False


def extract_pages(path: Path, output: Path, settings: PdfSettings, document: str) -> Extracted:
    """Write the pages file of a PDF, atomically. What cannot be read is noted in it, with the reason.

    Args:
        path: the PDF; it may be compressed.
        output: the pages file.
        settings: of which only the limits count.
        document: what the PDF is called.

    Raises:
        SourceError: the file is not there, or may not be read.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(output) as out:
        plain = Path(folder) / "file.pdf"
        skip = _unpacked(path, plain, settings.most_megabytes)
        head = PagesHead(FORMAT, document, sha256_file(path), skip=skip)
        if skip is None:
            head, pages = _pages(plain, head, settings.most_pages)
        else:
            pages = iter(())
        write_head(out, head)
        with_text = 0
        for page in pages:
            with_text += page.skip is None
            out.write(page_line(page))
    return Extracted(head.pages, with_text, head.skip)


def _unpacked(path: Path, plain: Path, most_megabytes: float) -> str | None:
    """Let `plain` be the PDF, unpacked where it is compressed; why it is not read, if it is not."""
    most = int(most_megabytes * 1_000_000)
    with open_decompressed(path) as handle:
        try:
            start = handle.read(_HEAD)
            if not start:
                return "empty_file: the file has no bytes"
            if _MARK not in start:
                return "not_a_pdf: the file does not begin as a PDF does (`%PDF-`)"
            size = _copy(handle, start, plain, most)
        except damage_errors() as error:
            return f"broken_pdf: the compressed data breaks off or is damaged: {error}"
    if size > most:
        return f"too_large: the file has more than the {most_megabytes:g} MB of `most_megabytes`"
    return None


def _copy(handle: IO[bytes], start: bytes, plain: Path, most: int) -> int:
    """Copy no more than is allowed; the bytes copied."""
    with plain.open("wb") as out:
        out.write(start)
        size = len(start)
        while size <= most and (block := handle.read(1 << 20)):
            out.write(block)
            size += len(block)
    return size


def _pages(path: Path, head: PagesHead, most_pages: int) -> tuple[PagesHead, Iterator[Page]]:
    """The head of a file with what the process says of it, and its pages."""
    process = _Process(path, 1, most_pages)
    said = process.line()
    if said is None:
        process.end()
        return replace(head, skip=f"broken_pdf: {process.fault}"), iter(())
    told = orjson.loads(said)
    if "skip" in told:
        process.end()
        return replace(head, skip=told["skip"]), iter(())
    return replace(head, pages=told["pages"]), _pages_of(process, path, told["pages"], most_pages)


def _pages_of(process: _Process, path: Path, count: int, most_pages: int) -> Iterator[Page]:
    """All pages; behind one at which the process ends another process goes on."""
    failures = 0
    number = 1
    try:
        while number <= count:
            line = process.line() if failures <= MOST_FAILURES else None
            if line is not None:
                yield Page(**orjson.loads(line))
                number += 1
                continue
            process.end()
            failures += 1
            if failures > MOST_FAILURES:
                yield Page(number, skip="broken_page: too many pages before it could not be read")
                number += 1
                continue
            yield Page(number, skip=f"broken_page: {process.fault}")
            number += 1
            if number <= count:
                process = _Process(path, number, most_pages)
                process.line()
    finally:
        process.end()


class _Process:
    """A process that reads pages.

    Attributes:
        fault: why it has ended before its time.
    """

    def __init__(self, path: Path, first: int, most_pages: int) -> None:
        self.fault = ""
        command = [sys.executable, "-m", page_process.__name__, str(path), str(first), str(most_pages)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        self._buffer = b""

    def line(self) -> bytes | None:
        """The next line it writes; None where it ends or takes too long."""
        assert self._process.stdout is not None
        stream = self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            if not select.select([stream], [], [], SECONDS_A_PAGE)[0]:
                self.fault = f"reading it took longer than {SECONDS_A_PAGE:g} seconds"
                return None
            block = os.read(stream, 1 << 16)
            if not block:
                code = self._process.wait()
                name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                self.fault = f"reading it ended the process that did ({name})"
                return None
            self._buffer += block
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def end(self) -> None:
        """End it, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
