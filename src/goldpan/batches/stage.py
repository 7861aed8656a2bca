"""The steps of one stage, each from the files it reads to the files it leaves.

Every step can be run on its own and again; the workflow's rules and the command line call these and nothing
below them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from goldpan.batches.answer import AnsweredShard, answer_shard, asking_of_jobs
from goldpan.batches.batch_file import read_batch_file, write_batch_file
from goldpan.batches.budget import check_budget
from goldpan.batches.completion import read_completion, write_completion
from goldpan.batches.consolidate import consolidate
from goldpan.batches.doubt import DoubtResolver
from goldpan.batches.fetch import fetch_batch
from goldpan.batches.go_on import may_go_on
from goldpan.batches.left_to_batches import is_left_to_batches
from goldpan.batches.plan import plan_round
from goldpan.batches.progress import Progress
from goldpan.batches.put_away import forget_engine_files, kept_raw, put_away_rounds
from goldpan.batches.round_wait import asked_elsewhere, poll_of, under_way, wait_for_round
from goldpan.batches.rounds import rounds_to_settle
from goldpan.batches.settle import Settled, settle_round
from goldpan.batches.shard import make_again, place_shard
from goldpan.batches.submit import asks_elsewhere, submit_shard
from goldpan.batches.summary import Summary
from goldpan.batches.take_in import check_ledger_knows
from goldpan.batches.the_rest import take_over
from goldpan.batches.unsettled import Unsettled
from goldpan.batches.wait import Waiting
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import InDoubtError, PendingError
from goldpan.files import write_bytes, write_json
from goldpan.ledger import BatchName, Ledger, Submission
from goldpan.providers.base import Batch, BatchProvider
from goldpan.providers.connect import connect_to, service_of
from goldpan.providers.keys import Keys
from goldpan.providers.own_model.identity import check_model_is_here, with_models_named
from goldpan.records.inputs import files_of_sources
from goldpan.stages.features import features_of_stage
from goldpan.stages.make import StageRecords, make_records
from goldpan.stages.plan import Plan, Shard, read_plan
from goldpan.stages.tables import write_tables
from goldpan.study.load import Project


class StageRun:
    """One stage of a project.

    Args:
        project: the project.
        name: the stage's name.
        provider: who is asked; default the study's own.
        clock: the time, for everything that waits.
    """

    def __init__(
        self,
        project: Project,
        name: str,
        *,
        provider: BatchProvider | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ):
        self.name = name
        self._provider, self._clock = provider, clock
        self._take(with_models_named(project))

    def _take(self, project: Project) -> None:
        self.project, self.paths = project, project.paths
        self.stage = project.study.asked_stages[self.name]
        self.provider_settings = project.study.providers[self.stage.provider]

    def _at(self, path: str) -> Path:
        return self.project.root / path

    def _left(self, path: str) -> Path:
        return self.project.left(path, f"stage `{self.name}`")

    def connect(self) -> BatchProvider:
        """The stage's provider, with its key from the environment or the project's `.env`."""
        return self._provider or connect_to(self.project, self.stage.provider, self.stage.mode)

    def _connect_for(self, ledger: Ledger, number: int) -> BatchProvider:
        """The stage's provider as a round asks it."""
        provider = self.connect()
        if provider.works_here:
            return provider
        from goldpan.providers.online import OnlineProvider

        if isinstance(provider, OnlineProvider) and self._is_left_to_batches(ledger, number):
            return provider.making_batches()
        return provider

    def _is_left_to_batches(self, ledger: Ledger, number: int) -> bool:
        return is_left_to_batches(ledger, self.project.study.study, self.name, self.stage, number)

    def _service(self) -> str:
        """Who answers the stage, as the ledger remembers it."""
        return service_of(self.provider_settings, Keys(self.project.root))

    def input_files(self) -> dict[tuple[str, str], Path]:
        """(source, file) -> the user's file, for all input files whose records reach this stage."""
        return files_of_sources(self.project, self.project.study.sources_of(self.name))

    def make_records(self) -> StageRecords:
        """Write records.jsonl: what is to be asked, with skips."""
        return make_records(self.project, self.name)

    def plan(self, number: int, *, go_on: bool = False) -> Plan:
        """Write plan.json and asked.jsonl of a round, and spool its request files.

        Args:
            number: of the round.
            go_on: ask also where most answers so far are bad. The word holds for the tasks and the model as
                they are now, in this round and later ones.
        """
        with Ledger(self.project.ledger) as ledger:
            check_ledger_knows(ledger, self.project, self.name)
        if check_model_is_here(self.project, self.name) is not None:
            # By now it may have been brought here.
            self._take(with_models_named(self.project))
        return plan_round(
            self.project,
            self.name,
            number,
            self._at(self.paths.stage_records(self.name)),
            plan_file=self._at(self.paths.plan(self.name, number)),
            asked_file=self._at(self.paths.asked(self.name, number)),
            go_on=may_go_on(self.project, self.name, now=go_on),
        )

    def place(self, number: int, shard: str) -> None:
        """Write the request file of a shard."""
        place_shard(
            self.project,
            self.name,
            self._plan(number).shard(shard),
            records=self._at(self.paths.stage_records(self.name)),
            asked=self._at(self.paths.asked(self.name, number)),
            output=self._at(self.paths.requests(self.name, number, shard)),
        )

    def submit(self, number: int, shard: str) -> Submission:
        """See to it that a shard is with the provider, and write its batch-id file."""
        plan = self._plan(number)
        with Ledger(self.project.ledger, clock=self._clock) as ledger:
            provider = self._connect_for(ledger, number)
            submission = self._submit(ledger, provider, plan, plan.shard(shard))
        path = self._at(self.paths.batch(self.name, number, shard))
        write_batch_file(path, plan, plan.shard(shard), submission)
        return submission

    def _submit(self, ledger: Ledger, provider: BatchProvider, plan: Plan, shard: Shard) -> Submission:
        asked = self._at(self.paths.asked(self.name, plan.round))
        requests = self._at(self.paths.requests(self.name, plan.round, shard.name))
        latest = ledger.latest_submission(shard.hash)
        if latest is None or not latest.is_open:
            check_ledger_knows(ledger, self.project, self.name)
        if shard.pending and latest is not None and latest.state == "void":
            # Whoever asked it gave it up since the plan was made: this study asks its own rows of it.
            records = self._at(self.paths.stage_records(self.name))
            make_again(self.project, self.name, shard, records=records, asked=asked, output=requests)
        return submit_shard(
            ledger,
            provider,
            plan,
            shard,
            asked=asked,
            requests=requests,
            provider_name=self.stage.provider,
            check_budget=partial(check_budget, ledger, plan.study, self.name, self.stage),
            service=self._service(),
            tier=None if self._is_left_to_batches(ledger, plan.round) else self.stage.asked_tier,
            doubts=DoubtResolver(
                self.provider_settings.grace_seconds,
                list_is_exact=provider.list_is_exact,
                clock=self._clock,
            ),
        )

    def answer(self, number: int, shard: str, say: Callable[[str], None]) -> AnsweredShard:
        """Answer a shard with a model of one's own, to its end, and write what came of it.

        Args:
            say: told what whoever watches should know.
        """
        output = self._at(self.paths.answered(self.name, number, shard))
        return answer_shard(self.project, self.name, number, shard, output, say)

    def wait(self, number: int, report: Callable[[Progress], None]) -> None:
        """Wait until every batch of a round is terminal, and write completion.json.

        Raises:
            PendingError: the study says not to wait, and batches are open; or requests are under way in
                another study, at a service that this one does not ask. waiting.json says which.
        """
        plan = self._plan(number)
        note = self._at(self.paths.waiting(self.name, number))
        note.unlink(missing_ok=True)
        with Ledger(self.project.ledger, clock=self._clock) as ledger:
            waiting, elsewhere = self._under_way(ledger, plan)
            try:
                if waiting:
                    elsewhere += self._wait_for(ledger, plan, waiting, report)
                if elsewhere:
                    raise asked_elsewhere(elsewhere)
            except PendingError as pending:
                write_json(note, {"stage": self.name, "round": number, "open": pending.what})
                raise
        path = self._at(self.paths.completion(self.name, number))
        batches = [(item.shard, item.hash, item.submission.id, item.batch) for item in waiting if item.batch]
        write_completion(path, plan.study, self.name, number, batches)

    def _under_way(self, ledger: Ledger, plan: Plan) -> tuple[list[Waiting], list[Submission]]:
        submissions = [(shard, self._submission_of(ledger, plan, shard)) for shard in plan.shards]
        return under_way(submissions, self._service())

    def _submission_of(self, ledger: Ledger, plan: Plan, shard: Shard) -> Submission:
        path = self._left(self.paths.batch(self.name, plan.round, shard.name))
        file = read_batch_file(path, self.name, plan.round)
        return ledger.latest_submission(shard.hash) or ledger.submission(
            self._number_of(ledger, shard, file.says["submission"], file.batch_id)
        )

    def _wait_for(
        self, ledger: Ledger, plan: Plan, waiting: list[Waiting], report: Callable[[Progress], None]
    ) -> list[Submission]:
        from goldpan.batches.online import asking_in_mode

        provider = self._connect_for(ledger, plan.round)
        return wait_for_round(
            ledger,
            self.project,
            provider,
            waiting,
            ask=asking_of_jobs(provider, self.project, self.name, plan.round)
            if provider.answers_in_jobs
            else asking_in_mode(ledger, self.project, self.name, provider, clock=self._clock),
            poll=poll_of(provider, self.stage),
            wait=self.stage.wait,
            submit=lambda item: self._submit(ledger, provider, plan, plan.shard(item.shard)),
            is_elsewhere=lambda submission: asks_elsewhere(submission, self._service()),
            report=report,
            clock=self._clock,
        )

    def fetch(self, number: int, shard: str) -> None:
        """Write the raw lines of a shard."""
        plan = self._plan(number)
        plan.shard(shard)
        completed = self._completed(number)
        raw = self._at(self.paths.raw(self.name, number, shard))
        raw.parent.mkdir(parents=True, exist_ok=True)
        if shard not in completed:
            # No batch was made of it: another study asks its requests.
            write_bytes(raw, b"")
            return
        with Ledger(self.project.ledger, clock=self._clock) as ledger:
            batches = {
                name: (self._number_of(ledger, plan.shard(name), submission, batch.id), batch)
                for name, (submission, batch) in completed.items()
            }
            submission, batch = batches.pop(shard)
            if kept_raw(self.project, raw, plan.shard(shard).hash, batch).bring_back():
                return
            provider = self.connect()
            patience = poll_of(provider, self.stage).patience
            try:
                fetch_batch(ledger, provider, batch, submission, raw, patience=patience, clock=self._clock)
            except InDoubtError:
                take_over(
                    ledger, self.project, provider, batches.values(), patience=patience, clock=self._clock
                )
                raise

    def settle(self, number: int) -> Settled:
        """Take the outcomes of a round into the ledger, and write settled.json."""
        plan = self._plan(number)
        with Ledger(self.project.ledger, clock=self._clock) as ledger:
            batches = [
                (
                    shard,
                    self._number_of(ledger, plan.shard(shard), submission, batch.id),
                    batch,
                    self._raw(number, plan.shard(shard), batch),
                )
                for shard, (submission, batch) in self._completed(number).items()
            ]
            return settle_round(
                ledger,
                self.project,
                plan,
                batches,
                self._at(self.paths.asked(self.name, number)),
                self._at(self.paths.settled(self.name, number)),
            )

    def _raw(self, number: int, shard: Shard, batch: Batch) -> Path:
        """Where the raw lines of a shard lie."""
        plain = self._at(self.paths.raw(self.name, number, shard.name))
        return kept_raw(self.project, plain, shard.hash, batch).where

    def consolidate(self) -> Summary:
        """Write features.jsonl, features.parquet and summary.json, and clear away what is of no use then.

        Partial features are removed, request files and raw lines put away (see `put_away`), and the files of
        settled batches of an engine of our own removed.
        """
        summary = consolidate(
            self.project,
            self.name,
            records=self._at(self.paths.stage_records(self.name)),
            asked=self._at(self.paths.asked(self.name, 1)),
            features=self._at(self.paths.features(self.name)),
            parquet=self._at(self.paths.features_parquet(self.name)),
            summary=self._at(self.paths.summary(self.name)),
        )
        shutil.rmtree(self._at(self.paths.partial(self.name, "")), ignore_errors=True)
        put_away_rounds(self.project, self.name)
        with Ledger(self.project.ledger, clock=self._clock) as ledger:
            forget_engine_files(self.project, self.stage.provider, ledger)
        return summary

    def consolidate_so_far(self) -> Summary:
        """Write the features of a stage that has not ended to a folder of their own.

        They lie apart from the final ones, so that nothing takes them for those.

        Raises:
            StudyError: the stage is not planned yet.
        """
        asked = self._left(self.paths.asked(self.name, 1))
        number = len(rounds_to_settle(self.paths, self.name, self.project.root))
        plans = {at: self._at(self.paths.plan(self.name, at)) for at in range(1, number + 1)}
        refusals = [read_plan(plan, self.name, at).over_budget for at, plan in plans.items() if plan.exists()]
        return consolidate(
            self.project,
            self.name,
            records=self._at(self.paths.stage_records(self.name)),
            asked=asked,
            features=self._at(self.paths.partial(self.name, "features.jsonl")),
            parquet=self._at(self.paths.partial(self.name, "features.parquet")),
            summary=self._at(self.paths.partial(self.name, "summary.json")),
            unsettled=Unsettled(
                round=number,
                max_rounds=self.stage.max_rounds,
                refusal=next(filter(None, refusals), None),
            ),
        )

    def tables(self) -> None:
        """Write one CSV for each input file."""
        tables = self.paths.tables(self.name, self.input_files())
        outputs = {place: self._at(path) for place, path in tables.items()}
        write_tables(
            self._at(self.paths.stage_records(self.name)),
            self._at(self.paths.features(self.name)),
            outputs,
            features_of_stage(self.project, self.name),
        )

    def _plan(self, number: int) -> Plan:
        return read_plan(self._left(self.paths.plan(self.name, number)), self.name, number)

    def _number_of(self, ledger: Ledger, shard: Shard, number: int, batch_id: str) -> int:
        """The number that a batch has in this ledger.

        The results may have been made with another ledger, whose number was that of another submission.
        """
        name = BatchName(batch_id, self._service(), shard=shard.hash, number=number)
        submission = ledger.submission_of_batch(name)
        return number if submission is None else submission.id

    def _completed(self, number: int) -> dict[str, tuple[int, Batch]]:
        """shard -> (submission, batch) of a round's completion.json."""
        return read_completion(self._left(self.paths.completion(self.name, number)), self.name, number)
