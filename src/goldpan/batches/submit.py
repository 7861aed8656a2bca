"""Submitting a shard exactly once.

The order of steps is what keeps the promise: the intent is in the ledger before anything is uploaded, the
upload before the paid call, the batch id as soon as it is known. After a crash or a lost answer the batch is
looked for at the provider by the intent's nonce; only when it is certainly not there is it created.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from goldpan.batches.budget import over_budget_error
from goldpan.batches.plan import Plan, Shard
from goldpan.batches.shard import asked_rows, lines_to_upload
from goldpan.crashpoints import reached
from goldpan.errors import InDoubtError, ProviderError, ReconciliationError
from goldpan.files import write_json
from goldpan.ledger import Ledger, Submission
from goldpan.ledger.lock import ShardLock
from goldpan.providers.base import Batch, BatchProvider

CREATE_ATTEMPTS = 8
LONGEST_RETRY_SECONDS = 60.0
# A provider's clock may differ from ours by this much, in seconds.
CLOCK_TOLERANCE = 3600.0


def submit_shard(
    ledger: Ledger,
    provider: BatchProvider,
    plan: Plan,
    shard: Shard,
    *,
    asked: Path,
    requests: Path,
    provider_name: str,
    grace_seconds: float,
    check_budget: Callable[[float | None], None] | None = None,
    service: str = "",
) -> Submission:
    """See to it that a shard is with the provider, exactly once.

    Args:
        asked, requests: the round's asked.jsonl and the shard's request file.
        check_budget: raises BudgetError when a shard of so many estimated USD may not be sent.
        grace_seconds: how long a batch may be missing from the provider's list after it was made.
        service: who is asked, see `service_of`.

    Returns:
        The submission, with its batch id; or another study's that asks another service; or void and without
        one, when another study asks all of the shard's requests by now.

    Raises:
        BudgetError: the plan is over the stage's budget; nothing was uploaded.
        InDoubtError: a paid batch may exist and the provider cannot say; nothing was paid again.
        ProviderError: the provider refused; nothing was paid.
    """
    with ShardLock(ledger.path, shard.hash):
        submission = ledger.open_submission(shard.hash)
        if submission is None:
            latest = ledger.latest_submission(shard.hash)
            if latest is not None and latest.state == "settled":
                return latest
            if plan.over_budget:
                raise over_budget_error(plan.over_budget, plan.stage)
            if check_budget is not None:
                check_budget(plan.cost_of(shard))
            # Of a pending shard that was given up these are the rows that this study needs.
            rows = list(asked_rows(asked, shard.name))
            submission = ledger.record_intent(
                rows,
                shard=shard.hash,
                provider=provider_name,
                study=plan.study,
                stage=plan.stage,
                round=plan.round,
                task=" ".join(sorted(plan.tasks)),
                task_hash=" ".join(plan.tasks[name] for name in sorted(plan.tasks)),
                model=plan.model,
                endpoint=plan.endpoint,
                requests=len(rows),
                bytes=shard.bytes,
                estimated_usd=plan.cost_of(shard),
                service=service,
            )
            reached("intent_written")
            if not submission.is_open:
                # Another study asks all of it by now; the next round finds it under way or answered.
                return submission
        elif asks_elsewhere(submission, service):
            return submission
        return _ensure_created(ledger, provider, submission, requests, grace_seconds)


def asks_elsewhere(submission: Submission, service: str) -> bool:
    """Whether a submission is with another service than ours, which then knows nothing of its batch."""
    return bool(submission.service and service) and submission.service != service


def _ensure_created(
    ledger: Ledger, provider: BatchProvider, submission: Submission, requests: Path, grace_seconds: float
) -> Submission:
    if submission.batch_id is not None:
        return submission
    # The paid call is made only after the upload is recorded, so without a file id it was never made.
    batch = None
    if submission.file_id is not None:
        batch = _find(provider, submission, grace_seconds)
    if batch is None:
        batch = _create(ledger, provider, submission, requests, grace_seconds)
        reached("created")
    ledger.record_batch(submission.id, batch.id, batch.created_at, batch.status)
    reached("id_recorded")
    return ledger.submission(submission.id)


def _upload(ledger: Ledger, provider: BatchProvider, submission: Submission, requests: Path) -> str:
    name = f"goldpan-{submission.shard[:16]}-{submission.nonce}.jsonl"
    with lines_to_upload(ledger, submission, requests) as upload:
        size = upload.stat().st_size
        stored = provider.find_upload(name, size) or provider.upload(upload, name)
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
    ledger: Ledger, provider: BatchProvider, submission: Submission, requests: Path, grace_seconds: float
) -> Batch:
    file_id = submission.file_id or _upload(ledger, provider, submission, requests)
    delay = 1.0
    for attempt in range(1, CREATE_ATTEMPTS + 1):
        try:
            return provider.create(file_id, submission.endpoint, metadata(submission))
        except ProviderError as error:
            if error.in_doubt:
                batch = _find(provider, ledger.submission(submission.id), grace_seconds)
                if batch is not None:
                    return batch
            elif error.status == 404 and submission.file_id == file_id:
                # The upload of an earlier run is gone; the request file is still here.
                file_id = _upload(ledger, provider, submission, requests)
            elif not error.retryable:
                ledger.void(submission.id, f"refused: {error.what}")
                raise
            if attempt == CREATE_ATTEMPTS:
                raise
            time.sleep(min(error.retry_after or delay, LONGEST_RETRY_SECONDS))
            delay = min(delay * 2, LONGEST_RETRY_SECONDS)
    raise AssertionError("unreachable")


def metadata(submission: Submission) -> dict[str, str]:
    """What a batch carries so that it can be recognised; within OpenAI's 16 pairs of 64/512 characters."""
    return {
        "goldpan_key": submission.shard,
        "nonce": submission.nonce,
        "study": submission.study,
        "stage": submission.stage,
        "round": str(submission.round),
    }


