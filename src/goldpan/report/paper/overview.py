"""The two files that show a whole kit: its README, and a LaTeX document that holds all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from goldpan.latex import latex_text
from goldpan.report.paper.document import Block, Code, Heading, as_markdown, bullets, paragraph
from goldpan.report.paper.figures import PaperFigure
from goldpan.report.paper.table import PaperTable

_MOST_ROWS = 45
"""Of a table that fits on a page."""


def kit_readme(
    study: str,
    files: Collection[str],
    tables: Sequence[PaperTable],
    figures: Sequence[PaperFigure],
    todo: Sequence[str],
) -> str:
    """What is in the kit and what is to be done, as Markdown.

    Args:
        files: names of all files of the kit.
        todo: what is missing, and what to do about it.
    """
    return as_markdown(list(_readme(study, files, tables, figures, todo)))


def _readme(
    study: str,
    files: Collection[str],
    tables: Sequence[PaperTable],
    figures: Sequence[PaperFigure],
    todo: Sequence[str],
) -> Iterator[Block]:
    yield Heading(1, f"Paper kit of the study {study}")
    yield paragraph(
        "Made from the artifacts of the study, and made anew whenever ",
        Code(f"goldpan paper {study}"),
        " is run: copy what you change to another place.",
    )
    yield bullets(
        [
            [Code("methods.md"), ", ", Code("methods.tex"), ": the methods, with their numbers"],
            [Code("numbers.json"), ": of each number in them the artifact and the key where it stands"],
            [Code("references.bib"), ": what they cite"],
            [Code("checklists/"), ": reporting checklists, item by item, as Markdown, LaTeX and CSV"],
            [Code("prompts/"), ": the templates that were asked, as they are"],
            [Code("paper.tex"), ": a document that holds all of it, to look at"],
        ]
    )
    yield Heading(2, "To do")
    yield bullets(list(todo)) if todo else paragraph("Everything that the study asks for is there.")
    yield Heading(2, "Tables")
    yield paragraph(
        "Each as CSV, LaTeX (it needs the package booktabs) and Markdown; CSV has all digits, and an"
        " interval in columns of its own."
    )
    yield bullets([[Code(f"tables/{table.name}"), f": {table.caption}"] for table in tables] or ["none yet"])
    yield Heading(2, "Figures")
    kinds = "SVG and PDF" if any(name.endswith(".pdf") for name in files) else "SVG"
    yield paragraph(f"Each as {kinds}.")
    yield bullets(
        [[Code(f"figures/{figure.name}"), f": {figure.caption}."] for figure in figures] or ["none yet"]
    )


def standalone_latex(
    study: str, tables: Sequence[PaperTable], figures: Sequence[PaperFigure], with_pdf: bool
) -> str:
    """A document of methods, tables, figures and references, for LaTeX with BibTeX."""
    lines = [
        r"\documentclass{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage{textcomp,booktabs,graphicx}",
        r"\begin{document}",
        r"\sloppy",
        r"\input{methods}",
        r"\bibliographystyle{plain}",
        r"\bibliography{references}",
        r"\clearpage",
    ]
    for table in tables:
        lines += _shown(f"tables/{table.name}", table.caption, _table(table))
    for figure in figures if with_pdf else ():
        picture = rf"\includegraphics{{figures/{figure.name}.pdf}}"
        lines += _shown(f"figures/{figure.name}", f"{figure.caption}.", picture)
    return "\n".join(["% " + latex_text(f"Paper kit of the study {study}"), *lines, r"\end{document}"]) + "\n"


def _table(table: PaperTable) -> str:
    if len(table.rows) > _MOST_ROWS:
        return f"{len(table.rows)} rows, more than a page holds"
    return rf"\input{{tables/{table.name}}}\unskip"


def _shown(name: str, caption: str, content: str) -> list[str]:
    """A table or figure with its caption, no wider than the text."""
    return [
        r"\begin{center}",
        rf"\texttt{{{latex_text(name)}}}: {latex_text(caption)}\par\smallskip",
        rf"\resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{{content}}}",
        r"\end{center}",
    ]
