"""A stage that is made for a search: its requests go through the steps and the ledger of any stage.

What the ledger holds is read from it, and only what it lacks is asked. So a search that is stopped at any
point goes on where it was, and one that is made again asks nobody.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.budget import Spending, spending_of
from goldpan.batches.estimate import stage_price
from goldpan.batches.put_away import forget_engine_files
from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.batches.stage import StageRun
from goldpan.batches.take_in import check_ledger_knows
from goldpan.errors import BudgetError, StudyError
from goldpan.files import write_bytes
from goldpan.ledger import Answer, Ledger
from goldpan.optimise.money import Money
from goldpan.providers.connect import provider_class
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.prices import Price, context_window
from goldpan.records.model import Record
from goldpan.study.load import Project
from goldpan.study.paths import Paths
from goldpan.study.stage import Stage
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.batch_lines import read_batch_line
from goldpan.tasks.task import load_task
from goldpan.visible_text import printable

_VERSIONS_KEPT = 16
_NAMED = 5


@dataclass(frozen=True)
class RecordAnswer:
    """What came of the request about a record.

    Attributes:
        id: of the record.
        state, reason: as in `features.jsonl`.
        predictions: feature -> prediction object as there; empty unless `ok`.
        cost_usd: 0 where nothing was paid; None where the price is not known.
    """

    id: str
    state: str
    reason: str
    predictions: dict[str, dict[str, Any]]
    cost_usd: float | None


@dataclass(frozen=True)
class _Version:
    """A version of the task, ready to be asked."""

    questioner: Questioner
    reader: AnswerReader


class LedgerStage:
    """Asks records of versions of one task.

    Args:
        project: the project; its ledger, keys and providers are used.
        name: of the stage in the ledger, by which what it has cost is told.
        stage: whom it asks and how, as a stage of the study has it; one request for each record.
        kind: of its answers, for `money`.
        folder: where the files of a version lie while they are of use.
        money: of the search.

    Attributes:
        without_usage: numbers of the submissions with answers that do not say how many tokens they took.
        asked: how many records were asked in this run, rather than read from the ledger.
    """

    def __init__(self, project: Project, name: str, stage: Stage, kind: str, folder: Path, money: Money):
        self.asked = 0
        self.name, self.kind, self.folder = name, kind, folder
        single = {"samples": 1, "aggregate": None, "pilot": None, "duplicates": None, "tables": None}
        own = {"mode": "online", "wait": True, "budget_usd": None, "tier": stage.asked_tier}
        self.stage = stage.model_copy(update={**single, **own})
        study = project.study.model_copy(update={"stages": {name: self.stage}})
        self._project, self._money = replace(project, study=study), money
        money.payers.append(self._spending)
        self.without_usage: set[int] = set()
        self._planned_usd: dict[int, float] = {}
        self._models: dict[bytes, str] = {}
        self._version = lru_cache(maxsize=_VERSIONS_KEPT)(self._read_version)

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self._project.ledger

    @property
    def price(self) -> Price | None:
        """Of its answers: that of single requests, in whichever mode they were paid."""
        return single_request_price(self._project, self.stage)

    def _read_version(self, tasks: Path) -> _Version:
        project, settings = self._project, self.stage
        provider = project.study.providers[settings.provider]
        window = context_window(settings.model)
        questioner = Questioner(settings, tasks, window, provider, Keys(project.root))
        (choice,) = settings.task
        output = asked_stage(settings).output or "tool"
        return _Version(questioner, AnswerReader(load_task(choice.task, tasks), output))

    def answers(self, tasks: Path, records: Sequence[Record]) -> list[RecordAnswer]:
        """What comes of asking records; those whose answers the ledger lacks are asked now, together.

        Args:
            tasks: folder with the files of the version.
            records: no two with one id.

        Raises:
            MoneySpentError: what is to be asked might go above the money of the search; it is not asked.
            PromptError: a template fails on a record.
            ReplayMissError: the provider is `replay`, and the ledger lacks an answer.
            OnlineError, ProviderError, LedgerError: nobody could be asked; a later run goes on.
        """
        version = self._version(tasks)
        asked = [version.questioner.ask(record) for record in records]
        questions = [question for item in asked if not isinstance(item, Skip) for question in item]
        known, lacking = self._known(questions)
        new = self._money.new(known[question.id] for question in questions)
        make_estimate = partial(self._estimate, tasks, records, lacking) if lacking else lambda: 0.0
        estimate = self._first_estimate(make_estimate)
        self._money.check(self.kind, len(new), estimate)
        if lacking:
            self._ask(tasks, [record for record in records if record["id"] in lacking], estimate)
            self.asked += len(lacking)
            known, _ = self._known(questions)
        return self._read(version, asked, known)

    def _first_estimate(self, estimate: Any) -> float:
        """The plan's estimate, which is only made where there is a limit, and no answer to learn from."""
        return estimate() if self._money.limit is not None and not self._money.spent_on(self.kind) else 0.0

    def _known(self, questions: Sequence[Question]) -> tuple[dict[str, bytes], set[str]]:
        """Record id -> the key by which the ledger knows its request, and the ids it has no answer for."""
        keys = [key for question in questions for key in (question.key, *question.former_keys)]
        with Ledger(self.ledger) as ledger:
            outcomes = ledger.outcomes(keys)
        known, lacking = {}, set()
        for question in questions:
            known[question.id] = question.key
            # A failure is not paid for: what failed in a former shape is asked in the present one.
            former = [key for key in question.former_keys if _is_final(outcomes.get(key), self.stage)]
            former = [key for key in former if outcomes[key].state != "failed"]
            if _is_final(outcomes.get(question.key), self.stage):
                continue
            if former:
                known[question.id] = former[0]
            else:
                lacking.add(question.id)
        return known, lacking

    def _run(self, tasks: Path, budget: float | None = None) -> tuple[StageRun, Path]:
        """The stage over a version of the task, and the folder of its results.

        Args:
            budget: of the stage, in all its runs, in USD.
        """
        results = tasks.with_name(f"{tasks.name}.results")
        stages = {self.name: self.stage.model_copy(update={"budget_usd": budget})}
        study = self._project.study.model_copy(update={"stages": stages})
        paths = Paths(str(results), study.study)
        return StageRun(
            replace(self._project, study=study, paths=paths, task_folder=tasks), self.name
        ), results

    def _estimate(self, tasks: Path, records: Sequence[Record], lacking: set[str]) -> float:
        """USD for what is lacking, by the plan. Raises StudyError where no price is known."""
        from goldpan.batches.plan import preview_round

        run, results = self._run(tasks)
        path = results / "preview.jsonl"
        _write_records(path, [record for record in records if record["id"] in lacking])
        cost = preview_round(run.project, self.name, path).estimate["cost_usd"]
        path.unlink()
        if cost is None:
            raise unknown_price(self.stage.model)
        return float(cost)

    def _ask(self, tasks: Path, records: Sequence[Record], estimate: float) -> None:
        """Ask until the ledger has an outcome for each record, and forget the files."""
        run, results = self._run(tasks)
        stage_folder = run.project.root / run.paths.stage(self.name)
        with Ledger(self.ledger) as ledger:
            if stage_folder.exists():
                check_ledger_knows(ledger, run.project, self.name)
            room = self._money.check_paid(ledger, self.kind, len(records), estimate)
            paid = self._spending(ledger).total_usd
        # What an earlier run has left is of other records: what it paid is in the ledger.
        shutil.rmtree(stage_folder, ignore_errors=True)
        _write_records(run.project.root / run.paths.stage_records(self.name), records)
        number = 1
        while True:
            # A bad prompt is a finding here, and no reason to stop.
            plan = run.plan(number, go_on=True)
            asking = self._limited(tasks, run, paid, room, plan.estimate["cost_usd"])
            for shard in plan.shards:
                asking.place(number, shard.name)
            try:
                for shard in plan.shards:
                    asking.submit(number, shard.name)
                asking.wait(number, lambda progress: None)
            except BudgetError:
                with Ledger(self.ledger) as ledger:
                    held = self._money.spent + self._spending(ledger).total_usd - paid
                self._money.refuse(0.0, held)
            for shard in plan.shards:
                run.fetch(number, shard.name)
            if not run.settle(number).left:
                break
            number += 1
        shutil.rmtree(results, ignore_errors=True)
        with Ledger(self.ledger) as ledger:
            forget_engine_files(run.project, self.stage.provider, ledger)

    def _limited(
        self, tasks: Path, run: StageRun, paid: float, room: float, planned: float | None
    ) -> StageRun:
        """The run with a budget: requests whose answers are lost again and again end it, and not what a plan
        reckons too high."""
        if self._money.limit is None or planned is None:
            return run
        return self._run(tasks, paid + max(room, planned))[0]

    def _spending(self, ledger: Ledger) -> Spending:
        return spending_of(ledger, self._project.study.study, self.name, self.stage)

    def _read(
        self, version: _Version, asked: Sequence[list[Question] | Skip], known: dict[str, bytes]
    ) -> list[RecordAnswer]:
        with Ledger(self.ledger) as ledger:
            outcomes = ledger.answers(list(set(known.values())))
        price = self.price
        costs = {key: self._cost(price, answer) for key, answer in outcomes.items()}
        self._note_models(outcomes)
        self._money.add(self.kind, {key: costs.get(key, 0.0) for key in known.values()})
        answers = []
        for item in asked:
            if isinstance(item, Skip):
                answers.append(RecordAnswer(item.id, "skipped", item.reason, {}, 0.0))
                continue
            (question,) = item
            key = known[question.id]
            state, reason, predictions = _reading(version.reader, outcomes.get(key))
            answers.append(RecordAnswer(question.id, state, reason, predictions, costs.get(key, 0.0)))
        return answers

    def _cost(self, price: Price | None, answer: Answer) -> float | None:
        """USD of an answer; as planned where the service does not say how many tokens it took."""
        if not answer.paid:
            return 0.0
        if price is None:
            return None
        if not (answer.prompt_tokens or answer.completion_tokens):
            return answer.paid * self._planned(answer.submission) if price.prompt or price.completion else 0.0
        return price.cost(
            answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens, answer.cache_write_tokens
        )

    def _planned(self, number: int) -> float:
        """USD that a request of a submission was estimated to cost."""
        self.without_usage.add(number)
        if number not in self._planned_usd:
            with Ledger(self.ledger) as ledger:
                submission = ledger.submission(number)
            self._planned_usd[number] = (submission.estimated_usd or 0.0) / max(1, submission.requests)
        return self._planned_usd[number]

    def _note_models(self, outcomes: Mapping[bytes, Answer]) -> None:
        """Count which model answered, as the answers say; each answer once."""
        for key, answer in outcomes.items():
            body = None if answer.line is None else read_batch_line(answer.line).body
            if isinstance(body, dict) and isinstance(body.get("model"), str):
                self._models[key] = body["model"]

    def note_on_models(self) -> str:
        """What to say where answers are of other models than the one that is asked; else nothing. A dated
        version of that model is no other."""
        asked = self.stage.model.split("/")[-1].lower()
        counts = Counter(self._models.values())
        others = {
            model: count
            for model, count in counts.most_common()
            if not model.split("/")[-1].lower().startswith(asked)
        }
        if not others:
            return ""
        named = [f"`{printable(model)[:80]}` ({count:,})" for model, count in list(others.items())[:_NAMED]]
        more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
        return (
            f"Of {len(self._models):,} {self.kind}, {sum(others.values()):,} say that another model wrote"
            f" them than `{self.stage.model}`, which was asked: {', '.join(named)}{more}."
        )

    def note_on_usage(self) -> str:
        """What to say where answers do not tell what they cost; else nothing."""
        if not self.without_usage:
            return ""
        return (
            f"Some {self.kind} do not say how many tokens they took (`usage`): what they cost is not known,"
            " and they are counted as planned."
        )