def _find(provider: BatchProvider, submission: Submission, grace_seconds: float) -> Batch | None:
    """The batch made for an intent, if the provider has it.

    Looks more than once while the intent is young, for a list may lag behind the paid call.

    Raises:
        InDoubtError: the provider cannot list its batches.
    """
    is_young = time.time() - submission.intent_at < CLOCK_TOLERANCE
    deadline = time.monotonic() + (grace_seconds if is_young else 0.0)
    pause = 0.2
    while True:
        try:
            found = _search(provider, submission)
        except ProviderError as error:
            if error.retryable and time.monotonic() < deadline + 60:
                time.sleep(min(error.retry_after or pause, LONGEST_RETRY_SECONDS))
                pause *= 2
                continue
            raise InDoubtError(
                "a batch may have been made and paid for, and the provider cannot list its batches:"
                f" {error.what}",
                where=f"shard {submission.shard[:12]}, stage {submission.stage}",
                remedy="run again when it can; or look for the batch with metadata nonce"
                f" {submission.nonce} yourself and run `goldpan batches adopt {submission.id} BATCH_ID`",
                in_doubt=True,
            ) from None
        if found is not None or time.monotonic() >= deadline:
            return found
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _search(provider: BatchProvider, submission: Submission) -> Batch | None:
    """The oldest batch that belongs to an intent."""
    found: Batch | None = None
    for batch in provider.batches():
        if batch.created_at is not None and batch.created_at < submission.intent_at - CLOCK_TOLERANCE:
            break
        if belongs_to(batch, submission):
            found = batch
    return found


def belongs_to(batch: Batch, submission: Submission) -> bool:
    """Whether a batch was made for a submission: it carries its nonce, or was made from its upload."""
    # A service may drop metadata.
    return submission.nonce == batch.metadata.get("nonce") or (
        submission.file_id is not None and submission.file_id == batch.input_file_id
    )


def write_batch_file(path: Path, plan: Plan, shard: Shard, submission: Submission) -> None:
    """Write the batch-id file: where a shard is, and what was asked in it."""
    write_json(
        path,
        {
            "batch_id": submission.batch_id,
            "provider": submission.provider,
            "study": plan.study,
            "stage": plan.stage,
            "round": plan.round,
            "shard": shard.name,
            "shard_hash": shard.hash,
            "submission": submission.id,
            "nonce": submission.nonce,
            "service": submission.service,
            "endpoint": submission.endpoint,
            "tasks": plan.tasks,
            "model": submission.model,
            "requests": submission.requests,
            "bytes": submission.bytes,
            "file_id": submission.file_id,
            "submitted_at": round(submission.intent_at, 3),
            "created_at": submission.created_at,
        },
    )
    reached("batch_file_written")
