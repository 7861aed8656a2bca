"""`gepa`: prompts are improved by reflecting on the rows that they get wrong, on a Pareto front of dev rows.

The search is gepa's (https://github.com/gepa-ai/gepa, version 0.1.4): which prompt is improved next, by which
rows, and which children are kept. What is asked and paid is ours: its adapter asks through the ledger. So its
own checkpoints and caches are not used, and the state of a search that was stopped comes back by replay.

gepa 0.1.4 swallows what its proposer raises, whatever `raise_on_exception` says, asks it again and goes on;
and an exception in an evaluation throws away all that it has found. So the adapter keeps the candidates, and
the first failure, which ends the search and is raised when gepa has returned.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from goldpan.errors import StudyError
from goldpan.files import canonical_json
from goldpan.optimise.candidate import Candidate, Components, ScoredAnswers
from goldpan.optimise.problem import (
    BudgetSpentError,
    Example,
    Problem,
    RefusedPromptError,
    SearchRow,
)
from goldpan.optimise.task_version import components_hash

GEPA = "gepa"
MINIBATCH = 3
"""Rows of train that a rewrite is made from, and measured on before all of dev; gepa's own default."""


def search_with_gepa(problem: Problem) -> list[Candidate]:
    """All prompts that gepa has tried; as of `problem.Method`.

    Raises:
        StudyError: gepa is not installed.
    """
    try:
        import gepa
        from gepa.core.adapter import EvaluationBatch
    except ImportError:
        raise StudyError(
            "the method `gepa` needs gepa, which is not installed",
            remedy="pip install 'goldpan[analysis]', or leave the method out",
        ) from None
    adapter = _Adapter(problem, EvaluationBatch)
    with contextlib.suppress(BudgetSpentError):
        gepa.optimize(
            seed_candidate={part: problem.seed[part] for part in problem.parts},
            trainset=list(problem.train),
            valset=list(problem.dev),
            adapter=cast(Any, adapter),
            custom_candidate_proposer=adapter.new_texts,
            reflection_minibatch_size=MINIBATCH,
            stop_callbacks=adapter.must_stop,
            seed=problem.settings.seed,
            logger=_Silent(),
            raise_on_exception=True,
            track_best_outputs=False,
        )
    if adapter.failure is not None and not isinstance(adapter.failure, BudgetSpentError):
        raise adapter.failure
    return adapter.candidates


class _Silent:
    """gepa's logger: what it says is in the candidates."""

    def log(self, message: str) -> None:
        """Take a line."""


