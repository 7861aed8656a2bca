"""Rows, answers and whom to ask, by hand, for tests of searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from goldpan.optimise.candidate import ScoredAnswers
from goldpan.optimise.metric import metric_of
from goldpan.optimise.problem import AnswersSpentError, Problem, RefusedPromptError, SearchRow
from goldpan.study.optimised import Optimised

LABELS = ("yes", "no")


def row(number: int, split: str = "dev", gold: str | None = None, group: str | None = None) -> SearchRow:
    """A row with gold; its text is of words that no other row has."""
    words = " ".join(f"w{number}x{place}" for place in range(8))
    gold = LABELS[number % 2] if gold is None else gold
    return SearchRow(
        id=f"r{number:03d}",
        split=split,
        group=group or f"r{number:03d}",
        data={"text": words},
        text=f"Note: {words}",
        own=words,
        gold={"is": gold},
        answer={"is": gold},
    )


def rows_of(count: int, split: str = "dev", start: int = 0) -> tuple[SearchRow, ...]:
    """Some rows, half of each label."""
    return tuple(row(number, split) for number in range(start, start + count))


def scored(
    rows: Sequence[SearchRow], predicted: Sequence[str], metric: str = "accuracy", cost: float | None = 0.01
):
    """Answers to rows; an empty one failed."""
    gold = {"is": [each.gold["is"] for each in rows]}
    right = tuple(said == true for said, true in zip(predicted, gold["is"], strict=True))
    return ScoredAnswers(
        ids=tuple(each.id for each in rows),
        right={"is": right},
        predicted={"is": tuple(predicted)},
        scores=tuple(map(float, right)),
        valid=tuple(map(bool, predicted)),
        metric=metric_of(metric, gold, {"is": predicted}, {"is": right}, ["is"]),
        cost_usd=cost,
    )


def with_errors(rows: Sequence[SearchRow], wrong: set[int]) -> list[str]:
    """Right answers but at some places."""
    other = {"yes": "no", "no": "yes"}
    return [other[each.gold["is"]] if place in wrong else each.gold["is"] for place, each in enumerate(rows)]


class ScriptedAsks:
    """Answers by a function of the prompt and the row, with a budget.

    Args:
        answer: texts, row -> the answer; empty for one that failed.
    """

    def __init__(self, answer: Callable[[Mapping[str, str], SearchRow], str], answers: int = 10_000):
        self._answer, self._budget = answer, answers
        self.looked_at = 0
        self.asked: list[tuple[dict[str, str], tuple[str, ...]]] = []

    @property
    def answers_left(self) -> int:
        return self._budget - self.looked_at

    def refusal(self, components: Mapping[str, str]) -> str:
        return "it is empty" if not components["system"].strip() else ""

    def ask(self, components: Mapping[str, str], rows: Sequence[SearchRow]) -> ScoredAnswers:
        if fault := self.refusal(components):
            raise RefusedPromptError(fault)
        if len(rows) > self.answers_left:
            raise AnswersSpentError("nothing is left")
        self.looked_at += len(rows)
        self.asked.append((dict(components), tuple(each.id for each in rows)))
        return scored(rows, [self._answer(components, each) for each in rows])


class ScriptedImprover:
    """Writes texts of a list, by number; None is refused."""

    def __init__(self, texts: Sequence[str | None]):
        self._texts = texts
        self.requests: list[int] = []

    def improve(
        self, components: Mapping[str, str], examples: Sequence, part: str, *, number: int = 0
    ) -> str:
        self.requests.append(number)
        text = self._texts[number % len(self._texts)]
        if text is None:
            raise RefusedPromptError("it holds text of a training row")
        return text


def settings_of(**changes) -> Optimised:
    """Settings of a search."""
    return Optimised.model_validate(
        {"stage": "notes", "improver": {"provider": "own"}, "budget": {"answers": 900}, **changes}
    )


def problem_of(asks, improves, *, train: int = 40, dev: int = 60, **changes) -> Problem:
    """What a method is given: a prompt of two parts, of which the system prompt may be rewritten."""
    seed = {"system": "Say whether it is.", "user": "Note: {{ text }}"}
    dev_rows = rows_of(dev)
    return Problem(
        settings=settings_of(**changes),
        seed=seed,
        parts=("system",),
        train=rows_of(train, "train", start=500),
        dev=dev_rows,
        seed_dev=scored(dev_rows, with_errors(dev_rows, set(range(0, dev, 3)))),
        asks=asks,
        improves=improves,
    )
