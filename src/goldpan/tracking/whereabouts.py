"""Which runs of the history are at which tracker, as their receipts say; nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goldpan.errors import ProviderError
from goldpan.experiments.history import History
from goldpan.experiments.receipts import Receipt, read_receipts
from goldpan.experiments.run import Run, content_of
from goldpan.study.load import Project
from goldpan.tracking.connect import service_named
from goldpan.tracking.upload import is_there, modules_with_runs


@dataclass(frozen=True)
class Whereabouts:
    """Whether a run is at a tracker.

    Attributes:
        run: of the history.
        tracker: its name in the study; None of a run that goes to none and is at none.
        status: that of the receipt, and whether the run or the tracker is another since; `local_only`
            without one.
        receipt: of the upload.
    """

    run: Run
    tracker: str | None
    status: str
    receipt: Receipt | None


def whereabouts(project: Project) -> tuple[list[Whereabouts], dict[str, str]]:
    """Each run of the history with each tracker to which the study uploads it, and each that has it already.

    Returns:
        What is known, and file -> what is wrong with it of receipts that cannot be read.

    Raises:
        SourceError: the file of a run is damaged.
    """
    history = History(project.runs)
    receipts, unreadable = read_receipts(history.folder)
    services = dict(_services(project))
    modules = modules_with_runs(project)
    found = []
    for run in history.read().runs:
        by_tracker = {receipt.tracker: receipt for receipt in receipts.get(run.id, [])}
        wanted = project.study.trackers if run.module in modules else ()
        content = content_of(history.run_file(run.id))
        for tracker in dict.fromkeys([*wanted, *by_tracker]) or [None]:
            receipt = by_tracker.get(tracker) if tracker else None
            status = _status(receipt, content, services.get(tracker) if tracker else None)
            found.append(Whereabouts(run, tracker, status, receipt))
    return found, unreadable


def _services(project: Project) -> Iterator[tuple[str, str]]:
    for tracker in project.study.trackers:
        try:
            yield tracker, service_named(project, tracker)
        except ProviderError:
            # A variable with the address is not set: sync says so.
            continue


def _status(receipt: Receipt | None, content: str, service: str | None) -> str:
    """Args: `service` is None where it is not known which one the tracker is now."""
    if receipt is None:
        return "local_only"
    if receipt.status == "failed" or is_there(receipt, content, service or receipt.service):
        return receipt.status
    return f"{receipt.status}, changed since" if receipt.content != content else f"{receipt.status} elsewhere"
