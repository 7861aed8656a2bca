"""Experiments and data sets of a tracker, brought back as the table of a run or as a golden set."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal

from goldpan.errors import ProviderError, StudyError, TrackerError
from goldpan.files import write_bytes
from goldpan.study.load import Project
from goldpan.tracking.base import Remote, TrackingService
from goldpan.tracking.connect import tracking_service
from goldpan.tracking.events import golden_set, table_of_events
from goldpan.tracking.upload import chosen_trackers

As = Literal["run", "golden"]
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 200


def download(
    project: Project,
    name: str,
    *,
    form: As | None = None,
    trackers: Sequence[str] = (),
    file: Path | None = None,
    say: Callable[[str], None] = print,
) -> tuple[Path, int]:
    """Write an experiment or data set to a file; one that is there already is not touched.

    Args:
        name: its name or id there.
        form: `run`, the table of its rows, or `golden`, JSON Lines with `id`, `input`, `expected` and
            `metadata`; default the former of an experiment, the latter of a data set.
        trackers: where it is looked for; empty for all of the study.
        file: where it is written; default below the results of the study.
        say: is told which events do not become rows.

    Returns:
        The file, and how many rows it has.

    Raises:
        StudyError: the file is there.
        TrackerError: no tracker has it, or one of them cannot be asked.
    """
    for tracker in chosen_trackers(project, trackers):
        try:
            service = tracking_service(project, tracker)
            remote = _named(service, name)
            if remote is None:
                continue
            form = form or ("golden" if remote.what == "data set" else "run")
            path = file or project.root / _default_file(project, tracker, remote, form)
            _check_is_free(path)
            contents = service.contents(remote)
        except ProviderError as error:
            raise TrackerError(
                f"tracker `{tracker}` does not give `{name}`: {error.what}",
                where=error.where,
                remedy="check its key and address, and try again",
            ) from None
        make = golden_set if form == "golden" else table_of_events
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, make(contents.events, contents.metadata))
        for why, count in contents.left_out.items():
            say(f"left out: {count} events {why}")
        return path, len(contents.events)
    raise TrackerError(
        f"no tracker has an experiment or data set `{name}`",
        where=str(project.study_file),
        remedy="`goldpan experiments status` lists what was uploaded from here; a name must be whole",
    )


def _named(service: TrackingService, name: str) -> Remote | None:
    things = chain(service.experiments(), service.data_sets())
    return next((thing for thing in things if name in (thing.id, thing.name)), None)


def _default_file(project: Project, tracker: str, remote: Remote, form: As) -> str:
    safe = _UNSAFE.sub("_", remote.name).lstrip(".")[:_LONGEST] or remote.id
    return project.paths.download(tracker, safe, ".jsonl" if form == "golden" else ".csv")


def _check_is_free(path: Path) -> None:
    if path.exists():
        raise StudyError(
            "this file is there already, and nothing is written over it",
            where=str(path),
            remedy="move it away, or name another with --out",
        )