def single_request_price(project: Project, stage: Stage) -> Price | None:
    """USD for tokens of a stage whose requests are asked one by one; None where nobody knows."""
    answerer = provider_class(project.study.providers[stage.provider])
    is_free = not (answerer.costs_money or answerer.from_ledger_alone)
    return stage_price(asked_stage(stage), is_free=is_free, is_online=True, tier=stage.asked_tier)


def unknown_price(model: str, where: str | None = None) -> StudyError:
    """The error for a limit in USD that cannot be kept."""
    return StudyError(
        f"no price is known for model `{model}`, so `budget: usd` cannot be kept",
        where=where,
        remedy="give `price_usd_per_million` (of the stage, or of the improver), or leave `usd` out:"
        " `answers` limits the search, too",
    )


def _is_final(outcome: Answer | None, stage: Stage) -> bool:
    return outcome is not None and not outcome.may_be_asked(stage.max_rounds)


def _reading(reader: AnswerReader, answer: Answer | None) -> tuple[str, str, dict[str, dict[str, Any]]]:
    """State, reason and predictions of a request's outcome."""
    if answer is None:
        return "failed", "it could not be sent: it is larger than a request file may be", {}
    body = read_batch_line(answer.line).body if answer.line is not None else None
    if body is None or answer.state not in ("ok", "invalid"):
        return answer.state, answer.reason or "", {}
    reading = reader.read(body)
    return reading.state, reading.reason or "", reading.predictions or {}


def _write_records(path: Path, records: Sequence[Record]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records]
    write_bytes(path, b"".join(lines))
