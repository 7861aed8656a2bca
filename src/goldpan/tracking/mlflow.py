"""MLflow, by its own client: runs of one experiment, with parameters, figures, and the rows as artifacts."""

from __future__ import annotations

import contextlib
import datetime
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import orjson

from goldpan.errors import GoldpanError, ProviderError, TrackerError
from goldpan.providers.address import service_at
from goldpan.providers.keys import Keys
from goldpan.providers.patience import Patience
from goldpan.providers.scrubber import Scrubber
from goldpan.study.tracker import Tracker, fault_of_mlflow_address
from goldpan.tracking.base import CONTENT, MODULE, RUN, Contents, Remote, TrackedRun, TrackingService
from goldpan.tracking.events import event_of_golden, event_of_row
from goldpan.tracking.mlflow_errors import is_of_the_call, is_passing, status_of
from goldpan.tracking.mlflow_figures import metrics_of, parameters_of

_ADDRESS = "MLFLOW_TRACKING_URI"
_SECRETS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")
_CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", *_SECRETS)
_ROWS, _GOLDEN, _SAID = "rows.jsonl", "golden.jsonl", "goldpan.json"
_PAGE = 1000
_MOST_SAID = 500
_Answer = TypeVar("_Answer")


class MLflow(TrackingService):
    """An experiment of MLflow, whose runs are goldpan's; see `TrackingService`.

    MLflow's client repeats calls by itself, creates too, and after a lost answer that makes a second run. So
    it is told not to, and before each create it is looked whether the run is there.
    """

    kind = "mlflow"
    credentials = _CREDENTIALS

    def __init__(self, settings: Tracker, keys: Keys, patience: Patience):
        self._uri, self.service = _uri(settings, keys), self.service_of(settings, keys)
        self._name, self._patience = settings.project, patience
        password = urlsplit(self._uri).password
        self._scrubber = Scrubber([*keys.values(_SECRETS), password, unquote(password or "")])
        self._environment = {
            **{name: value for name in _CREDENTIALS if (value := keys.get(name))},
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(settings.timeout_seconds))),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }
        self._client = self._made_client()

    def _made_client(self) -> Any:
        """MLflow's client. Raises TrackerError where it is not installed, ProviderError where it refuses."""
        try:
            from mlflow import MlflowClient
        except ImportError:
            raise TrackerError(
                "MLflow's client is not installed",
                remedy="install goldpan with the extra: pip install 'goldpan[mlflow]'",
            ) from None
        try:
            with self._in_environment():
                return MlflowClient(self._uri, self._uri)
        except Exception as error:
            # Of any kind: it also opens databases here, with drivers that may not be there.
            raise ProviderError(
                f"MLflow's client does not take this address ({type(error).__name__}): {self._said(error)}",
                where=self._scrubber.text(self.service),
                remedy="check the address of MLflow; a database needs its driver to be installed",
            ) from None

    @classmethod
    def needed_variables(cls, settings: Tracker) -> list[str]:
        """As of TrackingService; whether it wants credentials is not known."""
        return [] if settings.tracking_uri else [_ADDRESS]

    @classmethod
    def service_of(cls, settings: Tracker, keys: Keys) -> str:
        """As of TrackingService."""
        return f"{service_at(cls.kind, _uri(settings, keys))} {settings.project}"

    def _ask(self, call: Callable[[], _Answer]) -> _Answer:
        """The answer of a call that may be made again."""

        def once() -> _Answer:
            try:
                with self._in_environment():
                    return call()
            except GoldpanError:
                raise
            except Exception as error:
                if not is_of_the_call(error):
                    raise
                raise self._provider_error(error) from None

        return self._patience.ask(once)

    @contextlib.contextmanager
    def _in_environment(self) -> Iterator[None]:
        """The client takes its settings and credentials from the environment alone, at each call."""
        before = {name: os.environ.get(name) for name in self._environment}
        os.environ.update(self._environment)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value

    def _provider_error(self, error: Exception) -> ProviderError:
        may_pass = is_passing(error)
        return ProviderError(
            self._said(error),
            where=self._scrubber.text(self.service),
            status=status_of(error),
            retryable=may_pass,
            in_doubt=may_pass,
        )

    def _said(self, error: Exception) -> str:
        """What an exception says, without keys, and without a password in the address, however short."""
        text, parts = str(error), urlsplit(self._uri)
        for part, shown in ((parts.netloc, parts.netloc.rpartition("@")[2]), (parts.query, "...")):
            text = text.replace(part, shown) if part else text
        text = " ".join(self._scrubber.text(text).split())[:_MOST_SAID]
        return text or type(error).__name__

    def _experiment(self) -> str | None:
        there = self._ask(lambda: self._client.get_experiment_by_name(self._name))
        return None if there is None or there.lifecycle_stage != "active" else str(there.experiment_id)

    def _made_experiment(self) -> str:
        def made() -> str:
            there = self._client.get_experiment_by_name(self._name)
            return str(there.experiment_id if there else self._client.create_experiment(self._name))

        return self._ask(made)

    def experiments(self) -> Iterator[Remote]:
        """As of TrackingService."""
        experiment = self._experiment()
        token: str | None = None
        while experiment is not None:
            after = token
            page = self._ask(
                lambda: self._client.search_runs([experiment], max_results=_PAGE, page_token=after)  # noqa: B023
            )
            yield from map(_remote, page)
            token = page.token
            if not token:
                return

    def data_sets(self) -> Iterator[Remote]:
        """As of TrackingService: a data set of MLflow is a name and a digest, so none can be brought back."""
        return iter(())

    def create(self, tracked: TrackedRun, name: str) -> Remote:
        """As of TrackingService."""
        experiment = self._made_experiment()
        tags = {
            RUN: tracked.run.id,
            MODULE: tracked.run.module,
            "prompt_version": str(tracked.run.prompt_version),
        }

        def made() -> Remote:
            for run in self._client.search_runs([experiment], f"tags.{RUN} = '{tracked.run.id}'"):
                return _remote(run)
            return _remote(
                self._client.create_run(experiment, start_time=_recorded(tracked), tags=tags, run_name=name)
            )

        return self._ask(made)

    def put(self, remote: Remote, tracked: TrackedRun) -> None:
        """As of TrackingService."""
        from mlflow.entities import Metric, Param

        moment = _measured(tracked)
        params = [Param(name, text) for name, text in parameters_of(tracked.run).items()]
        metrics = [Metric(name, value, moment, 0) for name, value in metrics_of(tracked.run).items()]
        self._ask(lambda: self._client.log_batch(remote.id, metrics=metrics, params=params))
        self._ask(lambda: self._log_data_set(remote, tracked))
        self._ask(lambda: self._log_files(remote, tracked))

    def _log_data_set(self, remote: Remote, tracked: TrackedRun) -> None:
        from mlflow.entities import Dataset, DatasetInput

        source = orjson.dumps({"artifact": _GOLDEN}).decode()
        digest = tracked.data_name.rpartition("_")[2]
        data_set = Dataset(
            tracked.data_name, digest, "local", source, profile=f'{{"rows": {len(tracked.golden)}}}'
        )
        self._client.log_inputs(remote.id, [DatasetInput(data_set)])

    def _log_files(self, remote: Remote, tracked: TrackedRun) -> None:
        files = dict(tracked.files)
        files[_ROWS] = _lines(event_of_row(tracked, row) for row in tracked.rows)
        files[_GOLDEN] = _lines(event_of_golden(tracked, row) for row in tracked.golden)
        files[_SAID] = orjson.dumps(tracked.metadata())
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            self._client.log_artifacts(remote.id, folder)

    def complete(self, remote: Remote, tracked: TrackedRun) -> None:
        """As of TrackingService."""
        self._ask(lambda: self._client.set_terminated(remote.id, "FINISHED", _measured(tracked)))
        self._ask(lambda: self._client.set_tag(remote.id, CONTENT, tracked.content))

    def url(self, remote: Remote) -> str | None:
        """As of TrackingService; None of what lies in a folder or a database."""
        run = self._ask(lambda: self._client.get_run(remote.id))
        if not self._uri.startswith(("http://", "https://")):
            return None
        parts = urlsplit(self._uri)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        return f"{address}/#/experiments/{run.info.experiment_id}/runs/{remote.id}"

    def contents(self, remote: Remote) -> Contents:
        """As of TrackingService; of a run that goldpan has uploaded.

        Raises:
            TrackerError: it has no rows, or they were changed there.
        """
        content = self._artifact(remote, _ROWS)
        if content is None:
            raise TrackerError(
                f"`{remote.name}` has no {_ROWS}, so it was not uploaded by goldpan", where=self.service
            )
        said = self._artifact(remote, _SAID)
        try:
            metadata = orjson.loads(said) if said is not None else {}
            events = [orjson.loads(line) for line in content.split(b"\n") if line]
        except orjson.JSONDecodeError:
            events, metadata = [None], {}
        if not all(isinstance(thing, dict) for thing in (metadata, *events)):
            raise TrackerError(
                f"{_ROWS} or {_SAID} of `{remote.name}` is not as goldpan has written it", where=self.service
            )
        return Contents(events, metadata)

    def _artifact(self, remote: Remote, name: str) -> bytes | None:
        names = self._ask(lambda: [file.path for file in self._client.list_artifacts(remote.id)])
        if name not in names:
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = self._ask(lambda: self._client.download_artifacts(remote.id, name, folder))
            return self._scrubber.content(Path(path).read_bytes())


def _uri(settings: Tracker, keys: Keys) -> str:
    """The address. Raises ProviderError where there is none, or one that is none; it is not repeated."""
    if settings.tracking_uri:
        return settings.tracking_uri
    address = keys.require(_ADDRESS, "the address of MLflow")
    fault = fault_of_mlflow_address(address)
    if fault is not None:
        raise ProviderError(f"the environment variable {_ADDRESS} {fault}", remedy="correct it there")
    return address


def _remote(run: Any) -> Remote:
    tags = dict(run.data.tags)
    return Remote(run.info.run_id, run.info.run_name or "", "experiment", tags)


def _recorded(tracked: TrackedRun) -> int:
    """Unix milliseconds at which the run was recorded."""
    return round(datetime.datetime.fromisoformat(tracked.run.recorded_at).timestamp() * 1000)


def _measured(tracked: TrackedRun) -> int:
    """Unix milliseconds of the newest answer: of two figures the one that was measured later counts."""
    answered = tracked.run.answered_at
    return _recorded(tracked) if answered is None else answered * 1000


def _lines(events: Iterator[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)
