"""The methods text of a paper kit, as blocks: what was done, with every number quoted from an artifact."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan import __version__
from goldpan.records.limit import trial_text
from goldpan.report.paper.document import Block, Code, Heading, Inline, LinesAsWritten, bullets, paragraph
from goldpan.report.paper.limits import limits_section
from goldpan.report.paper.material import Material
from goldpan.report.paper.methods_llm import data_section, llm_section
from goldpan.report.paper.methods_measured import evaluation_section, heads_section, prevalence_section
from goldpan.report.paper.methods_people import people_section
from goldpan.report.paper.methods_software import software_section
from goldpan.report.paper.quoting import Quoter
from goldpan.report.paper.references import References
from goldpan.study.statement import AnnotatorStatement, Statement


def methods_text(material: Material, quoter: Quoter, references: References) -> Iterator[Block]:
    """The text.

    Args:
        quoter: gets every number that the text holds.
        references: gets every work that it cites.
    """
    yield Heading(1, f"Methods of the study {material.study.study}")
    if material.study.description:
        yield paragraph(LinesAsWritten(material.study.description))
    yield paragraph(
        "This text was written by goldpan from the artifacts of the study, to be shortened and put into a"
        " paper; ",
        Code("numbers.json"),
        " says of each number in which artifact it stands. Annotators are called A1, A2 and so on, in the"
        " order of the study.",
    )
    yield from _warnings(material)
    yield from data_section(material, quoter)
    yield from llm_section(material, quoter)
    yield from people_section(material, quoter, references)
    yield from evaluation_section(material, quoter, references)
    yield from prevalence_section(material, quoter)
    yield from heads_section(material, quoter)
    yield from limits_section(material, quoter)
    yield from software_section(material, quoter, references)
    yield from _statements(material.statement)
    yield from _missing(material)


def _warnings(material: Material) -> Iterator[Block]:
    if material.by_baseline:
        yield paragraph(
            "Not for a paper as it is: answers of the stages ",
            ", ".join(material.by_baseline),
            " come from goldpan's built-in baseline, which compares words and is no language model. They"
            " show how the workflow runs, and nothing about the data.",
        )
    trials = {
        source: limit
        for summary in material.summaries.values()
        for source, limit in ((summary.made or {}).get("trial") or {}).items()
    }
    if trials:
        yield paragraph("Not for a paper as it is: this is a trial. ", trial_text(trials), ".")


def _statements(statement: Statement) -> Iterator[Block]:
    """What the study itself states, in its own words."""
    stated = list(stated_by_key(statement).items())
    if not stated:
        return
    yield Heading(2, "Statements")
    yield bullets([[f"{name(key)}: ", LinesAsWritten(text)] for key, text in stated])


def stated_by_key(statement: Statement) -> dict[str, str]:
    """Key of the statement -> its text, for those that are there; keys of annotators as `annotators.pay`."""
    stated = {key: getattr(statement, key) for key in Statement.model_fields}
    people = {
        f"annotators.{key}": getattr(statement.annotators, key) for key in AnnotatorStatement.model_fields
    }
    return {key: text for key, text in {**stated, **people}.items() if isinstance(text, str)}


def name(key: str) -> str:
    """A key of the statement for people: `annotators.pay` is `Annotators, pay`."""
    return key.replace("_", " ").replace(".", ", ").capitalize()


def _missing(material: Material) -> Iterator[Block]:
    points: list[list[Inline]] = [
        [f"{part.what} (", Code(part.path), f"). To do: {part.remedy}."] for part in material.missing
    ]
    points += [[f"{step.text_elsewhere}."] for step in material.steps if step.kind == "adjudicate"]
    if points:
        yield Heading(2, "What is not there yet, or stale")
        yield bullets(points)


def written_by() -> str:
    """A line for the head of a file."""
    return f"Written by goldpan {__version__}."
