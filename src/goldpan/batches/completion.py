"""completion.json: the last state of every batch of a round, once all of them are terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from goldpan.files import of_known_keys
from goldpan.providers.base import Batch, BatchError
from goldpan.stages.documents import read_document, unreadable, write_document

_WHAT = "a completion.json"
_REMEDY = "delete it and run again: the batches are asked for once more; nothing is paid again"


def write_completion(
    path: Path, study: str, stage: str, round: int, batches: Iterable[tuple[str, str, int, Batch]]
) -> None:
    """Write completion.json.

    Args:
        batches: (shard name, shard hash, submission, batch) of each shard.
    """
    rows = [
        {"shard": shard, "shard_hash": digest, "submission": submission, **asdict(batch)}
        for shard, digest, submission, batch in batches
    ]
    write_document(path, {"study": study, "stage": stage, "round": round, "batches": rows})


def read_completion(path: Path) -> dict[str, tuple[int, Batch]]:
    """shard name -> (submission, batch) of a completion.json, also of another version of goldpan.

    Keys that this version does not know are passed over.

    Raises:
        SourceError: it is damaged, or lacks what cannot be done without.
    """
    document = read_document(path, _WHAT, _REMEDY)
    try:
        return {row["shard"]: (int(row["submission"]), _batch(row)) for row in document["batches"]}
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(path, _WHAT, _REMEDY, f"{type(error).__name__} {error}") from None


def _batch(row: dict[str, Any]) -> Batch:
    errors = tuple(of_known_keys(BatchError, error) for error in row.get("errors") or ())
    return of_known_keys(Batch, {**row, "errors": errors})
