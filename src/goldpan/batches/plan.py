"""Planning a round: which requests are asked, in which shards, at which cost. Nothing is sent here.

A plan is a pure function of the records, the task, the study and the ledger; running it again after nothing
changed gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson

from goldpan.batches.budget import over_budget, overspent, spending_of
from goldpan.batches.estimate import AnswerLength, TokenEstimator, answer_length, round_estimate, stage_price
from goldpan.batches.left_to_batches import is_left_to_batches
from goldpan.batches.mostly_bad import TriedBefore
from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.batches.request_check import request_findings
from goldpan.batches.shard_writer import ShardWriter
from goldpan.batches.spool import Spool
from goldpan.crashpoints import reached
from goldpan.errors import ReplayMissError, StudyError
from goldpan.files import iter_lines, replacing_compressed
from goldpan.garbage import seldom_collected
from goldpan.ledger import Answer, Ledger
from goldpan.providers.connect import provider_class
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.model_facts import URLS
from goldpan.providers.own_model.identity import own_model
from goldpan.providers.prices import context_window
from goldpan.records.seen import SeenKeys
from goldpan.records.skips import skip_code
from goldpan.stages.plan import Plan, Shard, pending_name, task_hashes, write_plan
from goldpan.stages.rows import AskedRow
from goldpan.stages.upstream import failures_before, failures_text
from goldpan.study.load import Project
from goldpan.study.provider import NetworkSettings

# Records in hand at a time; more take longer, as they no longer fit into the processor's cache.
_CHUNK = 32
# Requests from which on it is worth to ask some of them first.
_PILOT_WORTH = 100
_WITHOUT_AN_ANSWER = (
    "import the published ledger (`goldpan ledger import FILE`), check that task, prompt and model are as"
    " published, or name a provider that can be asked"
)
_IN_A_BUNDLE = (
    "the study, a task, a prompt or a record is not as it was when the bundle was made: put it back, or get"
    " the bundle anew and replay it into another folder. To go on with the study by a key of your own, take"
    " `replay: true` out of config/config.yaml"
)


def plan_round(
    project: Project,
    stage_name: str,
    number: int,
    records: Path,
    *,
    plan_file: Path,
    asked_file: Path,
    go_on: bool = False,
) -> Plan:
    """Decide what a round asks, spool its request files, and write `plan.json` and `asked.jsonl`.

    Args:
        records: the stage's records file.
        plan_file, asked_file: what to write.
        go_on: ask also where most answers so far are bad.

    Raises:
        MostlyBadError: most answers so far are bad, and requests would be asked.
        ReplayMissError: the provider is `replay` and the ledger lacks an answer.
        PromptError, TaskError, WhereError: the task or its prompt does not fit.
    """
    with seldom_collected(), Ledger(project.ledger) as ledger, replacing_compressed(asked_file) as asked:
        planner = _Planner(project, stage_name, ledger, Spool(project.ledger), number)
        planner.pilot = planner.stage.pilot if number == 1 else None
        for row in planner.decide(records):
            asked.write(row)
        if not go_on:
            planner.tried.check(project.study.study, stage_name, planner.counts["asked"])
        plan = planner.finish(number)
    reached("planning")
    write_plan(plan_file, plan)
    return plan


def preview_round(project: Project, stage_name: str, records: Path) -> Plan:
    """What the first round of a stage would ask and cost; writes and sends nothing."""
    with Ledger(project.ledger) as ledger:
        planner = _Planner(project, stage_name, ledger, spool=None)
        for _ in planner.decide(records):
            pass
        return planner.finish(1)


class _Planner:
    def __init__(
        self, project: Project, stage_name: str, ledger: Ledger, spool: Spool | None, number: int = 1
    ):
        self.project, self.stage_name, self.ledger = project, stage_name, ledger
        settings = project.study.asked_stages[stage_name]
        self.stage, self.provider = asked_stage(settings), project.study.providers[settings.provider]
        keys = Keys(project.root)
        window = context_window(settings.model)
        self.questioner = Questioner(settings, project.tasks, window, self.provider, keys)
        self.own_model = own_model(project, settings.provider)
        tokenizer = self.own_model.tokenizer if self.own_model else None
        self.estimator = TokenEstimator(self.stage.model, tokenizer)
        self.writer = ShardWriter(self.stage, spool, self.questioner, self.estimator)
        study = project.study.study
        answerer = provider_class(self.provider)
        is_free = not (answerer.costs_money or answerer.from_ledger_alone)
        is_online = self.stage.mode == "online" and not answerer.works_here
        if isinstance(self.provider, NetworkSettings):
            from goldpan.providers.online.address import check_asked

            check_asked(self.provider, self.stage)
        is_online = is_online and not is_left_to_batches(ledger, study, stage_name, self.stage, number)
        tier = self.stage.asked_tier
        self.price = stage_price(self.stage, is_free=is_free, is_online=is_online, tier=tier)
        # How long answers are is not learned from those of another answerer, nor of another task.
        hashes = task_hashes({name: task.hash for name, task in self.questioner.tasks.items()})
        self.spent, self.spent_on_any = (
            [row for row in ledger.spent(study, stage_name, of_tasks) if row.is_free == is_free]
            for of_tasks in (hashes, None)
        )
        self.spending = spending_of(ledger, study, stage_name, self.stage)
        self.replays = answerer.from_ledger_alone or project.replays
        self.is_of_a_bundle = project.replays
        self.findings = request_findings(settings, self.provider, self.questioner.tasks.values(), keys)
        self.any_open = bool(ledger.submissions(only_open=True))
        self.any_ok = False
        self.records = 0
        self.skipped: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.asked_of: Counter[str] = Counter()
        self.pending: set[str] = set()
        self.tried = TriedBefore()
        self.pilot: int | None = None
        if spool:
            spool.tidy({submission.shard for submission in ledger.submissions(only_open=True)})

    def decide(self, records: Path) -> Iterator[bytes]:
        """The lines of asked.jsonl, in the order of the records."""
        with SeenKeys() as seen:
            for lines in _pieces(records):
                asked = self.questioner.ask_lines(records, lines)
                self.records += len(asked)
                chunk: list[Question | Skip] = []
                for questions in asked:
                    chunk.extend([questions] if isinstance(questions, Skip) else questions)
                yield from self._decide_chunk(chunk, seen)
        self.writer.close()

    def _as_known(self, chunk: list[Question | Skip]) -> list[Question | Skip]:
        """The chunk; questions that the ledger has answered or under way in a former shape have that key."""
        former = [key for item in chunk if isinstance(item, Question) for key in item.former_keys]
        if not former:
            return chunk
        rounds = self.stage.max_rounds
        # A failure is not paid for: what was refused in a former shape is asked in the present one.
        known = {
            key
            for key, answer in self.ledger.outcomes(former).items()
            if answer.state != "failed" and not answer.may_be_asked(rounds)
        }
        if self.any_open:
            known.update(self.ledger.under_way(former))
        return [self._with_known_key(item, known) if isinstance(item, Question) else item for item in chunk]

    def _with_known_key(self, question: Question, known: set[bytes]) -> Question:
        for key in question.former_keys:
            if key in known:
                return question._replace(key=key)
        return question

    def _decide_chunk(self, chunk: list[Question | Skip], seen: SeenKeys) -> Iterator[bytes]:
        chunk = self._as_known(chunk)
        keys = [item.key for item in chunk if isinstance(item, Question) and self.writer.can_send(item)]
        outcomes = self.ledger.outcomes(keys)
        self.any_ok = self.any_ok or any(outcome.state == "ok" for outcome in outcomes.values())
        unknown = [key for key in keys if key not in outcomes or outcomes[key].retryable]
        under_way = self.ledger.under_way(unknown) if self.any_open else {}
        to_ask = seen.add_new(
            key
            for key in unknown
            if key not in under_way
            and (key not in outcomes or outcomes[key].may_be_asked(self.stage.max_rounds))
        )
        for item in chunk:
            if isinstance(item, Question) and item.key in outcomes:
                self.tried.add(outcomes[item.key])
            if isinstance(item, Skip):
                self.skipped[skip_code(item.reason)] += 1
                yield _line({"id": item.id, "skip": item.reason})
                continue
            row: AskedRow = {
                "id": item.id,
                "sample": item.sample,
                "task": item.task,
                "custom_id": item.custom_id,
                "key": item.key.hex(),
            }
            if item.notes:
                row["notes"] = item.notes
            if not self.writer.can_send(item):
                row.update({"do": "oversize", "bytes": item.size})
            elif item.key in to_ask:
                to_ask.discard(item.key)
                attempts = _attempts(outcomes.get(item.key))
                if self._is_held_back():
                    row["do"] = "later"
                else:
                    row.update({"do": "asked", "shard": self._ask(item, attempts), "attempts": attempts})
            elif item.key in under_way:
                shard = under_way[item.key]
                self.pending.add(shard)
                attempts = _attempts(outcomes.get(item.key))
                row.update({"do": "pending", "shard": pending_name(shard), "attempts": attempts})
            else:
                row["do"] = self._known_as(outcomes.get(item.key))
            self.counts[row["do"]] += 1
            yield _line(row)

    def _is_held_back(self) -> bool:
        """Whether the pilot is full, and not answered yet: what else there is waits for the next round."""
        if self.pilot is None or self.tried.total >= self.pilot:
            return False
        return self.counts["asked"] + self.counts["pending"] >= self.pilot

    def _known_as(self, outcome: Answer | None) -> str:
        """Why a request that is neither asked nor under way needs not be asked."""
        if outcome is None or outcome.may_be_asked(self.stage.max_rounds):
            return "shared"
        return "exhausted" if outcome.retryable else "answered"

    def _ask(self, question: Question, attempts: int) -> str:
        if self.replays:
            raise ReplayMissError(
                f"the ledger has no answer for record {question.id!r} (request {question.key.hex()[:12]})",
                where=f"stage {self.stage_name}",
                remedy=_IN_A_BUNDLE if self.is_of_a_bundle else _WITHOUT_AN_ANSWER,
            )
        self.asked_of[question.task] += 1
        return self.writer.add(question, attempts)

    def finish(self, number: int) -> Plan:
        """The plan, once all records are decided.

        Raises:
            StudyError: there is something to ask, and the service would refuse all of it.
        """
        self._check_that_it_can_be_answered()
        lengths = [
            (answer_length(self.questioner.tasks[name], self.stage, self.spent, self.spent_on_any), count)
            for name, count in sorted(self.asked_of.items())
        ]
        estimate = round_estimate(lengths, self.estimator, self.price)
        shards = list(self.writer.shards)
        for hash_ in sorted(self.pending):
            # Another study may have settled it this moment.
            submission = self.ledger.latest_submission(hash_)
            assert submission is not None
            shards.append(
                Shard(pending_name(hash_), hash_, submission.requests, submission.bytes, 0, pending=True)
            )
        decided = ("answered", "asked", "shared", "pending", "exhausted", "oversize", "later")
        requests = {name: self.counts[name] for name in decided}
        return Plan(
            study=self.project.study.study,
            stage=self.stage_name,
            round=number,
            provider=self.stage.provider,
            model=self.stage.model,
            tasks={name: task.hash for name, task in sorted(self.questioner.tasks.items())},
            records=self.records,
            skipped=dict(sorted(self.skipped.items())),
            requests={"total": sum(requests.values()), **requests},
            shards=shards,
            estimate=estimate.as_dict(),
            budget_usd=self.stage.budget_usd,
            over_budget=over_budget(self.stage, self.spending, estimate.cost_usd),
            spent={"settled_usd": self.spending.settled_usd, "open_usd": self.spending.open_usd},
            unpriced=list(self.spending.unpriced),
            endpoint=URLS[self.stage.endpoint or "chat"],
            output=self.stage.output or "tool",
            notes=[
                *self._model_notes(),
                *self._upstream_notes(),
                *self._money_notes(lengths),
                *(finding.text for finding in self.findings),
            ],
        )

    def _model_notes(self) -> Iterator[str]:
        if self.own_model is None:
            return
        if self.own_model.problem is None:
            yield f"answered by `{self.own_model.identity}`, the model of provider `{self.stage.provider}`"
        else:
            what, remedy = self.own_model.problem
            yield (
                f"to be answered by `{self.own_model.name}`, and {what}; {remedy}. Until then all its"
                " requests count as new"
            )

    def _upstream_notes(self) -> Iterator[str]:
        for stage, failures in failures_before(self.project, self.stage_name).items():
            yield (
                f"{failures_text(stage, failures)}; skipped here. `goldpan retry {stage} --study"
                f" {self.project.study.study}` lets them be asked again"
            )

    def _money_notes(self, lengths: list[tuple[AnswerLength, int]]) -> Iterator[str]:
        if too_much := overspent(self.stage, self.spending):
            yield too_much
        limited = self.stage.budget_usd is not None and self.stage.pilot is None
        # Online the budget is held against what is spent, before each request.
        limited = limited and self.stage.mode == "batch"
        is_guess = any(not length.is_learned for length, _ in lengths)
        if limited and is_guess and self.counts["asked"] > _PILOT_WORTH:
            yield (
                "the budget is held against a guess of how long answers are, and all shards of a round are"
                " sent before the first is answered: `pilot: 20` asks so many first and learns from them"
            )

    def _check_that_it_can_be_answered(self) -> None:
        errors = [finding.text for finding in self.findings if finding.is_error]
        # Where the ledger has answers to such requests, what we believe of the model is wrong.
        if errors and self.asked_of and not self.any_ok:
            raise StudyError(
                "\n  ".join(["its requests would be refused, after the wait for a batch:", *errors]),
                where=f"{self.project.study_file}: stages.{self.stage_name}",
                remedy="correct it, or if you know better name the stage's `endpoint`: then it is asked",
            )


def _pieces(records: Path) -> Iterator[list[tuple[int, bytes]]]:
    """The lines of a records file, numbered, some at a time."""
    lines = iter_lines(records)
    while piece := list(islice(lines, _CHUNK)):
        yield piece


def _attempts(outcome: Answer | None) -> int:
    return 0 if outcome is None else outcome.attempts


def _line(row: AskedRow) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
