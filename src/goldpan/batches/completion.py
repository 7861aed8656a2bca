"""completion.json: the last state of every batch of a round, once all of them are terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from goldpan.providers.base import Batch
from goldpan.stages.documents import as_type, read_document, unreadable, write_document

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


def read_completion(path: Path, stage: str, round: int) -> dict[str, tuple[int, Batch]]:
    """shard name -> (submission, batch) of a round's completion.json, also of another version.

    Keys that this version does not know are passed over.

    Raises:
        SourceError: it is damaged, lacks what cannot be done without, or is of another round.
    """
    document = read_document(path, _WHAT, _REMEDY)
    if (document.get("stage", stage), document.get("round", round)) != (stage, round):
        is_of = f"it is of round {document.get('round', round)} of stage `{document.get('stage', stage)}`"
        raise unreadable(path, _WHAT, _REMEDY, is_of)
    shards = as_type(_Shards, document, path, _WHAT, _REMEDY).batches
    batches = as_type(_Batches, document, path, _WHAT, _REMEDY).batches
    return {shard.shard: (shard.submission, batch) for shard, batch in zip(shards, batches, strict=True)}


@dataclass(frozen=True)
class _Shard:
    shard: str
    submission: int


@dataclass(frozen=True)
class _Shards:
    batches: list[_Shard]


@dataclass(frozen=True)
class _Batches:
    batches: list[Batch]
