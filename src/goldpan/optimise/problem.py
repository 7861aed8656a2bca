"""What a search for a better prompt works on, whichever method searches: rows, whom to ask, its budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from goldpan.optimise.candidate import Candidate, Components, ScoredAnswers
from goldpan.study.optimised import Optimised


@dataclass(frozen=True)
class SearchRow:
    """A record with gold.

    Attributes:
        id: of the record.
        split: `train`, `dev` or `test`.
        group: of rows that may be alike; the row's own id where it has none.
        data: the fields of the record.
        text: the user prompt of the first candidate for this record: what the model is shown of it.
        own: what of this text is the record's own, without the words of the prompt.
        gold: of each feature that counts, the right answer as shown, as in `ScoredAnswers.predicted`.
        answer: the right answer as the task would have it answered: of each feature that counts, the key that
            it has in an answer, and its value.
    """

    id: str
    split: str
    group: str
    data: Mapping[str, Any]
    text: str
    own: str
    gold: Mapping[str, str]
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """A row that was answered, as shown to whoever improves a prompt.

    Attributes:
        row: of train.
        predicted: of each feature, the answer as shown; empty where it failed.
        score: of the row, 0 to 1.
        note: what went wrong or how the model came to its answer, in words; may be empty.
    """

    row: SearchRow
    predicted: Mapping[str, str]
    score: float
    note: str = ""


class BudgetSpentError(Exception):
    """Nothing more may be asked. Not an error of the search: a method ends with the candidates it has."""


class AnswersSpentError(BudgetSpentError):
    """A method asked for more answers than it has left; nothing was asked."""


class MoneySpentError(BudgetSpentError):
    """`budget.usd` is reached: all methods end. The caller knows, and says so."""


class RefusedPromptError(Exception):
    """A prompt that may not be asked; the message says why. Counted and listed, and the search goes on.

    Attributes:
        components: its texts; None where there are none.
    """

    def __init__(self, why: str, components: Components | None = None):
        super().__init__(why)
        self.components = components


class Asks(Protocol):
    """Asks candidates, with a budget of answers of its own: each method has one."""

    @property
    def answers_left(self) -> int:
        """How many answers may still be looked at."""

    def refusal(self, components: Components) -> str:
        """Why a prompt with these texts cannot be asked; empty where it can. Asks nobody.

        It is about templates and what they name: no length, and no text of training rows, since few-shot
        prompts are measured although they hold it.
        """

    def ask(self, components: Components, rows: Sequence[SearchRow]) -> ScoredAnswers:
        """Answers to a candidate on some rows, from the ledger where they are there.

        Raises:
            AnswersSpentError: they are more than are left.
            MoneySpentError: the money of the search is spent.
            RefusedPromptError: these texts may not be asked.
        """


class Improves(Protocol):
    """Writes new texts."""

    def improve(
        self, components: Components, examples: Sequence[Example], part: str, *, number: int = 0
    ) -> str:
        """A new text for the component `part` of a prompt.

        Args:
            components: the prompt as it is.
            examples: answered rows to learn from; none for a plain rewrite.
            part: key of the component.
            number: of this request among those that are otherwise the same: other numbers give other texts.

        Raises:
            MoneySpentError: the money of the search is spent.
            RefusedPromptError: no usable text came back; the message says why.
        """


@dataclass(frozen=True)
class Problem:
    """What one method is given.

    Attributes:
        settings: of the study.
        seed: texts of the task as it is.
        parts: keys of the components that may be rewritten, in order.
        train, dev: rows by which is searched, and by which candidates are compared; in the order of ids.
        seed_dev: the seed's answers on dev, which all methods share.
        asks: with the budget of this method.
        improves: who writes new texts.
    """

    settings: Optimised
    seed: Components
    parts: tuple[str, ...]
    train: tuple[SearchRow, ...]
    dev: tuple[SearchRow, ...]
    seed_dev: ScoredAnswers
    asks: Asks
    improves: Improves


class Method(Protocol):
    """A method of search: deterministic for what is answered."""

    def __call__(self, problem: Problem) -> list[Candidate]:
        """All candidates that were tried, in order, refused ones too; the seed is not among them.

        It ends where its budget is spent (`BudgetSpentError`), and whatever else is raised ends the search.
        A candidate with `dev` set was asked all of dev; `is_accepted` says that the method kept it.
        """
