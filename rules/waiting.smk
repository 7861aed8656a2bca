# `wait: false` ends a run as what it is: nothing has failed, batches are with the provider, run again later.

from logging import Filter

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from goldpan.errors import PendingError


class WithoutWhatWaits(Filter):
    """Passes over what Snakemake says of a `wait` that ended because batches are open and it may not wait.

    Attributes:
        waiting: what each of these jobs waits for.
        failed: other jobs failed.
    """

    def __init__(self):
        super().__init__()
        self.waiting, self.failed = [], False
        self._announced = 0

    def filter(self, record):
        event = getattr(record, "event", None)
        if event is LogEvent.JOB_ERROR:
            return not self._is_waiting(record)
        text = str(record.msg)
        if event is LogEvent.ERROR and self._tells_of_pending(text):
            # The failed command; Snakemake says next which job it was of.
            self._announced += 1
            return False
        is_last_word = text.startswith("Exiting because a job execution failed")
        return self.failed or not (is_last_word and self.waiting)

    def _is_waiting(self, record):
        note = (
            Path(record.output[0]).with_name("waiting.json") if record.output else None
        )
        if record.rule_name == "wait" and self._announced and note.exists():
            self._announced -= 1
            self.waiting.append(read_json(note))
            return True
        self.failed = True
        return False

    @staticmethod
    def _tells_of_pending(text):
        return (
            "goldpan_step wait " in text
            and f"exit status {PendingError.exit_code}." in text
        )

    def say(self):
        """Write down what is waited for; the exit code says it, too, unless something failed."""
        for note in self.waiting:
            print(
                f"goldpan: stage {note['stage']}, round {note['round']}: {note['open']}",
                file=sys.stderr,
            )
        if self.waiting and not self.failed:
            print(
                "goldpan: waiting, run again: the same command goes on when the batches are done"
                f" (exit code {PendingError.exit_code}; nothing has failed)",
                file=sys.stderr,
            )
            raise SystemExit(PendingError.exit_code)


WAITING = WithoutWhatWaits()
logger.addFilter(WAITING)
