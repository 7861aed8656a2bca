"""Runs of the history to a tracker, each once; the receipt beside the history says that it is there."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.crashpoints import reached
from goldpan.errors import GoldpanError, ProviderError, StudyError, TrackerError
from goldpan.experiments.history import History
from goldpan.experiments.identity import module_id
from goldpan.experiments.listing import copied_run_id, measured_stages
from goldpan.experiments.receipts import Receipt, Status, read_receipt, receipt_file, write_receipt
from goldpan.experiments.run import Run, content_of
from goldpan.folder_lock import alone_in
from goldpan.stages.documents import write_document
from goldpan.study.load import Project
from goldpan.tracking.base import CONTENT, Remote, TrackedRun, TrackingService
from goldpan.tracking.connect import TRACKERS, service_named, tracking_service
from goldpan.tracking.rest import MOVED, NO_JSON
from goldpan.tracking.tracked import experiment_name, tracked_run

_ADDRESS = "check the address and the project of the tracker in the study (`base_url`, `tracking_uri`)"
_LATER = "run again, or `goldpan experiments sync`: it goes on where it stopped, and nothing is there twice"
_OF_ONE_RUN = frozenset({400, 409, 413, 422})
"""Statuses by which one run is refused, which says nothing of the others."""


def upload_stage(project: Project, tracker: str, stage: str, clock: Clock = SYSTEM_CLOCK) -> Receipt:
    """Upload the run of a stage that lies among the results, and leave its receipt there, too.

    Raises:
        StudyError: there is no such tracker, or the run is not there yet.
        SourceError: its files are damaged.
        TrackerError: the tracker did not take it.
    """
    path = project.left(project.paths.run(stage, "json"), f"the upload of `{stage}`")
    history = History(project.runs)
    run = history.named(copied_run_id(path) or "")
    receipt = Uploader(project, tracker, history, clock).upload(run)
    write_document(project.root / project.paths.upload(tracker, stage), asdict(receipt))
    return receipt


class Uploader:
    """Uploads runs to one tracker of a study. It is called only for runs that are not known to be there.

    Args:
        project, tracker: which.
        history: of the runs.
        clock: for receipts.
    """

    def __init__(self, project: Project, tracker: str, history: History, clock: Clock = SYSTEM_CLOCK):
        self._project, self._history, self._clock = project, history, clock
        self.tracker, self._settings = tracker, project.named("tracker", project.study.trackers, tracker)
        self._connected: TrackingService | None = None
        self._listed: list[Remote] | None = None

    def is_known_there(self, run: Run) -> bool:
        """Whether a receipt says that a run is there as the history has it; nobody is asked.

        Raises:
            ProviderError: there is one, and the address of the tracker is not known.
        """
        receipt = read_receipt(self._history.folder, self.tracker, run.id)
        return receipt is not None and is_there(
            receipt, content_of(self._history.run_file(run.id)), service_named(self._project, self.tracker)
        )

    def upload(self, run: Run) -> Receipt:
        """See that a run is there as the history has it; one that is there already is not uploaded again.

        Raises:
            SourceError: its files are damaged.
            ProviderError: there is a receipt of it, and the address of the tracker is not known.
            TrackerError: the tracker did not take it; its receipt then says so.
        """
        folder = receipt_file(self._history.folder, self.tracker, run.id).parent
        with alone_in(folder):
            former = read_receipt(self._history.folder, self.tracker, run.id)
            # Outside of what is recorded: where the address is not known, a receipt stays as it is.
            if former is not None and self.is_known_there(run):
                return former
            with self._failure_recorded(run):
                service = self._service()
                tracked = tracked_run(self._history, run)
                remote, was_there = self._put(service, tracked)
                status: Status = "synced" if was_there else "uploaded"
                url = service.url(remote)
                receipt = self._receipt_of(run, status, remote.name, remote_id=remote.id, url=url)
                write_receipt(self._history.folder, receipt)
        return receipt

    def _put(self, service: TrackingService, tracked: TrackedRun) -> tuple[Remote, bool]:
        """Where the run is, and whether it was there as it is."""
        if self._listed is None:
            self._listed = list(service.experiments())
        remote = matching(tracked, self._listed)
        if remote is not None and (
            not remote.is_by_goldpan or remote.metadata.get(CONTENT) == tracked.content
        ):
            return remote, True
        if remote is None:
            remote = service.create(tracked, _free_name(tracked, self._listed))
            self._listed.append(remote)
        reached("tracker_created")
        service.put(remote, tracked)
        reached("tracker_rows_put")
        service.complete(remote, tracked)
        return remote, False

    def _service(self) -> TrackingService:
        if self._connected is None:
            self._connected = tracking_service(self._project, self.tracker)
        return self._connected

    def _receipt_of(self, run: Run, status: Status, experiment: str, **says: str | None) -> Receipt:
        now = datetime.datetime.fromtimestamp(self._clock.now(), datetime.UTC)
        return Receipt(
            tracker=self.tracker,
            kind=self._settings.kind,
            service=self._connected.service if self._connected else self._settings.kind,
            run=run.id,
            status=status,
            content=content_of(self._history.run_file(run.id)),
            experiment=experiment,
            at=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            **says,
        )

    @contextlib.contextmanager
    def _failure_recorded(self, run: Run) -> Iterator[None]:
        try:
            yield
        except (ProviderError, TrackerError) as error:
            status = getattr(error, "status", None)
            failed = self._receipt_of(run, "failed", experiment_name(run), fault=str(error))
            write_receipt(self._history.folder, failed)
            raise NotTakenError(
                f"run {run.id} was not uploaded to tracker `{self.tracker}`: {error.what}",
                where=error.where,
                remedy=_remedy(error, TRACKERS[self._settings.kind].credentials),
                is_of_this_run=status in _OF_ONE_RUN,
            ) from None


def _remedy(error: GoldpanError, variables: Sequence[str]) -> str:
    """What to do about a refusal of a tracker whose keys are in these variables."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if status == 401:
        return f"check the key in the environment ({', '.join(variables)}), then sync again"
    if status == 403:
        return (
            f"the key ({', '.join(variables)}) may not write to this project: take another, or another"
            " project; then sync again"
        )
    if status == 404 or code in (MOVED, NO_JSON):
        return f"{_ADDRESS}; then sync again"
    # What the HTTP layer advises is about providers.
    is_of_a_call = status is not None or getattr(error, "retryable", False)
    return (None if is_of_a_call else error.remedy) or _LATER


