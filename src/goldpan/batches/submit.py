"""Submitting a shard exactly once.

The order of steps is what keeps the promise: the intent is in the ledger before anything is uploaded, the
upload before the paid call, the call before it is sent, the batch id as soon as it is known. After a crash or
a lost answer the batch is looked for at the provider (see `doubt`); only when there certainly is none is it
created. What the provider refuses was certainly not paid for.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from goldpan.batches.budget import over_budget_error
from goldpan.batches.doubt import DoubtResolver
from goldpan.batches.shard import asked_rows, lines_to_upload
from goldpan.clock import Clock
from goldpan.crashpoints import reached
from goldpan.errors import LedgerError, ProviderError, ReconciliationError
from goldpan.ledger import Ledger, Submission
from goldpan.ledger.lock import LONGEST_SUBMISSION_SECONDS, ShardLock
from goldpan.providers.base import Batch, BatchProvider
from goldpan.stages.plan import Plan, Shard, task_hashes

# A provider that has no room just now, or cannot be reached, is asked again for so long.
REFUSED_SECONDS = 600.0
LONGEST_RETRY_SECONDS = 60.0
UPLOAD_NOT_FOUND = (
    "nothing was paid; run again, and the request file is uploaded anew. If the service does not find that"
    " one either, check that it makes batches, and that `base_url` leads to where files are uploaded"
)
# Of calls that all came to nothing, with proof; then something is wrong that more calls do not mend.
PAID_CALLS_IN_A_RUN = 3


def submit_shard(
    ledger: Ledger,
    provider: BatchProvider,
    plan: Plan,
    shard: Shard,
    *,
    asked: Path,
    requests: Path,
    provider_name: str,
    service: str,
    doubts: DoubtResolver,
    check_budget: Callable[[float | None], None] | None = None,
    tier: str | None = None,
) -> Submission:
    """See to it that a shard is with the provider, exactly once.

    Args:
        asked, requests: the round's asked.jsonl and the shard's request file.
        provider_name: what the study calls the provider.
        service: who that is, without secrets; see `providers.connect.service_of`.
        doubts: finds out about a paid call of which nobody knows whether it went through.
        check_budget: raises BudgetError when a shard of so many estimated USD may not be sent.
        tier: at which it is asked; None for the service's ordinary one.

    Returns:
        The submission, with its batch id; or another study's that asks another service; or void and without
        one, when another study asks all of the shard's requests by now.

    Raises:
        BudgetError: the plan is over the stage's budget; nothing was uploaded.
        InDoubtError: a paid batch may exist and the provider cannot say; nothing was paid again.
        ProviderError: the provider refused; nothing was paid.
    """
    with ShardLock(ledger.path, shard.hash):
        submission = _open_submission(ledger, shard, service, plan.study)
        if submission is None:
            latest = ledger.latest_submission(shard.hash)
            if latest is not None and latest.state == "settled":
                return latest
            if plan.over_budget:
                raise over_budget_error(plan.over_budget, plan.study, plan.stage)
            # Of a pending shard that was given up these are the rows that this study needs.
            rows = list(asked_rows(asked, shard.name))
            with spending_lock(ledger, plan.study, plan.stage):
                if check_budget is not None:
                    check_budget(plan.cost_of(shard))
                submission = ledger.record_intent(
                    rows,
                    shard=shard.hash,
                    provider=provider_name,
                    study=plan.study,
                    stage=plan.stage,
                    round=plan.round,
                    task=" ".join(sorted(plan.tasks)),
                    task_hash=task_hashes(plan.tasks),
                    model=plan.model,
                    endpoint=plan.endpoint,
                    requests=len(rows),
                    bytes=shard.bytes,
                    estimated_usd=plan.cost_of(shard),
                    service=service,
                    free=not provider.costs_money,
                    tier=tier or "",
                )
            reached("intent_written")
            if not submission.is_open:
                # Another study asks all of it by now; the next round finds it under way or answered.
                return submission
        elif asks_elsewhere(submission, service):
            return submission
        return _ensure_created(ledger, provider, submission, requests, doubts)


def spending_lock(
    ledger: Ledger, study: str, stage: str, patience: float = LONGEST_SUBMISSION_SECONDS
) -> ShardLock:
    """Held from the look at a stage's spending to the intent that adds to it: else two shards that are
    submitted side by side could both find the budget large enough."""
    place = hashlib.sha256(f"{study}\0{stage}".encode()).hexdigest()[:16]
    return ShardLock(ledger.path, f"spending-{place}", patience=patience)


def _open_submission(ledger: Ledger, shard: Shard, service: str, study: str) -> Submission | None:
    """The open submission of a shard; the study's own that was never sent to another service is given up.

    Raises:
        LedgerError: a paid call went to a service that the study no longer names.
    """
    submission = ledger.open_submission(shard.hash)
    if submission is None or submission.batch_id is not None or submission.service in ("", service):
        return submission
    if submission.study != study:
        return submission
    if submission.sent_at is None:
        ledger.void(submission.id, f"never sent; {service} is asked instead")
        return None
    command = f"goldpan batches adopt {submission.id} none --study {submission.study}"
    raise LedgerError(
        f"the paid call of this shard went to {submission.service}, and it is not certain whether it went"
        f" through; the study now names {service}",
        where=f"shard {submission.shard[:12]}, stage {submission.stage}",
        remedy="name the former service again; or, if you are certain that no batch was made there:"
        f" `{command}`",
    )


def asks_elsewhere(submission: Submission, service: str) -> bool:
    """Whether a submission is with another service than ours, which then knows nothing of its batch."""
    return bool(submission.service and service) and submission.service != service


def _ensure_created(
    ledger: Ledger, provider: BatchProvider, submission: Submission, requests: Path, doubts: DoubtResolver
) -> Submission:
    if submission.batch_id is not None:
        return submission
    batch = None
    # What was not sent was not paid for, so there is nothing to look for.
    if submission.sent_at is not None:
        batch = doubts.find_or_rule_out(ledger, provider.keeper(submission.file_id), submission)
    if batch is None:
        batch = _create(ledger, provider, submission, requests, doubts)
        reached("created")
    ledger.record_batch(submission.id, batch.id, batch.created_at, batch.status)
    reached("id_recorded")
    return ledger.submission(submission.id)


def _upload(
    ledger: Ledger,
    provider: BatchProvider,
    submission: Submission,
    requests: Path,
    *,
    take_listed: bool = True,
) -> str:
    name = f"goldpan-{submission.shard[:16]}-{submission.nonce}.jsonl"
    with lines_to_upload(ledger, submission, requests) as upload:
        size = upload.stat().st_size
        listed = provider.find_upload(name, size) if take_listed else None
        stored = listed or provider.upload(upload, name)
    if stored.bytes and stored.bytes != size:
        raise ReconciliationError(
            f"the provider holds {stored.bytes} bytes of a request file of {size} bytes",
            where=str(requests),
            remedy="run again; nothing was paid",
        )
    ledger.record_upload(submission.id, stored.id)
    reached("uploaded")
    return stored.id


def _create(
    ledger: Ledger, provider: BatchProvider, submission: Submission, requests: Path, doubts: DoubtResolver
) -> Batch:
    file_id, is_of_earlier_run = submission.file_id, submission.file_id is not None
    if file_id is None:
        file_id = _upload(ledger, provider, submission, requests)
    else:
        _hear_its_time(provider)
    clock, delay, sent = doubts.clock, 1.0, 0
    service_clock = _ServiceClock(provider, clock)
    give_up_at = clock.monotonic() + REFUSED_SECONDS
    while True:
        ledger.record_paid_call(submission.id, service_clock.now())
        reached("paying")
        try:
            return provider.create(file_id, submission.endpoint, metadata(submission))
        except ProviderError as error:
            service_clock.hear()
            if error.in_doubt:
                lost = ledger.submission(submission.id)
                batch = doubts.find_or_rule_out(ledger, provider.keeper(lost.file_id), lost, lost=error)
                if batch is not None:
                    return batch
                service_clock.hear()
                sent += 1
                if sent < PAID_CALLS_IN_A_RUN:
                    continue
                raise
            ledger.record_no_payment(submission.id)
            if error.status == 404 and is_of_earlier_run:
                # That upload is gone, though it may be listed yet; the request file is still here.
                file_id = _upload(ledger, provider, submission, requests, take_listed=False)
                is_of_earlier_run = False
                service_clock.hear()
                continue
            if not error.retryable:
                ledger.void(submission.id, f"refused: {error.what}")
                if error.status == 404:
                    error.remedy = UPLOAD_NOT_FOUND
                raise
            pause = min(error.retry_after or delay, REFUSED_SECONDS)
            if clock.monotonic() + pause > give_up_at:
                raise
            doubts.say(f"{submission.stage}, shard {submission.shard[:12]}: {error.what}; asking again")
            clock.sleep(pause)
            delay = min(delay * 2, LONGEST_RETRY_SECONDS)


def _hear_its_time(provider: BatchProvider) -> None:
    """Ask the service something that costs nothing. What an earlier run uploaded is not uploaded again, so
    nothing has told its time yet; without it a stranger's older batch of that file id would pass for ours."""
    # What it said earlier, of another shard, may be minutes old.
    provider.server_time = None
    with contextlib.suppress(ProviderError):
        next(iter(provider.batches()), None)


class _ServiceClock:
    """The service's own clock: what its last answer said, and what has passed since by ours."""

    def __init__(self, provider: BatchProvider, clock: Clock):
        self._provider, self._clock = provider, clock
        self._heard = provider.server_time
        self._heard_at = clock.monotonic()

    def hear(self) -> None:
        """Set it by an answer that came just now, if one did."""
        if self._provider.server_time != self._heard:
            self._heard, self._heard_at = self._provider.server_time, self._clock.monotonic()

    def now(self) -> float | None:
        """Unix seconds; None where the service does not say its time."""
        return None if self._heard is None else self._heard + self._clock.monotonic() - self._heard_at


def metadata(submission: Submission) -> dict[str, str]:
    """What a batch carries so that it can be recognised; within OpenAI's 16 pairs of 64/512 characters."""
    return {
        "goldpan_key": submission.shard,
        "nonce": submission.nonce,
        "study": submission.study,
        "stage": submission.stage,
        "round": str(submission.round),
    }
