"""Runs of goldpan over a real ledger and a simulated service, step by step, and what must be true of them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from goldpan.batches.adoption import adopt, rule_out
from goldpan.batches.batch_file import write_batch_file
from goldpan.batches.doubt import DoubtResolver
from goldpan.batches.fetch import fetch_batch
from goldpan.batches.settle import settle_shard
from goldpan.batches.submit import submit_shard
from goldpan.batches.wait import Waiting, asking, wait_for_batches
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import GoldpanError, InDoubtError
from goldpan.ledger import Ledger, Submission
from goldpan.stages.plan import Plan, Shard
from goldpan.study.provider import OpenAISettings
from goldpan.study.stage import Poll, Stage
from tests.model.simulated_service import Made, Manner, SimulatedClock, SimulatedProvider, SimulatedService

GRACE = 600.0
SERVICE = "simulated"
STAGE = "topics"
# Rows 2 and 3 are in both studies.
ROWS_OF = {"first": (0, 1, 2, 3), "second": (2, 3, 4, 5)}
SHARD_ROWS = 2


@dataclass(frozen=True)
class Work:
    """A shard that a study has planned, with its files."""

    study: str
    plan: Plan
    shard: Shard
    asked: Path
    requests: Path
    batch_file: Path
    raw: Path


def text_of(row: int) -> str:
    """What a row asks."""
    return f"text {row}"


def key_of(row: int) -> bytes:
    """The request key of a row."""
    return hashlib.sha256(text_of(row).encode()).digest()


class Protocol:
    """A project's ledger, its two studies, and the service they ask.

    Args:
        folder: for the files; made anew.
        manner: how the service behaves.
        resolver: makes what resolves doubts, for tests that put faults back.
    """

    def __init__(self, folder: Path, manner: Manner, resolver: Callable[..., DoubtResolver] = DoubtResolver):
        self.folder = folder
        self.clock = SimulatedClock()
        self._ledger: Ledger | None = None
        shutil.copyfile(_empty_ledger(), self.ledger_path)
        self.service = SimulatedService(self.clock, manner)
        self.said: list[str] = []
        self.failure: GoldpanError | None = None
        self._resolver = resolver
        self.works: list[Work] = []
        self.backup: Path | None = None
        # Paid for, and then forgotten with everything that could tell.
        self.excused: set[bytes] = set()
        settings = Stage.model_validate(
            {"input": {"source": "s"}, "task": "echo", "provider": "main", "model": "m", "output": "text"}
        )
        self._project: Any = SimpleNamespace(
            study=SimpleNamespace(
                asked_stages={STAGE: settings}, providers={"main": OpenAISettings(kind="openai")}
            ),
            tasks=folder,
            ledger=self.ledger_path,
        )

    @property
    def ledger_path(self) -> Path:
        """Where the ledger is."""
        return self.folder / "ledger.sqlite"

    @contextlib.contextmanager
    def ledger(self):
        """The ledger. All steps share one connection: what a killed run has not committed is rolled back, so
        nothing of it is left in there that is not in the file."""
        if self._ledger is None:
            self._ledger = Ledger(self.ledger_path, clock=self.clock)
        yield self._ledger

    def _close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    # Steps

    def plan(self, study: str) -> Work | None:
        """Plan a shard of a study: rows that are neither answered nor under way."""
        with self.ledger() as ledger:
            keys = [key_of(row) for row in ROWS_OF[study]]
            done, under_way = ledger.outcomes(keys), ledger.under_way(keys)
            rows = [
                row for row in ROWS_OF[study] if key_of(row) not in done and key_of(row) not in under_way
            ][:SHARD_ROWS]
        if not rows:
            return None
        asked = [
            {
                "id": f"r{row}",
                "sample": 0,
                "do": "asked",
                "shard": "0000",
                "attempts": 0,
                "custom_id": f"req__r{row}",
                "key": key_of(row).hex(),
                "task": "echo",
            }
            for row in rows
        ]
        number = len(self.works)
        digest = hashlib.sha256(orjson.dumps([asked, study])).hexdigest()
        for work in self.works:
            if work.shard.hash == digest:
                return work
        folder = self.folder / str(number)
        folder.mkdir(parents=True)
        (folder / "asked.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in asked))
        lines = [orjson.dumps({"custom_id": f"req__r{row}", "text": text_of(row)}) for row in rows]
        (folder / "requests.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        size = (folder / "requests.jsonl").stat().st_size
        shard = Shard("0000", digest, len(rows), size, 10)
        plan = Plan(
            study=study, stage=STAGE, round=1, provider="main", model="m", tasks={"echo": "hash"},
            records=len(rows), skipped={}, requests={}, shards=[shard], estimate={"cost_usd": None},
            budget_usd=None, over_budget=None,
        )  # fmt: skip
        work = Work(
            study, plan, shard, folder / "asked.jsonl", folder / "requests.jsonl", folder / "batch.json",
            folder / "raw.jsonl",
        )  # fmt: skip
        self.works.append(work)
        return work

    def submit(
        self,
        work: Work,
        *outcomes: str,
        kill_at: str | None = None,
        meanwhile: Callable[[], None] | None = None,
        service: str = SERVICE,
    ) -> str:
        """Submit a shard as a run does.

        Args:
            outcomes: what becomes of its paid calls.
            kill_at: the crash point at which the run is killed.
            meanwhile: what another run does while this one has reached its paid call.

        Returns:
            How it ended: submitted, in_doubt, failed or killed.
        """
        rest = [meanwhile] if meanwhile else []

        def watch(point: str) -> None:
            if point == "paying" and rest:
                rest.pop()()
            if point == kill_at:
                raise Killed

        provider = SimulatedProvider(self.service, outcomes)
        resolver = self._resolver(GRACE, clock=self.clock, say=self.said.append)
        try:
            with on_reaching(watch), self.ledger() as ledger:
                submission = submit_shard(
                    ledger, provider, work.plan, work.shard, asked=work.asked, requests=work.requests,
                    provider_name="main", service=service, doubts=resolver,
                )  # fmt: skip
                write_batch_file(work.batch_file, work.plan, work.shard, submission)
        except InDoubtError as error:
            self.failure = error
            return "in_doubt"
        except GoldpanError as error:
            self.failure = error
            return "failed"
        except Killed:
            return "killed"
        return "submitted"

    def is_open(self, work: Work) -> bool:
        """Whether a shard was submitted, or begun to be, and is not settled."""
        with self.ledger() as ledger:
            return ledger.open_submission(work.shard.hash) is not None

    def finish(self, work: Work, *, kill_at: str | None = None) -> str:
        """Wait for a shard's batch, fetch and settle it, as a run does."""

        def watch(point: str) -> None:
            if point == kill_at:
                raise Killed

        provider = SimulatedProvider(self.service)
        try:
            with on_reaching(watch), self.ledger() as ledger:
                submission = ledger.latest_submission(work.shard.hash)
                if submission is None or submission.batch_id is None:
                    return "not submitted"
                item = Waiting(work.shard.name, work.shard.hash, submission)
                wait_for_batches(
                    ledger, asking(provider), [item], poll=Poll(), wait=False, resubmit=_refuse,
                    report=_ignore,
                    clock=self.clock,
                )  # fmt: skip
                assert item.batch is not None
                fetch_batch(ledger, provider, item.batch, submission.id, work.raw, clock=self.clock)
                settle_shard(ledger, self._project, STAGE, submission.id, item.batch, work.raw)
        except GoldpanError:
            return "failed"
        except Killed:
            return "killed"
        return "settled"

    def decide(self, work: Work) -> None:
        """An honest person looks at what is truly there, and says so."""
        if not self.clock.is_idle:
            return
        with self.ledger() as ledger:
            submission = ledger.open_submission(work.shard.hash)
            if submission is None or submission.state != "intent":
                return
            made = self.made_for(submission)
            if made:
                with contextlib.suppress(GoldpanError):
                    adopt(ledger, SimulatedProvider(self.service), submission, made[0].batch.id)
            else:
                rule_out(ledger, lambda: SimulatedProvider(self.service), submission)

    def back_up(self) -> None:
        """Copy the ledger."""
        self.backup = self.folder / "backup.sqlite"
        self._copy(self.ledger_path, self.backup)

    def restore(self) -> None:
        """Put the older copy in place of the ledger; a run that finds results it does not know of stops, and
        the newer one is put back."""
        if self.backup is None:
            return
        newest = self.folder / "newest.sqlite"
        self._close()
        self._copy(self.ledger_path, newest)
        self._copy(self.backup, self.ledger_path)
        known = self._known_batches()
        if any(
            orjson.loads(work.batch_file.read_bytes())["batch_id"] not in known for work in self._placed()
        ):
            self._close()
            self._copy(newest, self.ledger_path)
            return
        self.excused |= {
            hashlib.sha256(text.encode()).digest()
            for made in self.service.made
            if made.batch.id not in known
            for text in made.texts.values()
        }

    def _placed(self) -> list[Work]:
        return [work for work in self.works if work.batch_file.exists()]

    def _known_batches(self) -> set[str | None]:
        with self.ledger() as ledger:
            return {submission.batch_id for submission in ledger.submissions()}

    def _copy(self, source: Path, destination: Path) -> None:
        for suffix in ("", "-wal", "-shm"):
            destination.with_name(destination.name + suffix).unlink(missing_ok=True)
        with (
            contextlib.closing(sqlite3.connect(source)) as old,
            contextlib.closing(sqlite3.connect(destination)) as new,
        ):
            old.backup(new)

    # What must be true

    def made_for(self, submission: Submission) -> list[Made]:
        """The batches that were truly made for a submission."""
        return [made for made in self.service.made if made.nonce == submission.nonce]

    def check(self) -> None:
        """Nothing was paid for twice, each row is in one state, and no answer is on another's row."""
        paid = Counter(
            hashlib.sha256(text.encode()).digest()
            for made in self.service.made
            if not made.nonce.startswith("stranger")
            for text in made.texts.values()
        )
        twice = {key.hex()[:8] for key, count in paid.items() if count > 1 and key not in self.excused}
        assert not twice, f"paid for twice: {twice}"
        with self.ledger() as ledger:
            answers = dict(ledger.all_answers())
            carried: Counter[bytes] = Counter()
            for submission in ledger.submissions():
                asked = ledger.asked_by(submission.id)
                assert submission.is_open or not asked, "a closed submission carries rows"
                carried.update(key for key, _ in asked.values())
        for row in range(6):
            states = carried[key_of(row)] + (key_of(row) in answers)
            assert states <= 1 or key_of(row) in self.excused, f"row {row} is in {states} states"
            answer = answers.get(key_of(row))
            if answer is not None:
                assert answer.state == "ok", f"row {row} is {answer.state}: {answer.reason}"
                assert f'"answer to {text_of(row)}"'.encode() in (answer.line or b""), f"row {row} is wrong"

    def come_to_an_end(self) -> None:
        """The service behaves well from now on: every batch that was made is found, and all rows come to be
        answered, at the latest by a person's word."""
        manner = self.service.manner
        manner.lag, manner.shows_batches, manner.knows_after, manner.says_more = 0.0, True, True, True
        while not self.clock.is_idle:
            self.clock.sleep(60.0)
        self.clock.sleep(2 * GRACE)
        for study in ROWS_OF:
            for _ in range(12):
                # Open ones first, then what is still to be planned.
                for work in list(self.works):
                    self._bring_to_an_end(work)
                if self.plan(study) is None:
                    break
            else:
                raise AssertionError(f"{study} does not come to an end")
        self.check()
        with self.ledger() as ledger:
            assert not ledger.submissions(only_open=True)
            keys = [key_of(row) for rows in ROWS_OF.values() for row in rows]
            assert set(ledger.outcomes(keys)) == set(keys), "rows are lost"

    def _bring_to_an_end(self, work: Work) -> None:
        with self.ledger() as ledger:
            submission = ledger.open_submission(work.shard.hash)
            settled = ledger.latest_submission(work.shard.hash)
            if submission is None and settled is not None and settled.state == "settled":
                return
            if submission is None and self._is_obsolete(ledger, work):
                return
        made = self.made_for(submission) if submission is not None else []
        ended = self.submit(work)
        manner = self.service.manner
        if ended == "in_doubt" and made and manner.keeps_metadata:
            raise AssertionError(f"{made[0].batch.id} is in the list, and was not found")
        if ended == "in_doubt":
            self.decide(work)
            self.submit(work)
        self.service.complete_all()
        self.finish(work)

    def _is_obsolete(self, ledger: Ledger, work: Work) -> bool:
        """Whether a plan's rows were answered or sent otherwise since: a run would plan anew."""
        keys = [bytes.fromhex(orjson.loads(line)["key"]) for line in work.asked.read_bytes().splitlines()]
        return bool(ledger.outcomes(keys) or ledger.under_way(keys))

    def clear(self) -> None:
        """Remove the files."""
        self._close()
        shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def _empty_ledger() -> Path:
    """A ledger with nothing in it, to be copied."""
    path = Path(tempfile.mkdtemp()) / "ledger.sqlite"
    Ledger(path).close()
    return path


def _refuse(item: Waiting) -> Submission:
    raise AssertionError("no batch lacks room here")


def _ignore(progress: object) -> None:
    pass
