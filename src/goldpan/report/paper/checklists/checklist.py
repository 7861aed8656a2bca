"""What a checklist is: items with ids of their own, what answers them, and how that is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from goldpan.errors import StudyError
from goldpan.report.paper.checklists.facts import Fact, Facts
from goldpan.report.paper.references import BibEntry
from goldpan.study.statement import Checklist as ChecklistName
from goldpan.study.statement import Statement
from goldpan.tasks.nearest import suggestion

Level = Literal["core", "optional", "must", "should", ""]
ARTIFACTS, ARTIFACTS_IN_PART, STATEMENT = "artifacts", "artifacts, in part", "the statement"
ARTIFACTS_AND_STATEMENT, NOT_ANSWERED = "artifacts and the statement", "nobody yet"
STATUSES = (ARTIFACTS, ARTIFACTS_IN_PART, ARTIFACTS_AND_STATEMENT, STATEMENT, NOT_ANSWERED)
"""What an item may be answered by."""
Answering = Callable[[Facts], Iterable[Fact]]


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a checklist.

    Attributes:
        id: as the checklist names it, or as we number it where it names none.
        group: its section.
        asks: what it asks for, in our words.
        level: how binding it is there.
        applies: which studies alone it is about, as the checklist tags them; empty for all.
        facts: what answers it from the artifacts.
        stated: keys of the study's statement that answer it; `annotators.pay` is a key within one.
        is_more: whether it asks for more than `facts` say, e.g. why; only the authors can say the rest.
    """

    id: str
    group: str
    asks: str
    level: Level = ""
    applies: str = ""
    facts: tuple[Answering, ...] = ()
    stated: tuple[str, ...] = ()
    is_more: bool = False


@dataclass(frozen=True)
class Checklist:
    """A checklist.

    Attributes:
        name: in the study's statement, and of the file.
        title, version: for people; the version says when its items were looked up.
        note: what is to be known of its ids.
        source: the work to cite.
        items: in its order.
    """

    name: ChecklistName
    title: str
    version: str
    note: str
    source: BibEntry
    items: tuple[ChecklistItem, ...]


@dataclass(frozen=True)
class ItemAnswer:
    """What is said to an item.

    Attributes:
        facts: from the artifacts, each with the path of one.
        stated: key of the statement -> the study's own words.
        could_state: keys of the statement that would answer it, too, and are not there.
    """

    item: ChecklistItem
    facts: tuple[Fact, ...]
    stated: dict[str, str]
    could_state: tuple[str, ...]

    @property
    def status(self) -> str:
        """One of `STATUSES`; artifacts answer in part what the study has more to state about."""
        if self.facts:
            in_part = ARTIFACTS_IN_PART if self.could_state else ARTIFACTS
            return ARTIFACTS_AND_STATEMENT if self.stated else in_part
        return STATEMENT if self.stated else NOT_ANSWERED


def answers_of(checklist: Checklist, facts: Facts, statement: Statement, where: str) -> list[ItemAnswer]:
    """All items with what is there to answer them.

    Args:
        where: the study's file, for errors.

    Raises:
        StudyError: the statement answers an item that the checklist does not have.
    """
    by_id = statement.checklists.get(checklist.name, {})
    known = [item.id for item in checklist.items]
    for name in by_id:
        if name not in known:
            raise StudyError(
                f"statement.checklists.{checklist.name}: there is no item `{name}`;"
                f" {suggestion(name, known)}",
                where=where,
            )
    return [_answer(item, facts, statement, by_id.get(item.id)) for item in checklist.items]


def _answer(item: ChecklistItem, facts: Facts, statement: Statement, by_id: str | None) -> ItemAnswer:
    stated = {key: text for key in item.stated if (text := _stated(statement, key)) is not None}
    if by_id is not None:
        stated["checklists"] = by_id
    told = tuple(fact for answering in item.facts for fact in answering(facts))
    keys = (*item.stated, "checklists") if item.is_more else item.stated
    return ItemAnswer(item, told, stated, tuple(key for key in keys if key not in stated))


def _stated(statement: Statement, key: str) -> str | None:
    holder, _, name = key.rpartition(".")
    text = getattr(getattr(statement, holder) if holder else statement, name)
    return None if text is None else str(text)
