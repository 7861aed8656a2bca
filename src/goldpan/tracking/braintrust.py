"""Braintrust, over its REST interface.

What is relied on, by its OpenAPI document: a create of a name that is there gives that one, unmodified; a row
replaces the one with its id; a PATCH merges metadata. So each call may be made again after an answer that was
lost, and nothing is there twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.address import api_key, service_at
from goldpan.providers.keys import Keys
from goldpan.providers.patience import Patience
from goldpan.providers.scrubber import Scrubber
from goldpan.study.tracker import Tracker
from goldpan.tracking.base import (
    CONTENT,
    FEATURES,
    GOLD,
    MODULE,
    RUN,
    Contents,
    Remote,
    TrackedRun,
    TrackingService,
)
from goldpan.tracking.events import event_of_golden, event_of_row
from goldpan.tracking.rest import RestService, listed_pages

URL = "https://api.braintrust.dev/v1"
KEY = "BRAINTRUST_API_KEY"
_PAGE = 100
_MOST_ROWS, _MOST_BYTES = 100, 3_000_000
_PATHS = {"experiment": "/experiment", "data set": "/dataset"}


class Braintrust(TrackingService):
    """A project of Braintrust; see `TrackingService`."""

    kind = "braintrust"
    credentials = (KEY,)

    def __init__(self, settings: Tracker, keys: Keys, patience: Patience):
        key = api_key(keys, KEY)
        self._project_name, self.service = settings.project, self.service_of(settings, keys)
        base_url, timeout = settings.base_url or URL, settings.timeout_seconds
        self._rest = RestService(base_url, key, timeout, patience, Scrubber([key]))

    @classmethod
    def needed_variables(cls, settings: Tracker) -> list[str]:
        """As of TrackingService."""
        return [KEY]

    @classmethod
    def service_of(cls, settings: Tracker, keys: Keys) -> str:
        """As of TrackingService."""
        return f"{service_at(cls.kind, settings.base_url or URL)} {settings.project}"

    @cached_property
    def _project(self) -> str:
        """The id of the project, which is made where it is not there."""
        there = self._rest.get("/project", project_name=self._project_name).get("objects")
        for project in there if isinstance(there, list) else []:
            if project.get("name") == self._project_name and not project.get("deleted_at"):
                return str(project["id"])
        return str(self._rest.send("POST", "/project", {"name": self._project_name})["id"])

    def experiments(self) -> Iterator[Remote]:
        """As of TrackingService, the newest first."""
        return self._listed("experiment")

    def data_sets(self) -> Iterator[Remote]:
        """As of TrackingService, the newest first."""
        return self._listed("data set")

    def _listed(self, what: Literal["experiment", "data set"]) -> Iterator[Remote]:
        def page(after: str | None) -> list[dict[str, Any]]:
            query = {"project_id": self._project, "limit": _PAGE, "starting_after": after}
            objects = self._rest.get(_PATHS[what], **query).get("objects")
            return objects if isinstance(objects, list) else []

        for thing in listed_pages(page, _PAGE):
            if not thing.get("deleted_at"):
                yield _remote(thing, what)

    def create(self, tracked: TrackedRun, name: str) -> Remote:
        """As of TrackingService. Its data set is there first, so that it can say which it is of."""
        run = tracked.run
        body = {
            "project_id": self._project,
            "name": name,
            "description": f"goldpan run {run.id}: {run.module}, prompt version {run.prompt_version}",
            "metadata": tracked.metadata(),
            "tags": [run.module],
            "dataset_id": self._data_set(tracked),
        }
        if run.git is not None:
            body["repo_info"] = {"commit": run.git["commit"], "dirty": run.git["dirty"]}
        made = _remote(self._rest.send("POST", "/experiment", body), "experiment")
        if made.run != run.id:
            raise ProviderError(
                f"there is an experiment `{name}` of something else",
                remedy="rename it there, and sync again",
            )
        return made

    def _data_set(self, tracked: TrackedRun) -> str:
        """The id of the data set of a run, with all of its rows."""
        run, name = tracked.run, tracked.data_name
        says = {"goldpan_data": run.data_hash, MODULE: run.module}
        says |= {key: value for key, value in tracked.metadata().items() if key in (GOLD, FEATURES)}
        body = {"project_id": self._project, "name": name, "metadata": says}
        data_set = _remote(self._rest.send("POST", "/dataset", body), "data set")
        # Its name has a hash of its rows, so what is whole stays as it is.
        if data_set.metadata.get(CONTENT) != name:
            self._insert(data_set, (event_of_golden(tracked, row) for row in tracked.golden))
            self._rest.send("PATCH", f"/dataset/{data_set.id}", {"metadata": {CONTENT: name}})
        return data_set.id

    def put(self, remote: Remote, tracked: TrackedRun) -> None:
        """As of TrackingService."""
        self._insert(remote, (event_of_row(tracked, row) for row in tracked.rows))

    def _insert(self, remote: Remote, events: Iterable[dict[str, Any]]) -> None:
        path = f"{_PATHS[remote.what]}/{remote.id}/insert"
        for chunk in chunks(events):
            answer = self._rest.send("POST", path, {"events": chunk})
            if answer.get("row_ids") != [event["id"] for event in chunk]:
                what = f"the tracker says it took other rows than the {len(chunk)} that were sent"
                raise ProviderError(what, where=f"POST {path}", in_doubt=True)

    def complete(self, remote: Remote, tracked: TrackedRun) -> None:
        """As of TrackingService; figures that changed since it was made are said anew."""
        says = tracked.metadata() | {RUN: tracked.run.id, CONTENT: tracked.content}
        self._rest.send("PATCH", f"/experiment/{remote.id}", {"metadata": says})

    def url(self, remote: Remote) -> str | None:
        """As of TrackingService; None where the service does not say it."""
        try:
            summary = self._rest.get(f"{_PATHS[remote.what]}/{remote.id}/summarize")
        except ProviderError as error:
            if error.retryable or error.status in (401, 403):
                raise
            return None
        url = summary.get("experiment_url") or summary.get("dataset_url")
        return url if isinstance(url, str) else None

    def contents(self, remote: Remote) -> Contents:
        """As of TrackingService. Pages come newest first, so of two with one id the later is out of date."""
        path = f"{_PATHS[remote.what]}/{remote.id}/fetch"
        newest: dict[str, dict[str, Any]] = {}
        left_out: Counter[str] = Counter()
        cursor = None
        while True:
            body = {"limit": _PAGE} | ({} if cursor is None else {"cursor": cursor})
            page = self._rest.send("POST", path, body)
            for event in page.get("events") or []:
                why = _why_no_row(event)
                if why is None and newest.setdefault(event["id"], event) is not event:
                    why = "of a row that is there in a newer version"
                if why is not None:
                    left_out[why] += 1
            before, cursor = cursor, page.get("cursor")
            if not cursor or cursor == before or not page.get("events"):
                return Contents(list(newest.values()), remote.metadata, dict(left_out))


def chunks(events: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Events in lists that a request can hold."""
    chunk: list[dict[str, Any]] = []
    size = 0
    for event in events:
        length = len(orjson.dumps(event))
        if chunk and (len(chunk) == _MOST_ROWS or size + length > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += length
    if chunk:
        yield chunk


def _why_no_row(event: Any) -> str | None:
    if not isinstance(event, dict):
        return "that are no objects"
    if not isinstance(event.get("id"), str) or not event["id"]:
        return "without an id"
    return "below a row" if event.get("is_root") is False else None


def _remote(thing: dict[str, Any], what: Literal["experiment", "data set"]) -> Remote:
    try:
        return Remote(str(thing["id"]), str(thing["name"]), what, thing.get("metadata") or {})
    except KeyError as error:
        raise ProviderError(f"the answer lacks {error}", retryable=True, in_doubt=True) from None
