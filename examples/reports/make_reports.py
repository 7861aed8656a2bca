"""Make the two example reports, which are invented: a PDF each. The same texts give the same bytes.

    python -m examples.reports.make_reports

Run it in the project's folder. They have what reports have: running heads and page numbers, headings,
paragraphs that go on over the page, a word broken at the end of a line, and a paragraph that stands in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.made_pdfs import LEADING, Page, broken_into_lines, text_width, write_pdf

HERE = Path(__file__).parent
A5 = (420.0, 595.0)
LEFT, TOP, BOTTOM, WIDTH, SIZE = 54.0, 84.0, 455.0, 312.0, 10.0


@dataclass
class Report:
    """A report as it is set: lines run down the page and on to the next."""

    head: str
    pages: list[Page] = field(default_factory=list)
    y: float = BOTTOM

    def heading(self, text: str) -> None:
        """A heading, kept with the first lines below it."""
        self._room(4 * SIZE * LEADING)
        self.y = self.pages[-1].line(LEFT, self.y + 6, text, size=14, bold=True) + 6

    def paragraph(self, text: str) -> None:
        """A paragraph, which goes on over the page where it does not fit."""
        for line in broken_into_lines(text, WIDTH, SIZE):
            self._room(SIZE * LEADING)
            self.y = self.pages[-1].line(LEFT, self.y, line, SIZE)
        self.y += 9

    def _room(self, height: float) -> None:
        if self.y + height <= BOTTOM:
            return
        page = Page(size=A5)
        number = len(self.pages) + 1
        page.line(LEFT, 44, self.head, size=8)
        page.line((A5[0] - text_width(str(number), 8)) / 2, 570, str(number), size=8)
        self.pages.append(page)
        self.y = TOP


def pages_of(report: dict[str, Any]) -> list[Page]:
    """The pages of a report with its title, running head and parts: heading -> paragraphs."""
    setting = Report(report["head"])
    setting.heading(report["title"])
    for heading, paragraphs in report["parts"].items():
        setting.heading(heading)
        for paragraph in paragraphs:
            setting.paragraph(paragraph)
    return setting.pages


def main() -> None:
    """Write all reports."""
    reports = yaml.safe_load((HERE / "reports.yaml").read_text(encoding="utf-8"))
    for name, report in reports.items():
        path = write_pdf(HERE / f"{name}.pdf", pages_of(report), title=report["title"])
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
