"""A filled checklist as a text and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from goldpan.report.paper.checklists.checklist import NOT_ANSWERED, STATUSES, Checklist, ItemAnswer
from goldpan.report.paper.checklists.facts import DESIGN
from goldpan.report.paper.document import Block, Code, Heading, Inline, LinesAsWritten, bullets, paragraph
from goldpan.report.paper.methods_software import ENVIRONMENT
from goldpan.report.paper.table import PaperColumn, PaperTable, table_of


def checklist_text(checklist: Checklist, answers: Sequence[ItemAnswer]) -> Iterator[Block]:
    """All items with what answers them; each sentence with its artifact, or as the study states it."""
    yield Heading(1, checklist.title)
    yield paragraph(f"Items: {checklist.version}. {checklist.note}")
    yield paragraph(counts_text(answers))
    yield paragraph(
        "Nothing here is made up: a sentence comes from the artifact behind it, or from the ",
        Code("statement"),
        " of the study in its own words. Whether an item is answered well enough is for the authors to say.",
    )
    unanswered = [answer.item.id for answer in answers if answer.status == NOT_ANSWERED]
    if unanswered:
        yield paragraph("Not answered: ", ", ".join(unanswered), ".")
    for answer in answers:
        item = answer.item
        tags = ", ".join(filter(None, (item.group, item.level, item.applies and f"only for: {item.applies}")))
        yield Heading(3, f"{item.id} {item.asks}")
        yield paragraph(f"{tags}. Answered by: {answer.status}.")
        points = _points(answer)
        if points:
            yield bullets(points)


def _points(answer: ItemAnswer) -> list[list[Inline]]:
    points: list[list[Inline]] = [[f"{fact.text} ", *_source(fact.path)] for fact in answer.facts]
    points += [
        [LinesAsWritten(text), " (", Code(f"statement.{key}"), ")"] for key, text in answer.stated.items()
    ]
    if answer.could_state:
        keys: list[Inline] = []
        for key in answer.could_state:
            keys += [", "] * bool(keys) + [Code(f"statement.{key}")]
        points.append(["To be stated by the authors: ", *keys, "."])
    return points


def _source(path: str) -> list[Inline]:
    return ["(", path if path in (DESIGN, ENVIRONMENT) else Code(path), ")"]


def counts_text(answers: Sequence[ItemAnswer]) -> str:
    """`Of 18 items 7 are answered by artifacts, ..., 9 by nobody yet.`"""
    counts = Counter(answer.status for answer in answers)
    told = ", ".join(f"{counts[status]} by {status}" for status in STATUSES if counts[status])
    return f"Of {len(answers)} items are answered {told}."


def checklist_table(checklist: Checklist, answers: Sequence[ItemAnswer]) -> PaperTable:
    """The same as a table, for a spreadsheet."""
    rows = []
    for answer in answers:
        item = answer.item
        facts = "\n".join(fact.text for fact in answer.facts)
        paths = "\n".join(dict.fromkeys(fact.path for fact in answer.facts))
        stated = "\n".join(answer.stated.values())
        head = [item.id, item.group, item.level, item.applies, item.asks, answer.status]
        rows.append([*head, facts, paths, stated, ", ".join(answer.could_state)])
    columns = [
        *(
            PaperColumn("item"),
            PaperColumn("section"),
            PaperColumn("level"),
            PaperColumn("only for"),
            PaperColumn("asks for"),
        ),
        *(
            PaperColumn("answered by"),
            PaperColumn("from artifacts"),
            PaperColumn("artifacts"),
            PaperColumn("stated"),
        ),
        PaperColumn("statement could say"),
    ]
    return table_of(checklist.name, f"{checklist.title}, {checklist.version}", columns, rows)
