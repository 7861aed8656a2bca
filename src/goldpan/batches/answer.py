"""Answering a shard with a model of one's own: the work of a job that has a device.

It goes by the batch-id file and touches the folder of the engine alone, never the ledger: it may run on a
node of a cluster. What it has answered is journalled there, so a job that was ended goes on where it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from goldpan.batches.batch_file import read_batch_file
from goldpan.batches.wait import Ask
from goldpan.errors import PendingError, ProviderError, StudyError
from goldpan.files import iter_lines_cut
from goldpan.ledger import Submission
from goldpan.providers.base import Batch, BatchProvider
from goldpan.providers.connect import connect_to, provider_class
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.own_model.identity import check_model_is_here
from goldpan.providers.own_model.provider import OwnModelProvider
from goldpan.stages.documents import write_document
from goldpan.study.load import Project
from goldpan.study.run_again import run_as_usual
from goldpan.tasks.batch_lines import read_batch_line
from goldpan.tasks.device_time import device_time_of
from goldpan.tasks.usage import usage_of


@dataclass
class AnsweredShard:
    """What came of a shard.

    Attributes:
        batch_id: None where no batch was made of it: another study asks its requests.
        model: the weights that were asked.
        status: of the batch, at its end.
        requests, completed, failed: how many.
        devices: answers by device.
        device_seconds: of all devices together, what a job has lost that was ended left out.
        prompt_tokens, completion_tokens: of the answers.
    """

    batch_id: str | None
    model: str
    status: str = "completed"
    requests: int = 0
    completed: int = 0
    failed: int = 0
    devices: dict[str, int] = field(default_factory=dict)
    device_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __str__(self) -> str:
        """In a line, for people."""
        if self.batch_id is None:
            return "nothing to answer: others ask its requests"
        speed = self.completion_tokens / self.device_seconds if self.device_seconds else 0.0
        return (
            f"{self.completed} of {self.requests} requests answered by {self.model}, {self.failed} failed;"
            f" {self.device_seconds:.1f} device seconds, {self.completion_tokens:,} tokens of answers"
            f" ({speed:,.0f} a second)"
        )


def answer_shard(
    project: Project, stage: str, number: int, shard: str, output: Path, say: Callable[[str], None]
) -> AnsweredShard:
    """Have a shard answered, to its end, and write what came of it.

    May be ended at any time and run again. While another process answers the same shard, it is waited for.

    Args:
        number: of the round.
        output: the file that is written.
        say: told what whoever watches the job should know.

    Raises:
        StudyError: somebody else answers this stage, or its weights are not here.
        ProviderError: the model cannot answer at all; what was answered is kept.
    """
    settings = project.study.asked_stages[stage]
    if not provider_class(project.study.providers[settings.provider]).answers_in_jobs:
        raise StudyError(
            f"stage `{stage}` is answered by `{settings.provider}`, which needs no job for it",
            where=str(project.study_file),
            remedy="`goldpan step wait` waits for its answers",
        )
    file = read_batch_file(
        project.left(project.paths.batch(stage, number, shard), f"shard {shard}"), stage, number
    )
    answered = AnsweredShard(file.says["batch_id"], settings.model)
    if answered.batch_id is not None:
        provider = connect_to(project, settings.provider)
        if not isinstance(provider, OwnModelProvider):
            raise StudyError(
                "nobody is asked in a project that replays",
                where=str(project.study_file),
                remedy="see `replay`",
            )
        model = check_model_is_here(project, stage)
        assert model is not None
        answered.model = model.identity
        try:
            batch = provider.work(answered.batch_id, model, say)
        except ServiceError as error:
            if error.status != 404:
                raise
            command = f"goldpan batches give-up {answered.batch_id} --ask-again --study {project.study.study}"
            raise ProviderError(
                error.what,
                where=str(provider.engine.store.folder),
                remedy=f"put the engine's folder back; or `{command}` lets its requests be asked again",
                status=404,
            ) from None
        _count(answered, provider, batch)
    write_document(output, {"stage": stage, "round": number, "shard": shard, **asdict(answered)})
    return answered


def asking_of_jobs(provider: BatchProvider, project: Project, stage: str, number: int) -> Ask:
    """Ask for batches that jobs answer; one that no job is at work on is not waited for.

    The function that is returned raises PendingError for such a batch, with the command that answers it.
    """

    def ask(submission: Submission) -> Batch:
        batch_id = str(submission.batch_id)
        batch = provider.retrieve(batch_id)
        if batch.is_terminal or not isinstance(provider, OwnModelProvider) or provider.is_worked_on(batch_id):
            return batch
        # It may have ended between the two looks.
        batch = provider.retrieve(batch_id)
        if batch.is_terminal:
            return batch
        study = project.study.study
        raise PendingError(
            f"no job answers {batch_id} ({batch.completed + batch.failed} of {submission.requests} requests"
            " are done)",
            where=f"stage {stage}, round {number}",
            remedy=f"{run_as_usual(study)}, which runs its jobs; by hand, where the device is: goldpan step"
            f" answer {stage} --round {number} --shard NAME --study {study}",
        )

    return ask


def _count(answered: AnsweredShard, provider: OwnModelProvider, batch: Batch) -> None:
    answered.status, answered.requests = batch.status, batch.total
    answered.completed, answered.failed = batch.completed, batch.failed
    if batch.output_file_id is None:
        return
    # The files of a batch whose answers the ledger has are not kept.
    with contextlib.suppress(ServiceError):
        for _, line in iter_lines_cut(provider.engine.store.content(batch.output_file_id)):
            body = read_batch_line(line).body or {}
            tokens, time = usage_of(body), device_time_of(body)
            answered.prompt_tokens += tokens.prompt
            answered.completion_tokens += tokens.completion
            if time is not None:
                answered.devices[time.device] = answered.devices.get(time.device, 0) + 1
                answered.device_seconds = round(answered.device_seconds + time.seconds, 6)
