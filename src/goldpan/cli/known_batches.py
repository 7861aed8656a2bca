"""The batches that a ledger knows, for commands that look after them at their providers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from goldpan.errors import LedgerError, ProviderError, StudyError

if TYPE_CHECKING:
    from goldpan.ledger import Ledger, Orphan, Submission
    from goldpan.providers.base import Batch, BatchProvider
    from goldpan.study import Project

_Result = TypeVar("_Result")


class KnownBatches:
    """The batches that a project's ledger knows, and the providers they are with."""

    def __init__(self, project: Project, ledger: Ledger):
        self.project, self.ledger = project, ledger
        self._providers: dict[str, BatchProvider] = {}
        self._failures: dict[str, str] = {}

    def at_provider(self) -> list[Submission]:
        """The open batches of the study."""
        chosen = self.ledger.submissions(study=self.project.study.study, only_open=True)
        return [submission for submission in chosen if submission.batch_id is not None]

    def by_id(self, batch_id: str) -> Submission:
        """The submission with a batch id, or with a number where the id is that of several.

        Raises:
            LedgerError: the ledger does not know it, or several services have a batch of that id.
        """
        submissions = self.ledger.submissions()
        named = [submission for submission in submissions if submission.batch_id == batch_id]
        if not named:
            named = [submission for submission in submissions if str(submission.id) == batch_id]
            named = [submission for submission in named if submission.batch_id is not None]
        if len({submission.service for submission in named}) > 1:
            which = "; ".join(
                f"submission {submission.id} (study `{submission.study}`, stage `{submission.stage}`, at"
                f" {submission.service or 'a service that is not known'})"
                for submission in named
            )
            raise LedgerError(
                f"several batches have the id {batch_id!r}: {which}",
                where=str(self.ledger.path),
                remedy="name the number of the submission in its place",
            )
        if named:
            return named[-1]
        raise LedgerError(
            f"the ledger knows no batch {batch_id!r}",
            where=str(self.ledger.path),
            remedy="`goldpan batches list` shows those it knows",
        )

    def provider(self, submission: Submission) -> BatchProvider:
        """Who has a batch, be its stage gone or of another name by now.

        Raises:
            StudyError: it belongs to another study, or to a provider that the study no longer names.
        """
        from goldpan.providers.connect import connect_to

        study = self.project.study
        batch = f"batch {submission.batch_id}" if submission.batch_id else f"submission {submission.id}"
        if submission.study != study.study:
            raise StudyError(
                f"{batch} belongs to stage `{submission.stage}` of study `{submission.study}`",
                where=str(self.project.study_file),
                remedy=f"name that study: --study {submission.study}",
            )
        stage = study.asked_stages.get(submission.stage)
        name = stage.provider if stage else submission.provider
        if name not in study.providers:
            raise StudyError(
                f"{batch} is with provider `{name}`, which the study no longer names",
                where=str(self.project.study_file),
                remedy=f"put `{name}` back under `providers` until the batch is settled",
            )
        if name not in self._providers:
            self._providers[name] = connect_to(self.project, name)
        return self._providers[name]

    def has_provider(self, submission: Submission) -> bool:
        """Whether somebody can be asked for a batch; if not, the reason is noted."""
        return self.attempt(submission.batch_id, partial(self.provider, submission)) is not None

    def retrieve(self, submission: Submission) -> Batch:
        """The present state of a batch, which the ledger is told, too."""
        assert submission.batch_id is not None
        state = self.provider(submission).retrieve(submission.batch_id)
        self._note(submission, state)
        return state

    def cancel(self, submission: Submission) -> Batch:
        """Ask for a batch to be cancelled, and tell the ledger what came of it."""
        assert submission.batch_id is not None
        state = _cancelled(self.provider(submission), submission.batch_id)
        self._note(submission, state)
        return state

    def cancel_orphan(self, orphan: Orphan, submission: Submission) -> Batch:
        """Ask for a batch to be cancelled that turned up for a submission which has another one."""
        from goldpan.batches.orphans import record_state

        state = _cancelled(self.provider(submission), orphan.batch_id)
        record_state(self.ledger, state, submission.id)
        return state

    def lacking(self) -> LedgerError | None:
        """What is wrong where the study's results name batches that the ledger does not know."""
        from goldpan.batches.take_in import check_ledger_knows

        try:
            for stage in self.project.study.asked_stages:
                check_ledger_knows(self.ledger, self.project, stage)
        except LedgerError as error:
            return error
        return None

    def look_for_orphans(self) -> None:
        """Say which batches turned up for submissions that have another, or none by a person's word, where
        their providers can be asked."""
        from goldpan.batches.orphans import look_for_orphans, ruled_out
        from goldpan.providers.patience import say_on_stderr

        submissions = self.ledger.submissions(study=self.project.study.study)
        doubtful = {submission.id: submission for submission in ruled_out(self.ledger, submissions)}
        doubtful |= {submission.id: submission for submission in submissions if submission.paid_calls > 1}
        services = {(submission.service, submission.stage): submission for submission in doubtful.values()}
        for submission in services.values():
            try:
                provider = self.provider(submission)
            except (StudyError, ProviderError) as error:
                say_on_stderr(f"nobody looked for batches that turned up late: {error.what}")
                continue
            look_for_orphans(self.ledger, provider, [submission], say=say_on_stderr)

    def _note(self, submission: Submission, state: Batch) -> None:
        if submission.is_open and state.id == submission.batch_id:
            self.ledger.record_status(submission.id, state.status, state.completed, state.failed)

    def attempt(self, batch_id: str | None, act: Callable[[], _Result]) -> _Result | None:
        """Do something about one of several batches; a failure is noted, so that the others may follow."""
        try:
            return act()
        except ProviderError as error:
            self._failures[str(batch_id)] = error.what
        except StudyError as error:
            self._failures[str(batch_id)] = f"{error.what}\n  -> {error.remedy}"
        return None

    @property
    def failed(self) -> bool:
        """Whether nothing could be done about one of the batches."""
        return bool(self._failures)

    def say_failures(self) -> int:
        """Say which batches nothing could be done about; returns the exit code."""
        for batch_id, reason in self._failures.items():
            print(f"{batch_id}: {reason}", file=sys.stderr)
        if self._failures:
            print(
                f"{len(self._failures)} batches gave an error. One that its provider has forgotten can be"
                f" given up: `goldpan batches give-up BATCH --ask-again --study {self.project.study.study}`",
                file=sys.stderr,
            )
        return 1 if self._failures else 0


def _cancelled(provider: BatchProvider, batch_id: str) -> Batch:
    """Ask for a batch to be cancelled unless it has ended: services answer that with a 409, which also stands
    for a lock that passes, and would be waited out."""
    state = provider.retrieve(batch_id)
    return state if state.is_terminal else provider.cancel(batch_id)


@contextmanager
def batches_of(options: argparse.Namespace) -> Iterator[KnownBatches]:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        yield KnownBatches(project, ledger)
