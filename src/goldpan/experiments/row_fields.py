"""What is odd about the fields of a row of a data set, before anybody looks at their values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from goldpan.records.look_up import look_up
from goldpan.records.skips import skip_code
from goldpan.tasks.nearest import suggestion

INPUT = "input"
_EXPECTED = "expected"

_REMEDIES = {
    "bad_json": "a row is one whole JSON object on one line: no brackets around the rows, no comma after one",
    "bad_encoding": "save the file as UTF-8",
    "missing_id": "give each row an `id` of its own",
    "duplicate_id": "give each row an `id` of its own, or leave one of the two out",
}


def remedy_of(reason: str) -> str:
    """What to do about a row that cannot be used, by the reason for it (`bad_json: …`)."""
    return _REMEDIES.get(skip_code(reason), "correct the row")


def unread_fields(
    data: Mapping[str, Any], beside: Collection[str], gold: Collection[str], judged: Collection[str] = ()
) -> Iterator[str]:
    """What nothing reads, in rows that keep what is asked in an object `input`: most often a typing error.

    Args:
        data: the fields of a row.
        beside: fields that stand beside `input` and are known.
        gold: paths of all right answers (`expected.label`).
        judged: features that a stage judges; it may look at what stands beside the right answers.
    """
    if not isinstance(data.get(INPUT), dict):
        return
    known = {INPUT, *beside, *(path.partition(".")[0] for path in gold), *([_EXPECTED] if judged else [])}
    for name in data:
        if name not in known:
            yield f"nothing reads the field `{name}`; {suggestion(name, known)}"
    for parent in sorted({path.rpartition(".")[0] for path in gold} - {""}):
        names = {path.rpartition(".")[2] for path in gold if path.rpartition(".")[0] == parent}
        part = look_up(data, parent)[1]
        for name in part if isinstance(part, dict) else ():
            if name not in {*names, *judged} and not any(
                path.startswith(f"{parent}.{name}.") for path in gold
            ):
                yield (
                    f"`{parent}.{name}` is the right answer of no feature that is measured;"
                    f" {suggestion(name, names)}"
                )