class NotTakenError(TrackerError):
    """A tracker did not take a run.

    Args:
        is_of_this_run: it may take others.
    """

    def __init__(self, what: str, *, where: str | None, remedy: str | None, is_of_this_run: bool):
        super().__init__(what, where=where, remedy=remedy)
        self.is_of_this_run = is_of_this_run


def is_there(receipt: Receipt, content: str, service: str) -> bool:
    """Whether a receipt says that a run is, with this content, at the service that the tracker is now."""
    return receipt.status != "failed" and receipt.content == content and receipt.service == service


def matching(tracked: TrackedRun, remotes: Iterable[Remote]) -> Remote | None:
    """The experiment that is a run: it says so in its metadata, or it has its name and says nothing else."""
    by_name = None
    for remote in remotes:
        if remote.run == tracked.run.id:
            return remote
        if remote.run is None and remote.name == tracked.name:
            by_name = remote
    return by_name


def _free_name(tracked: TrackedRun, remotes: Iterable[Remote]) -> str:
    """The run's name, or, where another run of the same second has it, with its id."""
    is_taken = any(remote.name == tracked.name for remote in remotes)
    return f"{tracked.name}_{tracked.run.id}" if is_taken else tracked.name


@dataclass(frozen=True)
class Synced:
    """What a sync has done.

    Attributes:
        receipts: of the runs that were not known to be there.
        errors: one for each tracker, or run, that failed.
        left: runs that are still to be uploaded, because of the limit or an error.
    """

    receipts: list[Receipt]
    errors: list[GoldpanError]
    left: int


def sync(
    project: Project,
    trackers: Sequence[str],
    *,
    modules: Sequence[str] = (),
    limit: int | None = None,
    say: Callable[[str], None] = print,
) -> Synced:
    """Upload the runs of a study's modules that are not at its trackers, the oldest first.

    A tracker that fails is left for the next time, with all that is still to be uploaded there.

    Args:
        trackers: names; empty for all of the study.
        modules: only theirs.
        limit: of uploads.
        say: is told of each.

    Raises:
        StudyError: there is no such tracker or module.
    """
    history = History(project.runs)
    runs = _runs_to_sync(project, history, modules)
    receipts: list[Receipt] = []
    errors: list[GoldpanError] = []
    left = 0
    for tracker in chosen_trackers(project, trackers):
        uploader, is_stopped = Uploader(project, tracker, history), False
        for number, run in enumerate(runs):
            try:
                if uploader.is_known_there(run):
                    continue
                if is_stopped or (limit is not None and len(receipts) >= limit):
                    left += 1
                    continue
                receipt = uploader.upload(run)
            except ProviderError as error:
                # Without its address nobody knows what is there.
                errors.append(_not_asked(tracker, error))
                left += len(runs) - number
                break
            except GoldpanError as error:
                errors.append(error)
                left += 1
                is_stopped = not getattr(error, "is_of_this_run", True)
                continue
            receipts.append(receipt)
            say(f"{tracker}: {run.id} {receipt.status} as {receipt.experiment}")
    return Synced(receipts, errors, left)


def _not_asked(tracker: str, error: ProviderError) -> TrackerError:
    what = f"tracker `{tracker}` cannot be asked: {error.what}"
    return TrackerError(what, where=error.where, remedy=error.remedy)


def chosen_trackers(project: Project, names: Sequence[str]) -> list[str]:
    """The trackers that are named, or all of the study.

    Raises:
        StudyError: one is not there, or the study has none.
    """
    if not project.study.trackers:
        raise StudyError(
            f"study `{project.study.study}` has no trackers",
            where=str(project.study_file),
            remedy="say where runs are uploaded to: `trackers: {NAME: {kind: braintrust, project: PROJECT}}`",
        )
    for name in names:
        project.named("tracker", project.study.trackers, name)
    return list(names) or list(project.study.trackers)


def modules_with_runs(project: Project) -> list[str]:
    """The modules of a study whose runs are uploaded."""
    return [module_id(project, stage) for stage in measured_stages(project)]


def _runs_to_sync(project: Project, history: History, modules: Sequence[str]) -> list[Run]:
    known = modules_with_runs(project)
    for module in modules:
        project.named("module that has runs", dict.fromkeys(known), module)
    return [run for run in history.read().runs if run.module in (modules or known)]
