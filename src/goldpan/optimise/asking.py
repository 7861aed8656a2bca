"""Asking candidates: a prompt and rows in, whether each answer is right out; all through the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from goldpan.errors import PromptError
from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.optimise.candidate import Components, ScoredAnswers
from goldpan.optimise.ledger_stage import LedgerStage, RecordAnswer
from goldpan.optimise.metric import metric_of
from goldpan.optimise.problem import AnswersSpentError, RefusedPromptError, SearchRow
from goldpan.optimise.prompt_faults import template_fault
from goldpan.optimise.task_version import components_hash, write_task_version
from goldpan.records.model import Record
from goldpan.study.optimised import Metric
from goldpan.tasks.features import Feature, Labelled, value_of
from goldpan.tasks.task import Task
from goldpan.waves.answer_text import answer_text


class Candidates:
    """Asks whatever prompt of one task about the rows of one search.

    Args:
        stage: that is asked.
        task: the first version.
        values: of each feature that counts, how its answers compare.
        gold: feature -> record id -> right value.
        records: id -> record, as the stage asks about it.
        metric: of the search.
    """

    def __init__(
        self,
        stage: LedgerStage,
        task: Task,
        values: Mapping[str, FeatureValues],
        gold: Mapping[str, Mapping[str, Any]],
        records: Mapping[str, Record],
        metric: Metric,
    ):
        self._stage, self._task, self._values = stage, task, values
        self._gold, self._records, self._metric = gold, records, metric
        self._faults: dict[str, str] = {}
        # What the ledger has said in this run: by hash of the texts, then by record.
        self._known: dict[str, dict[str, RecordAnswer]] = defaultdict(dict)
        self._written: set[str] = set()

    def with_budget(self, answers: int | None, look: Look | None = None) -> Asking:
        """A way to ask them with so many answers, None for no limit; `look` hears of each look."""
        return Asking(self, answers, look)

    def fault(self, components: Components) -> str:
        """Why a prompt with these texts cannot be asked; empty where it can."""
        identity = components_hash(components)
        if identity not in self._faults:
            self._faults[identity] = template_fault(self._task, components)
        return self._faults[identity]

    def answers(self, components: Components, rows: Sequence[SearchRow]) -> list[RecordAnswer]:
        """What comes of asking a candidate. Raises as `LedgerStage.answers`, and RefusedPromptError."""
        if fault := self.fault(components):
            raise RefusedPromptError(fault, components)
        identity = components_hash(components)
        known = self._known[identity]
        # A method may show a row twice in one look.
        lacking = list(dict.fromkeys(row.id for row in rows if row.id not in known))
        if lacking:
            tasks = self._stage.folder / identity[:32]
            if identity not in self._written:
                write_task_version(self._task, components, tasks)
                self._written.add(identity)
            try:
                answers = self._stage.answers(tasks, [self._records[row] for row in lacking])
            except PromptError as error:
                self._faults[identity] = f"it fails on a row: {error.what}"
                raise RefusedPromptError(self._faults[identity], components) from None
            known.update((answer.id, answer) for answer in answers)
        return [known[row.id] for row in rows]

    def scored(self, answers: Sequence[RecordAnswer]) -> ScoredAnswers:
        """Answers against the gold; what failed is wrong."""
        ids = [answer.id for answer in answers]
        said = {name: [self._value(answer, name) for answer in answers] for name in self._values}
        right = {name: self._right(name, ids, said[name]) for name in self._values}
        predicted = {
            name: tuple("" if value is FAILED else shown_answer(of.feature, value) for value in said[name])
            for name, of in self._values.items()
        }
        gold = {
            name: [shown_answer(of.feature, self._gold[name][row]) for row in ids]
            for name, of in self._values.items()
        }
        by_row = zip(*right.values(), strict=True)
        costs = [answer.cost_usd for answer in answers]
        return ScoredAnswers(
            ids=tuple(ids),
            right=right,
            predicted=predicted,
            scores=tuple(sum(row) / len(row) for row in by_row),
            valid=tuple(answer.state == "ok" for answer in answers),
            metric=metric_of(self._metric, gold, predicted, right, list(self._values)) if ids else 0.0,
            cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        )

    def _value(self, answer: RecordAnswer, name: str) -> Any:
        """What an answer says of a feature; `FAILED` where it counts as no answer."""
        prediction = answer.predictions.get(name)
        if prediction is None:
            return FAILED
        value = value_of(prediction)
        return FAILED if value is None and not self._values[name].can_abstain else value

    def _right(self, name: str, ids: Sequence[str], said: Sequence[Any]) -> tuple[bool, ...]:
        if not ids:
            return ()
        values = self._values[name]
        gold = [values.key(self._gold[name][row]) for row in ids]
        predicted = [FAILED if value is FAILED else values.key(value) for value in said]
        return tuple(bool(right) for right in values.right(values.code(gold, [predicted]))[:, 0])


Look = Callable[["Asking", ScoredAnswers], None]
"""Is told of answers when they were looked at."""


class Asking:
    """As `problem.Asks`: asks candidates with a budget of answers.

    Args:
        candidates: of the search.
        answers: how many may be looked at, repeated ones too; None for no limit.
        look: hears of each look.

    Attributes:
        looked_at: answers that were looked at.
        spent_usd: what they cost, each counted once, whoever paid; None where a price is not known.
        progress: hash of a candidate's texts -> these two when it was last asked.
    """

    def __init__(self, candidates: Candidates, answers: int | None, look: Look | None = None):
        self._candidates, self._budget, self._look = candidates, answers, look
        self.looked_at = 0
        self.spent_usd: float | None = 0.0
        self.progress: dict[str, tuple[int, float | None]] = {}
        self._paid: set[tuple[str, str]] = set()

    @property
    def answers_left(self) -> int:
        """As of `Asks`."""
        return 10**9 if self._budget is None else self._budget - self.looked_at

    def refusal(self, components: Components) -> str:
        """As of `Asks`."""
        return self._candidates.fault(components)

    def ask(self, components: Components, rows: Sequence[SearchRow]) -> ScoredAnswers:
        """As of `Asks`."""
        return self.ask_with_notes(components, rows)[0]

    def ask_with_notes(
        self, components: Components, rows: Sequence[SearchRow]
    ) -> tuple[ScoredAnswers, list[str]]:
        """As `ask`, and for each row what the answer says of its reasons, or why there is none."""
        if len(rows) > self.answers_left:
            raise AnswersSpentError(
                f"{len(rows)} answers are more than the {self.answers_left} that are left"
            )
        answers = self._candidates.answers(components, rows)
        self._count(components_hash(components), answers)
        scored = self._candidates.scored(answers)
        if self._look is not None:
            self._look(self, scored)
        return scored, [_note(answer) for answer in answers]

    def _count(self, identity: str, answers: Sequence[RecordAnswer]) -> None:
        self.looked_at += len(answers)
        for answer in answers:
            if (identity, answer.id) not in self._paid:
                self._paid.add((identity, answer.id))
                known = self.spent_usd is not None and answer.cost_usd is not None
                self.spent_usd = (self.spent_usd or 0.0) + (answer.cost_usd or 0.0) if known else None
        self.progress[identity] = self.looked_at, self.spent_usd


def shown_answer(feature: Feature, value: Any) -> str:
    """An answer as text, so that equal ones are equal: labels of a set stand in the order of the task."""
    if isinstance(feature, Labelled) and isinstance(value, list | tuple | set | frozenset):
        order = {label: place for place, label in enumerate(feature.label_list)}
        value = sorted(value, key=lambda label: (order.get(label, len(order)), str(label)))
    return answer_text(feature, value)


def _note(answer: RecordAnswer) -> str:
    if answer.state != "ok":
        return f"{answer.state}: {answer.reason}" if answer.reason else answer.state
    reasons = [
        f"{name}: {prediction['rationale']}"
        for name, prediction in answer.predictions.items()
        if prediction.get("rationale")
    ]
    return "\n".join(reasons)


def work_folder(state: Path, study: str, search: str) -> Path:
    """Where a search has its files while it goes on: beside the ledger."""
    return state / "optimised" / study / search
