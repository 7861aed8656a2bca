"""What the figures of a report come from: goldpan's version, the inputs, the bootstrap, and the literature.

The date of an input is one that stands in it: the days on which a service answered, the export of an
annotation page, the last save of a workbook. It is never that of the file on this disk, which a copy or a
fresh clone changes: the same inputs give the same report. CSV and JSON Lines hold no date; their hash says
which they were.
"""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from goldpan import __version__
from goldpan.as_json import AsJson
from goldpan.files import sha256_file
from goldpan.html import Markup, element, table
from goldpan.visible_text import printable

GIVEN_OUT = datetime.datetime(2020, 1, 1)
"""The time in every workbook that goldpan gives out; one that has it still was not saved since."""

_EXPORTED = re.compile(rb'"exported_at":\s*"(\d{4}-\d\d-\d\d)T')
_SAVED = re.compile(rb"<dcterms:modified[^>]*>([^<]*)<")
_HEAD = 1 << 12
_LARGEST_PART = 1 << 16


@dataclass(frozen=True)
class ReportInput(AsJson):
    """One input of a report.

    Attributes:
        name: what it is, or its file's name.
        sha256: of its bytes, or of what was read of it.
        date: `2026-01-31`, or `2026-01-30 to 2026-01-31`, as it stands in the input; None where it has none.
    """

    name: str
    sha256: str
    date: str | None = None


@dataclass(frozen=True)
class ReportProvenance(AsJson):
    """What the figures of a report come from.

    Attributes:
        inputs: what was read.
        replicates: of the bootstrap; 0 where there is none.
        seed: of the bootstrap or of what else is drawn, in words if it is not one number.
        references: the literature on what is shown, see `statistics.references`.
        goldpan_version: which made the report.
    """

    inputs: tuple[ReportInput, ...]
    replicates: int
    seed: str
    references: tuple[str, ...]
    goldpan_version: str = __version__


def report_input(path: Path, name: str | None = None) -> ReportInput:
    """A file as the input of a report; it is called by its name if by nothing else."""
    return ReportInput(name or path.name, sha256_file(path), recorded_date(path))


def recorded_date(path: Path) -> str | None:
    """The day on which an annotation page was exported or a workbook saved, as the file itself says it."""
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if head.startswith(b"PK"):
        return _day(_saved_at(path))
    exported = _EXPORTED.search(head) if b'"goldpan ' in head else None
    return _day(exported[1].decode()) if exported else None


def days(times: tuple[float, float] | None) -> str | None:
    """The days (UTC) of the first and the last of some Unix times in seconds; None where there are none."""
    if times is None:
        return None
    start, end = (datetime.datetime.fromtimestamp(time, datetime.UTC).date() for time in times)
    return f"{start}" if start == end else f"{start} to {end}"


def provenance_section(provenance: ReportProvenance) -> Iterator[Markup]:
    """The part at the end of a page that says what its figures come from."""
    yield element("h2", "Provenance")
    made_by = f"Made by goldpan {provenance.goldpan_version}."
    if provenance.replicates:
        bootstrap = f" Intervals by bootstrap: {provenance.replicates:,} replicates, seed {provenance.seed}."
    else:
        bootstrap = f" Seed {provenance.seed}."
    yield element("p", made_by + bootstrap)
    rows = [[printable(source.name), source.date or "–", source.sha256] for source in provenance.inputs]
    if rows:
        yield table(["Input", "Date", "SHA-256"], rows, text_columns=3)
        yield element(
            "p",
            "The date stands in the input: when the service answered, the page was exported or the workbook"
            " was saved. Where it has none, the hash says which it was.",
        )
    else:
        yield element("p", "The goldpan that collected the inputs did not record them; collect again.")
    if provenance.references:
        yield element("h3", "References")
        yield element("ul", *(element("li", reference) for reference in provenance.references))


def _saved_at(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as book, book.open("docProps/core.xml") as part:
            saved = _SAVED.search(part.read(_LARGEST_PART))
    except (KeyError, OSError, RuntimeError, ValueError, zipfile.BadZipFile):
        return ""
    text = saved[1].decode("utf-8", "replace") if saved else ""
    return "" if text == f"{GIVEN_OUT.isoformat()}Z" else text


def _day(text: str) -> str | None:
    try:
        return datetime.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return None
