"""The LaTeX of a paper kit and LaTeX itself, where that is installed."""

import shutil
import subprocess

import pytest

from goldpan.report.paper.document import Code, as_latex, as_markdown, bullets, paragraph
from goldpan.report.paper.kit import write_paper
from goldpan.report.paper.table import PaperColumn, table_of
from goldpan.study import load_project
from tests.paper_projects import paper_project


def has_latex():
    """Whether LaTeX is here, with the package that tables need: distributions part them."""
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not has_latex(), reason="LaTeX with the package booktabs is not installed")
def test_latex_and_bibtex_make_a_document_of_the_whole_kit(tmp_path):
    made = paper_project(tmp_path / "project")
    folder = made.root / write_paper(load_project("parks", root=made.root)).folder
    for command in (
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        ["bibtex", "paper"],
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Citation" not in done.stdout
    assert (folder / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_text_of_others_cannot_begin_a_command_a_list_or_an_option():
    blocks = [paragraph(r"\end{document} $1$ 50 %"), bullets(["[x] & y", "1. one"]), paragraph("- a")]
    assert as_latex(blocks) == (
        r"\textbackslash{}end\{document\} \$1\$ 50 \%"
        "\n\n\\begin{itemize}\n\\item {}{}[x] \\& y\n\\item {}1. one\n\\end{itemize}\n\n- a\n"
    )
    assert (
        as_markdown(blocks) == "\\\\end\\{document\\} \\$1\\$ 50 %\n\n- \\[x\\] \\& y\n- 1\\. one\n\n\\- a\n"
    )


def test_code_holds_its_own_marks():
    assert as_markdown([paragraph(Code("a`b``c"), Code(""))]) == "```a`b``c```\n"
    assert as_latex([paragraph(Code("a_b{c}"))]) == "\\texttt{a\\_b\\{c\\}}\n"


def test_columns_of_long_texts_are_broken_into_lines():
    columns = [
        PaperColumn("a"),
        PaperColumn("b", "count"),
        PaperColumn("c", wide=True),
        PaperColumn("d", wide=True),
    ]
    text = table_of("t", "A table", columns, [["x", 1_234, "long " * 30, None]]).as_latex()
    assert text.startswith("% A table\n\\begin{tabular}{lrp{0.3\\linewidth}p{0.3\\linewidth}}\n")
    assert "x & 1,234 & long" in text
