"""Groups of records, and the split that a group lies in.

A group belongs to a split by the hash of its name and a seed. More records therefore leave every other where
it was, and the shares of the splits are met on the average, not exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from goldpan.errors import StudyError
from goldpan.files import canonical_json
from goldpan.records.draw import RANK_RANGE, rank
from goldpan.records.look_up import look_up
from goldpan.study.evaluation import SplitName
from goldpan.study.wave import Split

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


def group_of(record: Mapping[str, Any], key: str | None, setting: str) -> str:
    """The group of a record: the value of `key` (`source`, `file` or `data.FIELD`), else its own id.

    Args:
        record: with `id`, `source` and `file`, and with `data` where the key needs it.
        key: from the study.
        setting: the place in the study where the key stands, for errors.

    Raises:
        StudyError: the record lacks the field.
    """
    if key is None:
        return record["id"]
    if key == "source":
        return record["source"]
    if key == "file":
        return f"{record['source']}/{record['file']}"
    is_there, value = look_up(record["data"], key.removeprefix("data."))
    if not is_there or value is None:
        raise StudyError(
            f"the record {record['id']!r} has no `{key}`, by which records are to be grouped",
            remedy=f"correct {setting}",
        )
    return value if isinstance(value, str) else canonical_json(value).decode()


def split_of(group: str, shares: Split, seed: int) -> SplitName:
    """The split of a group, by the hash of its name and the seed."""
    place = rank(seed, "gold split", group) / RANK_RANGE
    if place < shares.train:
        return "train"
    return "dev" if place < shares.train + shares.dev else "test"
