"""The actions of `goldpan experiments` that are about trackers: upload runs, and bring back what is there."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from goldpan.cli import add_project_options


def add_commands(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to `goldpan experiments`."""
    sync = actions.add_parser("sync", help="upload the runs that are not at the study's trackers")
    sync.add_argument("--module", action="append", default=[], metavar="M", help="only its runs; repeatable")
    # Not `limit`: that is the limit of rows of the project.
    sync.add_argument("--limit", dest="most", type=int, metavar="N", help="no more runs than this")
    sync.set_defaults(run=_sync)
    upload = actions.add_parser("upload", help="upload one run to the study's trackers")
    upload.add_argument("id", metavar="ID", help="of the run, or how it begins")
    upload.set_defaults(run=_upload)
    status = actions.add_parser("status", help="which runs are at which tracker; asks nobody")
    status.set_defaults(run=_status)
    download = actions.add_parser("download", help="bring an experiment or data set of a tracker back")
    download.add_argument("name", metavar="NAME_OR_ID", help="of the experiment or data set there")
    download.add_argument(
        "--as",
        dest="form",
        choices=["run", "golden"],
        help="default: by what it is",
    )
    download.add_argument("--out", type=Path, metavar="FILE", help="default below the results of the study")
    download.set_defaults(run=_download)
    for action in (sync, upload, status, download):
        if action is not status:
            action.add_argument(
                "--tracker",
                action="append",
                default=[],
                metavar="NAME",
                help="default all of the study",
            )
        add_project_options(action)


def _sync(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_with_runs
    from goldpan.errors import StudyError
    from goldpan.tracking.upload import sync

    if options.most is not None and options.most < 1:
        raise StudyError(f"--limit must be a whole number from 1, not {options.most}")
    project = project_with_runs(options)
    synced = sync(project, options.tracker, modules=options.module, limit=options.most)
    _say_errors(synced.errors)
    left = f", {synced.left} are still to be uploaded" if synced.left else ""
    print(f"{len(synced.receipts)} runs uploaded or found there{left}")
    return 1 if synced.errors else 0


def _upload(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_with_runs
    from goldpan.errors import GoldpanError
    from goldpan.experiments.history import History
    from goldpan.tracking.upload import Uploader, chosen_trackers

    project = project_with_runs(options)
    history, errors = History(project.runs), []
    run = history.named(options.id)
    for tracker in chosen_trackers(project, options.tracker):
        try:
            receipt = Uploader(project, tracker, history).upload(run)
        except GoldpanError as error:
            errors.append(error)
            continue
        print(f"{tracker}: {run.id} {receipt.status} as {receipt.experiment}{_at(receipt.url)}")
    _say_errors(errors)
    return 1 if errors else 0


def _status(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_with_runs
    from goldpan.cli.tables import print_table
    from goldpan.tracking.whereabouts import whereabouts

    found, unreadable = whereabouts(project_with_runs(options))
    rows = []
    for at in found:
        says: list[str | None] = [None, None, None]
        if receipt := at.receipt:
            fault = receipt.fault.splitlines()[0] if receipt.fault else None
            url = receipt.service if at.status.endswith("elsewhere") else receipt.url
            says = [receipt.at, receipt.experiment, fault or url]
        rows.append([at.run.id, at.run.module, at.tracker, at.status, *says])
    head = ["run", "module", "tracker", "status", "at (UTC)", "experiment", "url or fault"]
    print_table(head, rows, empty="there are no runs")
    for name, why in unreadable.items():
        print(f"passed over {name}: {why}")


def _download(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_with_runs
    from goldpan.tracking.download import download

    project = project_with_runs(options)
    path, rows = download(
        project, options.name, form=options.form, trackers=options.tracker, file=options.out
    )
    print(f"{path}: {rows} rows")


def _say_errors(errors: Sequence[Exception]) -> None:
    import sys

    for error in errors:
        print(f"goldpan: {type(error).__name__}: {error}", file=sys.stderr)


def _at(url: str | None) -> str:
    return f": {url}" if url else ""
