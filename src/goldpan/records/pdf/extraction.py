"""From a PDF to the file of its pages, whatever is wrong with it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import orjson

from goldpan.compressed import damage_errors, open_decompressed
from goldpan.errors import SourceError
from goldpan.files import replacing, sha256_file
from goldpan.records.pdf import page_process
from goldpan.records.pdf.pages import FORMAT, PagesHead, PdfPage, page_line, write_head
from goldpan.study.pdf import PdfSettings

MOST_FAILURES = 20
"""Pages of a file that may end the process that reads them, before the rest of the file is given up."""
_HEAD = 1024
_MARK = b"%PDF-"


@dataclass(frozen=True)
class PageReader:
    """The process that reads pages.

    Attributes:
        command: it is told the file, the first page and `most_pages`, too.
        seconds: after which a page is given up; reading one takes milliseconds.
    """

    command: tuple[str, ...] = (sys.executable, "-m", page_process.__name__)
    seconds: float = 60.0


@dataclass(frozen=True)
class Extracted:
    """What became of a PDF: how many pages it has and how many of them have text, or why it was not read."""

    pages: int
    with_text: int
    skip: str | None = None


_PAGE_READER = PageReader()


def looks_like_pdf(path: Path) -> bool:
    """Whether a file, which may be compressed, begins as PDFs do."""
    try:
        with open_decompressed(path) as handle:
            return _MARK in handle.read(_HEAD)
    except SourceError:
        return False
    except damage_errors():
        return False


def extract_pages(
    path: Path, output: Path, settings: PdfSettings, document: str, reader: PageReader = _PAGE_READER
) -> Extracted:
    """Write the pages file of a PDF, atomically. What cannot be read is noted in it, with the reason.

    Args:
        path: the PDF; it may be compressed.
        output: the pages file.
        settings: of which only the limits count.
        document: what the PDF is called.
        reader: who reads the pages; tests have others.

    Raises:
        SourceError: the file is not there, or may not be read.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(output) as out:
        plain = Path(folder) / "file.pdf"
        skip = _unpacked(path, plain, settings.most_megabytes)
        head = PagesHead(FORMAT, document, sha256_file(path), skip=skip)
        if skip is None:
            head, pages = _pages(_Reading(plain, settings.most_pages, reader), head)
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


@dataclass(frozen=True)
class _Reading:
    """How a PDF is read."""

    path: Path
    most_pages: int
    reader: PageReader

    def begin(self, first: int) -> _Process:
        """A process that reads the pages from `first` on."""
        command = [*self.reader.command, str(self.path), str(first), str(self.most_pages)]
        return _Process(command, self.reader.seconds)


def _pages(reading: _Reading, head: PagesHead) -> tuple[PagesHead, Iterator[PdfPage]]:
    """The head of a file with what the process says of it, and its pages."""
    process = reading.begin(1)
    said = process.line()
    if said is None:
        process.end()
        return replace(head, skip=f"broken_pdf: {process.fault}"), iter(())
    told = orjson.loads(said)
    if "skip" in told:
        process.end()
        return replace(head, skip=told["skip"]), iter(())
    return replace(head, pages=told["pages"]), _pages_of(process, reading, told["pages"])


def _pages_of(process: _Process, reading: _Reading, count: int) -> Iterator[PdfPage]:
    """All pages; behind one at which the process ends another process goes on."""
    failures = 0
    try:
        for number in range(1, count + 1):
            if failures > MOST_FAILURES:
                yield PdfPage(number, skip="broken_page: too many pages before it could not be read")
            elif (line := process.line()) is not None:
                yield PdfPage(**orjson.loads(line))
            else:
                yield PdfPage(number, skip=f"broken_page: {process.fault}")
                failures += 1
                process.end()
                process = reading.begin(number + 1)
                process.line()
    finally:
        process.end()


class _Process:
    """A process that reads pages.

    Attributes:
        fault: why it has ended before its time.
    """

    def __init__(self, command: list[str], seconds: float) -> None:
        self.fault = ""
        self._seconds = seconds
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        self._buffer = b""

    def line(self) -> bytes | None:
        """The next line it writes; None where it ends or takes too long."""
        assert self._process.stdout is not None
        stream = self._process.stdout.fileno()
        until = time.monotonic() + self._seconds
        while b"\n" not in self._buffer:
            if not select.select([stream], [], [], max(0.0, until - time.monotonic()))[0]:
                self.fault = f"reading it took longer than {self._seconds:g} seconds"
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
