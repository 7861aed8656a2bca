"""What became of each key of a job file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from goldpan.imports.classic.job import ClassicJob


@dataclass(frozen=True)
class KeyFate:
    """What became of one key.

    Attributes:
        key: as the job file has it, such as `params.batch_size`.
        value: what it says there, as text.
        became: the key of the study, or why there is none.
        is_known: whether the key is one of such jobs.
    """

    key: str
    value: str
    became: str
    is_known: bool = True


@dataclass
class KeyFates:
    """Collects what becomes of the keys of one section of a job; what nobody asks for is not known.

    Args:
        section: its name.
        values: what it says.
    """

    section: str
    values: Mapping[str, Any]
    found: list[KeyFate] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def take(self, key: str, became: str, default: Any = None) -> Any:
        """The value of a key that becomes something; `default` where it is not there, or null."""
        value = self.values.get(key)
        if key in self.values and key not in self._seen:
            self._tell(key, became if value is not None else "left out: it is null")
        return default if value is None else value

    def leave(self, why: Mapping[str, str]) -> None:
        """Note keys that nothing is made of, and why."""
        for key, reason in why.items():
            if key in self.values and key not in self._seen:
                self._tell(key, f"left out: {reason}")

    def tell(self, key: str, became: str) -> None:
        """Note what became of a part of a key, which may be called `a.b`."""
        self._tell(key, became)

    def rest(self) -> list[KeyFate]:
        """All keys, those that are not known last."""
        unknown = [
            KeyFate(
                self._name(key), _text(value), "not known: kept as a comment of the study", is_known=False
            )
            for key, value in self.values.items()
            if key not in self._seen
        ]
        return [*self.found, *unknown]

    def _tell(self, key: str, became: str) -> None:
        self._seen.add(key.partition(".")[0])
        value: Any = self.values
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        self.found.append(KeyFate(self._name(key), _text(value), became))

    def _name(self, key: str) -> str:
        return f"{self.section}.{key}" if self.section else key


def only_kept(fates: Iterable[KeyFate], place: str, kept: Collection[str], why: str) -> list[KeyFate]:
    """The fates of keys once a part of the study has only some of the keys that they became.

    Args:
        fates: of the keys of a job.
        place: of that part, such as `embeddings.classic`.
        kept: its keys.
        why: the others are left out.
    """
    return [
        replace(fate, became=f"left out: {why}") if is_gone(fate.became, place, kept) else fate
        for fate in fates
    ]


def is_gone(said: str, place: str, kept: Collection[str]) -> bool:
    """Whether what begins with a key of a part of the study is of one that does not stand there."""
    key = re.match(rf"{re.escape(place)}\.(\w+)", said)
    return key is not None and key[1] not in kept


def of_local_run(job: ClassicJob) -> Iterable[KeyFate]:
    """What becomes of the settings of a local run, and of keys at the top."""
    local = KeyFates("local_settings", job.local)
    cores = "how much runs at a time is said when it is run: `--cores N`"
    local.leave(
        {
            "tasks": f"each file is a job, small ones share some; {cores}",
            "workers": cores,
            "local_tasks": cores,
            "local_rank_offset": "files are not dealt out by rank",
            "logging_dir": "logs lie in `results/STUDY/logs`",
        }
    )
    top = KeyFates("", job.others)
    top.leave(
        {
            "dataset_name": "it has done its work where `${dataset_name}` stood",
            "running_on_slurm": "where it runs is said when it is run: `--profile slurm`",
        }
    )
    return [*local.rest(), *top.rest()]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
