"""Writing the paper kit of a study, `results/{study}/paper/`: the same bytes for the same artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SourceError
from goldpan.files import read_json, sha256_hex, write_bytes
from goldpan.report.paper import pdf
from goldpan.report.paper.checklists import acl, guide_llm, llm_guidelines
from goldpan.report.paper.checklists.checklist import Checklist, ItemAnswer, answers_of
from goldpan.report.paper.checklists.facts import Facts
from goldpan.report.paper.checklists.text import checklist_table, checklist_text, counts_text
from goldpan.report.paper.document import as_latex, as_markdown
from goldpan.report.paper.evaluation_tables import evaluation_tables
from goldpan.report.paper.figures import PaperFigure, paper_figures
from goldpan.report.paper.limits import limits_table
from goldpan.report.paper.material import Material, Missing
from goldpan.report.paper.methods import methods_text
from goldpan.report.paper.overview import kit_readme, standalone_latex
from goldpan.report.paper.picture import svg_bytes
from goldpan.report.paper.quoting import Quoter
from goldpan.report.paper.references import References
from goldpan.report.paper.stage_tables import stage_tables
from goldpan.report.paper.table import PaperTable
from goldpan.report.paper.wave_tables import wave_tables
from goldpan.study import Project

CHECKLISTS: tuple[Checklist, ...] = (guide_llm.CHECKLIST, acl.CHECKLIST, llm_guidelines.CHECKLIST)
_MANIFEST = "files.json"


@dataclass
class PaperKit:
    """What was written.

    Attributes:
        folder: of the kit, relative to the project root.
        files: name within it -> its bytes.
        missing: parts of the study that are not there yet, or stale.
        to_do: what else is to be done: batches to wait for, records to ask again, answers to decide.
        answers: checklist -> its items with their answers.
        notes: what is to be known of the files besides.
    """

    folder: str
    files: dict[str, bytes] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)
    answers: dict[str, list[ItemAnswer]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def summary_lines(self) -> Iterator[str]:
        """What a person is told: the files, what each checklist lacks, what is missing."""
        yield f"{len(self.files)} files in {self.folder}; begin with {self.folder}/README.md"
        for checklist in CHECKLISTS:
            yield f"{checklist.title}: {counts_text(self.answers[checklist.name])}"
        yield from self.notes
        for part in self.missing:
            yield f"{part.what} ({part.path}): {part.remedy}"
        yield from self.to_do


def write_paper(project: Project, font: Path | None = None) -> PaperKit:
    """Write the kit of a study from what it has made so far; what only an earlier kit had goes.

    Args:
        font: a TrueType file that the PDFs are written with, for letters that the default font lacks.

    Raises:
        StudyError: the statement answers an item that a checklist does not have, or the font cannot be used.
    """
    kit = paper_kit(project, font)
    folder = project.root / kit.folder
    for name in _earlier_files(folder) - kit.files.keys():
        (folder / name).unlink(missing_ok=True)
    for name, content in kit.files.items():
        if not (folder / name).exists() or (folder / name).read_bytes() != content:
            write_bytes(folder / name, content)
    return kit


def paper_kit(project: Project, font: Path | None = None) -> PaperKit:
    """The kit, not written; raises as `write_paper`."""
    material, references = Material(project), References()
    quoter = Quoter(material.private_keys)
    kit = PaperKit(
        project.paths.paper("x").removesuffix("/x"),
        missing=material.missing,
        to_do=[step.text_elsewhere for step in material.steps],
    )
    tables = [*stage_tables(material), *wave_tables(material), *evaluation_tables(material)]
    tables += [limits] if (limits := limits_table(material)).rows else []
    figures = list(paper_figures(material))
    for table in tables:
        _add_table(kit, f"tables/{table.name}", table)
    _add_figures(kit, figures, font)
    text = list(methods_text(material, quoter, references))
    kit.files["methods.md"] = as_markdown(text).encode()
    kit.files["methods.tex"] = as_latex(text).encode()
    kit.files["numbers.json"] = _json([quotation.as_json() for quotation in quoter.quotations])
    _add_checklists(kit, material, references)
    _add_prompts(kit, material)
    kit.files["references.bib"] = references.as_bibtex().encode()
    kit.files["paper.tex"] = standalone_latex(project.study.study, tables, figures, _pdfs(kit)).encode()
    kit.files["README.md"] = kit_readme(project.study.study, kit.files, tables, figures, _todo(kit)).encode()
    kit.files[_MANIFEST] = _json({name: sha256_hex(content) for name, content in sorted(kit.files.items())})
    return kit


def _add_table(kit: PaperKit, name: str, table: PaperTable) -> None:
    kit.files[f"{name}.csv"] = table.as_csv().encode()
    kit.files[f"{name}.tex"] = table.as_latex().encode()
    kit.files[f"{name}.md"] = table.as_markdown().encode()


def _add_figures(kit: PaperKit, figures: Sequence[PaperFigure], font: Path | None) -> None:
    drawer = pdf.PdfDrawer(font) if pdf.can_draw() else None
    if drawer is None and figures:
        kit.notes.append("figures are there as SVG only: for PDF, pip install 'goldpan[paper]'")
    for figure in figures:
        kit.files[f"figures/{figure.name}.svg"] = svg_bytes(figure.picture)
        if drawer is None:
            continue
        kit.files[f"figures/{figure.name}.pdf"] = drawer.pdf_bytes(figure.picture)
        if unknown := drawer.unknown_letters(figure.picture):
            kit.notes.append(
                f"figures/{figure.name}.pdf: the font lacks {unknown}, which stand as ? there; give one"
                " that has them (--font FILE.ttf), or use the SVG"
            )


def _add_checklists(kit: PaperKit, material: Material, references: References) -> None:
    facts, where = Facts(material), material.study_file.path
    for checklist in CHECKLISTS:
        references.add(checklist.source)
        answers = answers_of(checklist, facts, material.statement, where)
        text = list(checklist_text(checklist, answers))
        name = f"checklists/{checklist.name}"
        kit.files[f"{name}.md"] = as_markdown(text).encode()
        kit.files[f"{name}.tex"] = as_latex(text).encode()
        kit.files[f"{name}.csv"] = checklist_table(checklist, answers).as_csv().encode()
        kit.answers[checklist.name] = answers


def _add_prompts(kit: PaperKit, material: Material) -> None:
    """The prompts as they were asked; files that were changed since are left out, and that is said."""
    for task in material.tasks.values():
        if not material.is_as_asked(task):
            kit.notes.append(
                f"task {task.name} was changed since it was asked: its prompt is not in the kit; take back"
                " the change, or run the study again"
            )
            continue
        kit.files[f"prompts/{task.name}/user.j2"] = task.user_template.encode()
        if task.system_template is not None:
            kit.files[f"prompts/{task.name}/system.j2"] = task.system_template.encode()


def _pdfs(kit: PaperKit) -> bool:
    return any(name.endswith(".pdf") for name in kit.files)


def _todo(kit: PaperKit) -> list[str]:
    missing = [f"{part.what} ({part.path}): {part.remedy}" for part in kit.missing]
    return [*kit.notes, *missing, *kit.to_do]


def _earlier_files(folder: Path) -> set[str]:
    """What an earlier kit has written here; nothing where that cannot be told."""
    if not (folder / _MANIFEST).exists():
        return set()
    try:
        made = read_json(folder / _MANIFEST)
    except SourceError:
        return set()
    if not isinstance(made, Mapping):
        return set()
    return {name for name in made if not Path(name).is_absolute() and ".." not in Path(name).parts}


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
