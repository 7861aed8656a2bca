"""The one tree of errors. Each message says what happened, where, and what to do.

GoldpanError
├── StudyError            a study, task or project file is wrong
│   └── WhereError        a `where:` expression does not fit the features it filters
├── SourceError           an input file or row cannot be used
│   └── RowError (records.rows)     one row of it, with a code
├── TaskError             a task file, its prompt or its Pydantic model is wrong
│   └── PromptError       a template fails to render
├── AnswerError           an answer does not fit the task that was asked
│   ├── PredictionMissingFieldError
│   └── WrongFunctionNameError      (also a ValueError)
├── LedgerError           the ledger is locked, damaged, gone, foreign or contradicts itself
│   └── ReplayMissError   `provider: replay` was asked for something the ledger does not hold
├── ProviderError         the service said no; `.retryable` and `.retry_after` say what may help
│   └── InDoubtError      a paid call may or may not have gone through, or what was paid for may or may not
│                         be there, and nobody can say
├── OnlineError           requests that are sent one by one cannot go on: refused for all, or nobody answers
│   ├── FirstRefusedError the first of them, sent alone, is refused, as all others would be
│   └── NoRoomError       the tier at which they are asked has no room, and the rest is for a batch
├── TrackerError          a tracker did not take a run, or does not have what is wanted
├── BudgetError           a stage would cost more than `budget_usd`
├── MostlyBadError        most answers of a stage are bad, and nobody has said to go on
├── PendingError          batches are still open and the study says not to wait
├── StorageError          the disk is full, broken or not to be written
├── ReconciliationError   counts that must agree do not
├── SheetError            a filled annotation sheet cannot be used (waves)
├── EmbeddingError        a model cannot embed, or an embeddings file cannot be used
├── HeadError             a head cannot be trained, read, or applied to these embeddings
├── FineTuneError         a model cannot be fine-tuned on an export with these settings
├── BundleError           a study cannot be bundled, or a bundle cannot be used
└── SeveralErrors         more than one of them, found in one check
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from goldpan.visible_text import printable


class GoldpanError(Exception):
    """Base of all errors a user can meet.

    Args:
        what: what happened, in one sentence.
        where: file, line, row id or key it happened at.
        remedy: what the user can do about it.

    As text, paths below the working folder are relative to it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None):
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what)

    def __str__(self) -> str:
        # Names of files and texts of answers stand in it; a line end is ours only in what happened.
        what = "\n".join(map(printable, self.what.split("\n")))
        parts = [f"{printable(self.where)}: {what}" if self.where else what]
        if self.remedy:
            parts.append(f"  -> {printable(self.remedy)}")
        return _from_here("\n".join(parts))


def _from_here(text: str) -> str:
    """Paths below the working folder as one would type them there: people run commands in their project."""
    try:
        here = f"{Path.cwd()}{os.sep}"
    except OSError:
        return text
    if here not in text or here == os.sep:
        return text
    return re.sub(rf"(?<![\w./~:-]){re.escape(here)}(?=\S)", "", text)


class StudyError(GoldpanError):
    pass


class WhereError(StudyError):
    pass


class SourceError(GoldpanError):
    pass


class TaskError(GoldpanError):
    pass


class PromptError(TaskError):
    pass


class AnswerError(GoldpanError):
    pass


class PredictionMissingFieldError(AnswerError):
    pass


class WrongFunctionNameError(AnswerError, ValueError):
    pass


class LedgerError(GoldpanError):
    pass


class ReplayMissError(LedgerError):
    pass


class ProviderError(GoldpanError):
    """The service refused or could not be reached.

    `in_doubt` is true when the request may have had an effect and nobody can say (no answer, 5xx);
    it is false after a definite refusal, or when the service was never reached.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        status: int | None = None,
        code: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        in_doubt: bool = False,
    ):
        super().__init__(what, where=where, remedy=remedy)
        self.status, self.code = status, code
        self.retryable, self.retry_after, self.in_doubt = retryable, retry_after, in_doubt


class InDoubtError(ProviderError):
    pass


class OnlineError(GoldpanError):
    pass


class FirstRefusedError(OnlineError):
    pass


class NoRoomError(OnlineError):
    pass


class TrackerError(GoldpanError):
    pass


class BudgetError(GoldpanError):
    pass


class MostlyBadError(GoldpanError):
    pass


class PendingError(GoldpanError):
    exit_code = 3


class StorageError(GoldpanError):
    pass


class ReconciliationError(GoldpanError):
    pass


class SheetError(GoldpanError):
    pass


class EmbeddingError(GoldpanError):
    pass


class HeadError(GoldpanError):
    pass


class FineTuneError(GoldpanError):
    pass


class BundleError(GoldpanError):
    pass


_STORAGE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room within your quota",
    errno.EFBIG: "allow larger files (`ulimit -f`)",
    errno.EROFS: "make the place writable, or name another (`ledger`, `results` in config/config.yaml)",
    errno.EACCES: "make the place writable, or name another (`ledger`, `results` in config/config.yaml)",
    errno.EPERM: "make the place writable, or name another (`ledger`, `results` in config/config.yaml)",
    errno.EIO: "check the disk",
}


def storage_error(error: OSError) -> StorageError | None:
    """What an error of the operating system says about the disk, with what to do; None where it is about
    something else."""
    if error.errno not in _STORAGE:
        return None
    # Of two files the second is the one that was to be written.
    named = error.filename if error.filename2 is None else error.filename2
    where = None if named is None else str(named)
    remedy = f"{_STORAGE[error.errno]} and run the same command again; nothing that was paid is lost"
    return StorageError(f"the disk does not take it: {error.strerror}", where=where, remedy=remedy)


class SeveralErrors(GoldpanError):
    """What a check found that goes on after the first error; each is shown as it would be alone."""

    def __init__(self, errors: Sequence[GoldpanError]):
        self.errors = tuple(errors)
        super().__init__("\n".join([f"{len(self.errors)} errors:", *map(str, self.errors)]))


class ErrorGatherer:
    """Lets a check go on after an error, and raises in the end what was wrong.

    Attributes:
        errors: those met so far, each once.
    """

    def __init__(self) -> None:
        self.errors: list[GoldpanError] = []

    @contextlib.contextmanager
    def gather(self) -> Iterator[None]:
        """Run a part of the check."""
        try:
            yield
        except SeveralErrors as several:
            for error in several.errors:
                self.add(error)
        except GoldpanError as error:
            self.add(error)

    def add(self, error: GoldpanError) -> None:
        """Note an error, unless it was noted before: a task of two stages is checked twice."""
        if str(error) not in map(str, self.errors):
            self.errors.append(error)

    def finish(self) -> None:
        """Raise what was gathered: the error itself where there is one, else SeveralErrors."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise SeveralErrors(self.errors)
