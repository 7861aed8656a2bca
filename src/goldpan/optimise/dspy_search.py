"""dspy's COPRO (coordinate ascent over instructions) as a method of the search.

COPRO proposes some instructions, scores each on train, and proposes others from the best; the best few are
then asked all of dev. Prompts are those of our improver and answers those of our ledger: dspy only decides
what is tried next. It is shown a number in place of each prompt, so that nothing it does to texts (it strips
quotes and reads replies by headings) reaches them.

dspy scores rows in threads of its own and goes on after errors. So a prompt is written and asked where dspy
calls its model, in our thread; whatever is raised there ends the search at once and is raised in the end.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from goldpan.errors import StudyError
from goldpan.optimise.candidate import Candidate, Components
from goldpan.optimise.problem import BudgetSpentError, Problem, RefusedPromptError, SearchRow
from goldpan.optimise.report import SEED_CANDIDATE

METHOD = "dspy_copro"
BREADTH, DEPTH, FINALISTS = 5, 3, 3
"""How many prompts are tried in each of how many steps, and how many of them are then asked all of dev."""
_FIRST_NUMBER = 1000
"""Of its requests for rewrites: those of `rewrites` have smaller ones, so that each gets texts of its own."""


def search_with_copro(problem: Problem) -> list[Candidate]:
    """Search with dspy's COPRO over one part of the prompt, the first that may be rewritten.

    Its budget is shared out: as many rows of train, drawn by the seed, as all its prompts may be asked
    about, and dev for the best. Dev is not seen before, so it says of these what it would say of any.

    Raises:
        StudyError: dspy is not installed.
    """
    dspy = _import_dspy()
    state = _State(problem, _rows_to_learn_from(problem))
    if not state.rows:
        return []
    try:
        state.ask(state.tried[0])
        with _silent(), dspy.context(lm=_improving_model(dspy, state), disable_history=True):
            _optimizer(dspy).compile(
                _student(dspy, state),
                trainset=[dspy.Example(row=row.id).with_inputs("row") for row in state.rows],
                eval_kwargs={"num_threads": 1, "display_progress": False, "display_table": False},
            )
    except Exception:
        if state.raised is None:
            raise
    if state.raised is not None and not isinstance(state.raised, BudgetSpentError):
        raise state.raised
    return state.candidates()


def _rows_to_learn_from(problem: Problem) -> tuple[SearchRow, ...]:
    """As many rows of train as the budget allows to ask all prompts about, and the finalists about dev."""
    answers = problem.asks.answers_left - FINALISTS * len(problem.dev)
    number = min(len(problem.train), max(0, answers // (BREADTH * DEPTH)))
    order = np.random.default_rng((problem.settings.seed, 5)).permutation(len(problem.train))
    return tuple(problem.train[place] for place in sorted(order[:number]))


@dataclass
class _Tried:
    """A prompt: its texts, what it was made from, and its score on each row of train once it was asked."""

    components: Components
    parent: int | None
    scores: dict[str, float] | None = None
    refused: str = ""

    @property
    def mean(self) -> float:
        """The mean score; below any other where it was not asked."""
        return -1.0 if not self.scores else sum(self.scores.values()) / len(self.scores)


@dataclass
class _State:
    """What was tried so far. dspy copies its programs; this is one and the same in all copies.

    Attributes:
        problem: of the search.
        rows: of train that prompts are asked about.
        tried: the first is the seed.
        raised: what ended the search.
    """

    problem: Problem
    rows: tuple[SearchRow, ...]
    tried: list[_Tried] = field(default_factory=list)
    raised: BaseException | None = None
    _requests: int = 0

    def __post_init__(self) -> None:
        self.tried.append(_Tried(self.problem.seed, None))

    def __deepcopy__(self, memo: Any) -> _State:
        return self

    def propose(self, count: int) -> list[int]:
        """New prompts, made from the best so far: their numbers, or that of the best for what is refused."""
        if self.raised is not None:
            raise self.raised
        best = max(range(len(self.tried)), key=lambda number: (self.tried[number].mean, -number))
        try:
            return [self._propose_from(best) for _ in range(count)]
        except BaseException as error:
            self.raised = error
            raise

    def _propose_from(self, best: int) -> int:
        parent, part = self.tried[best].components, self.problem.parts[0]
        self._requests += 1
        try:
            text = self.problem.improves.improve(parent, (), part, number=_FIRST_NUMBER + self._requests)
        except RefusedPromptError as refused:
            self.tried.append(_Tried(refused.components or parent, best, refused=str(refused)))
            return best
        components = {**parent, part: text}
        same = next((n for n, tried in enumerate(self.tried) if dict(tried.components) == components), None)
        if same is not None:
            return same
        self.tried.append(_Tried(components, best))
        self.ask(self.tried[-1])
        return len(self.tried) - 1

    def ask(self, tried: _Tried) -> None:
        """Ask a prompt about all rows to learn from."""
        try:
            scored = self.problem.asks.ask(tried.components, self.rows)
        except RefusedPromptError as refused:
            tried.refused = str(refused)
        except BaseException as error:
            self.raised = error
            raise
        else:
            tried.scores = dict(zip(scored.ids, scored.scores, strict=True))

    def score(self, number: int, row: str) -> float:
        """The score of a prompt on a row; 0 for one that was refused."""
        scores = self.tried[number].scores
        return 0.0 if scores is None else scores[row]

    def candidates(self) -> list[Candidate]:
        """All that was tried but for the seed; the best few by train are asked all of dev."""
        ranked = sorted(range(1, len(self.tried)), key=lambda number: (-self.tried[number].mean, number))
        finalists = [number for number in ranked if self.tried[number].scores][:FINALISTS]
        return [self._candidate(number, number in finalists) for number in range(1, len(self.tried))]

    def _candidate(self, number: int, is_finalist: bool) -> Candidate:
        tried, dev, refused = self.tried[number], None, self.tried[number].refused
        if is_finalist:
            try:
                dev = self.problem.asks.ask(tried.components, self.problem.dev)
            except RefusedPromptError as error:
                refused = str(error)
            except BudgetSpentError:
                dev = None
        return Candidate(
            name=f"{METHOD}-{number}",
            method=METHOD,
            parents=(SEED_CANDIDATE if not tried.parent else f"{METHOD}-{tried.parent}",),
            components=tried.components,
            dev=dev,
            refused=refused,
            is_accepted=dev is not None and dev.metric > self.problem.seed_dev.metric,
        )


def _import_dspy() -> Any:
    # When imported it makes a folder for its cache, by default in the home folder; nothing is put there.
    os.environ.setdefault("DSPY_CACHEDIR", str(Path(tempfile.gettempdir()) / "goldpan-dspy"))
    try:
        import dspy
    except ImportError:
        raise StudyError(
            "the method `dspy_copro` needs dspy, which is not installed",
            remedy="pip install 'goldpan[dspy]', or leave the method out",
        ) from None
    return dspy


def _optimizer(dspy: Any) -> Any:
    def score_of(example: Any, prediction: Any, trace: Any = None) -> float:
        return float(prediction.score)

    return dspy.COPRO(metric=score_of, breadth=BREADTH, depth=DEPTH)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """dspy tells of each step and of each error, which is told elsewhere."""
    logger = logging.getLogger("dspy")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _student(dspy: Any, state: _State) -> Any:
    """The program whose instruction COPRO improves: the number of a prompt stands for it."""

    class Student(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.state = state
            self.asked = dspy.Predict(dspy.Signature("row -> answer", "0"))

        def forward(self, row: str) -> Any:
            return dspy.Prediction(score=self.state.score(int(self.asked.signature.instructions), row))

    return Student()


def _improving_model(dspy: Any, state: _State) -> Any:
    """The model that proposes instructions: our improver, in the replies that dspy reads."""

    class ImprovingModel(dspy.BaseLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            texts = [_reply(number) for number in state.propose(kwargs.get("n") or 1)]
            choices = [
                SimpleNamespace(message=SimpleNamespace(content=text), finish_reason="stop", index=place)
                for place, text in enumerate(texts)
            ]
            usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            return SimpleNamespace(choices=choices, usage=usage, model="goldpan")

    return ImprovingModel(model="goldpan", cache=False, num_retries=0)


def _reply(number: int) -> str:
    return (
        f"[[ ## proposed_instruction ## ]]\n{number}\n\n"
        "[[ ## proposed_prefix_for_output_field ## ]]\nAnswer:\n\n[[ ## completed ## ]]"
    )
