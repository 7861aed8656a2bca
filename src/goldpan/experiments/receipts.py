"""Receipts of uploads: which run of the history stands where at which tracker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from goldpan.errors import SourceError
from goldpan.stages.documents import as_type, read_document, write_document

Status = Literal["uploaded", "synced", "failed"]
_WHAT, _REMEDY = "a receipt of an upload", "remove it, and sync again: what is there already is found there"


@dataclass(frozen=True)
class Receipt:
    """That a run stands at a tracker, or why it does not.

    Attributes:
        tracker: its name in the study; `kind` and `service` say which it is.
        run: id in the history.
        status: `uploaded` by this project; `synced`: it was there already; `failed`: see `fault`.
        content: the run's `content_sha256` as it was uploaded; another means that it changed since.
        experiment: its name there.
        remote_id, url: of the experiment there; None where it failed.
        at: when, in UTC.
        fault: why it failed.
    """

    tracker: str
    kind: str
    service: str
    run: str
    status: Status
    content: str
    experiment: str
    at: str
    remote_id: str | None = None
    url: str | None = None
    fault: str | None = None


def receipt_file(history: Path, tracker: str, run_id: str) -> Path:
    """Where a receipt lies in the folder of the history."""
    return history / "uploads" / tracker / f"{run_id}.json"


def write_receipt(history: Path, receipt: Receipt) -> None:
    """Write a receipt; the one before it is replaced."""
    path = receipt_file(history, receipt.tracker, receipt.run)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_document(path, asdict(receipt))


def read_receipt(history: Path, tracker: str, run_id: str) -> Receipt | None:
    """The receipt of a run at a tracker; None where there is none that can be read."""
    path = receipt_file(history, tracker, run_id)
    if not path.exists():
        return None
    try:
        receipt: Receipt = as_type(Receipt, read_document(path, _WHAT, _REMEDY), path, _WHAT, _REMEDY)
    except SourceError:
        return None
    return receipt


def read_receipts(history: Path) -> tuple[dict[str, list[Receipt]], dict[str, str]]:
    """(run id -> its receipts by tracker, file -> what is wrong with it)."""
    receipts: dict[str, list[Receipt]] = {}
    unreadable: dict[str, str] = {}
    for path in sorted((history / "uploads").glob("*/*.json")):
        try:
            receipt: Receipt = as_type(Receipt, read_document(path, _WHAT, _REMEDY), path, _WHAT, _REMEDY)
        except SourceError as error:
            unreadable[str(path.relative_to(history))] = error.what
        else:
            receipts.setdefault(receipt.run, []).append(receipt)
    return receipts, unreadable