class _Adapter:
    """What gepa asks of a system that it improves; here candidates hold the improvable
    parts only."""

    propose_new_texts = None

    def __init__(self, problem: Problem, evaluation_batch: Any):
        self._problem, self._batch = problem, evaluation_batch
        self._dev = tuple(row.id for row in problem.dev)
        self._by_hash: dict[str, int] = {}
        self._requests: Counter[bytes] = Counter()
        self._rounds = 0
        self.candidates: list[Candidate] = []
        self.failure: Exception | None = None

    def must_stop(self, gepa_state: Any) -> bool:
        """Whether another round, of a parent and its child on some rows and the child on dev, is too much."""
        # A round may look at nothing, as where a template fails on its rows, so rounds are limited, too.
        self._rounds += 1
        is_over = self._rounds > self._problem.settings.budget.answers
        # Nothing is better than a prompt that is right everywhere.
        is_over = is_over or any(known.dev and min(known.dev.scores) == 1.0 for known in self.candidates)
        left = self._problem.asks.answers_left
        return self.failure is not None or is_over or left < 2 * MINIBATCH + len(self._dev)

    def evaluate(
        self, batch: Sequence[SearchRow], candidate: Mapping[str, str], capture_traces: bool = False
    ) -> Any:
        """Answers to a candidate on some rows, as gepa's adapters give them."""
        try:
            return self._evaluated(batch, candidate)
        except Exception as error:
            self.failure = self.failure or error
            raise

    def _evaluated(self, batch: Sequence[SearchRow], candidate: Mapping[str, str]) -> Any:
        components = {**self._problem.seed, **candidate}
        is_dev = tuple(row.id for row in batch) == self._dev
        if is_dev and components == dict(self._problem.seed):
            return self._as_batch(batch, self._problem.seed_dev, [""] * len(batch))
        try:
            scored, notes = self._ask(components, batch)
        except RefusedPromptError as error:
            self._note(components, refused=str(error))
            nothing = [0.0] * len(batch)
            return self._batch(
                outputs=[None] * len(batch), scores=nothing, trajectories=[], num_metric_calls=0
            )
        if is_dev:
            self._note(components, dev=scored, is_accepted=True)
        return self._as_batch(batch, scored, notes)

    def _ask(self, components: Components, batch: Sequence[SearchRow]) -> tuple[ScoredAnswers, list[str]]:
        asks = self._problem.asks
        with_notes = getattr(asks, "ask_with_notes", None)
        if with_notes is not None:
            scored, notes = with_notes(components, batch)
            return scored, notes
        return asks.ask(components, batch), [""] * len(batch)

    def _as_batch(self, batch: Sequence[SearchRow], scored: ScoredAnswers, notes: Sequence[str]) -> Any:
        examples = [
            Example(
                row=row,
                predicted={name: answers[place] for name, answers in scored.predicted.items()},
                score=scored.scores[place],
                note=notes[place],
            )
            for place, row in enumerate(batch)
        ]
        return self._batch(outputs=examples, scores=list(scored.scores), trajectories=examples)

    def make_reflective_dataset(
        self, candidate: Mapping[str, str], eval_batch: Any, components_to_update: Sequence[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """The rows that a rewrite is made from: what was shown, answered and right; the worst first."""
        examples = sorted(eval_batch.trajectories, key=lambda example: example.score)
        rows = [{"example": example, "score": example.score} for example in examples]
        return dict.fromkeys(components_to_update, rows)

    def new_texts(
        self,
        candidate: Mapping[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: Sequence[str],
    ) -> dict[str, str]:
        """New texts for some parts of a candidate; none where they are refused, which costs no answer."""
        if self.failure is not None:
            raise self.failure
        parent = {**self._problem.seed, **candidate}
        new: dict[str, str] = {}
        try:
            for part in components_to_update:
                examples = [row["example"] for row in reflective_dataset[part]]
                new[part] = self._improved({**parent, **new}, examples, part)
        except RefusedPromptError as error:
            self._note(error.components or {**parent, **new}, refused=str(error), parent=parent, is_new=True)
            return {}
        except Exception as error:
            self.failure = error
            raise
        components = {**parent, **new}
        if components_hash(components) in self._by_hash:
            return {}
        self._note(components, parent=parent)
        return new

    def _improved(self, components: Components, examples: Sequence[Example], part: str) -> str:
        """A new text; the same request again is one with another number, whose answer may be another."""
        asked = canonical_json([components_hash(components), part, [example.row.id for example in examples]])
        number = self._requests[asked]
        self._requests[asked] += 1
        return self._problem.improves.improve(components, examples, part, number=number)

    def _note(
        self,
        components: Components,
        *,
        parent: Components | None = None,
        dev: ScoredAnswers | None = None,
        refused: str = "",
        is_accepted: bool = False,
        is_new: bool = False,
    ) -> None:
        """Keep what became of a candidate: a new one, or what is told of one that is known."""
        identity = components_hash(components)
        if identity in self._by_hash and not is_new:
            place = self._by_hash[identity]
            known = self.candidates[place]
            self.candidates[place] = replace(
                known,
                dev=dev or known.dev,
                refused=refused or known.refused,
                is_accepted=is_accepted or known.is_accepted,
            )
            return
        name = f"{GEPA}-{len(self.candidates) + 1}"
        if not is_new:
            self._by_hash[identity] = len(self.candidates)
        parents = () if parent is None else (self._name_of(parent),)
        self.candidates.append(Candidate(name, GEPA, parents, dict(components), dev, refused, is_accepted))

    def _name_of(self, components: Components) -> str:
        place = self._by_hash.get(components_hash(components))
        return "seed" if place is None else self.candidates[place].name
