"""Make the example papers: one small PDF for each paper in papers.yaml. The same texts give the same bytes.

    python -m examples.papers.make_papers [--out FOLDER]

Run it in the project's folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml
from tests.made_pdfs import A4, Page, broken_into_lines, write_pdf

HERE = Path(__file__).parent
LEFT, TOP, FOOT = 72.0, 90.0, 800.0
WIDTH, GAP = 450.0, 30.0
SIZE = 10.5


def main() -> None:
    """Write all papers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the PDFs")
    out = parser.parse_args().out
    for name, paper in papers().items():
        path = write_pdf(out / f"{name}.pdf", pages_of(paper), title=paper["title"])
        print(f"{path.name}: {len(paper['pages'])} pages, {path.stat().st_size:,} bytes")


def papers() -> dict[str, Any]:
    """Name -> head, title and pages, as in papers.yaml."""
    text = (HERE / "papers.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def pages_of(paper: dict[str, Any]) -> list[Page]:
    """The pages of a paper, with its running head and their numbers."""
    pages = []
    for number, layout in enumerate(paper["pages"], 1):
        if layout.get("picture"):
            pages.append(Page(has_image=True))
            continue
        page = Page()
        page.line(LEFT, 50, layout.get("head", paper["head"]), size=8)
        page.line(A4[0] / 2, FOOT, str(number), size=8)
        _set_blocks(page, layout["blocks"], layout.get("columns", 1))
        pages.append(page)
    return pages


def _set_blocks(page: Page, blocks: list[Any], columns: int) -> None:
    width = (WIDTH - GAP * (columns - 1)) / columns
    x, y = LEFT, TOP
    for block in blocks:
        if block == "|":
            x, y = x + width + GAP, TOP
            continue
        ((kind, content),) = block.items()
        if kind == "lines":
            y = page.lines(x, y, content, size=SIZE) + 8
        elif kind == "text":
            y = page.paragraph(x, y, content, width, size=SIZE)
        else:
            size = 16 if kind == "title" else 12
            y = page.lines(x, y + 4, broken_into_lines(content, width * 0.9, size), size, bold=True) + 4
        if y > FOOT - 20:
            raise SystemExit(f"the page is full: {content!r} stands below {FOOT - 20}")


if __name__ == "__main__":
    main()
