"""Reading a job file of ml_filter: its parts, with what `${…}` stands for filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from goldpan.errors import StudyError
from goldpan.study.yaml_file import read_yaml

Kind = Literal["embedding", "annotation"]

_REFERENCE = re.compile(r"\$\{([^${}]+)\}")
_SECTIONS = ("params", "local_settings", "slurm_settings", "slurm")
_ON_SLURM = "running_on_slurm"
_OF_ANNOTATION = ("regression_head_checkpoints", "output_keys")
_OF_EMBEDDING = ("embedding_model", "input_dir", "keys_to_index")
_DEEPEST = 20
_MAY_BE_SECRET = re.compile(
    r"(?i)(^|[_-])((api|access|auth|hf|openai|private|secret|wandb)[_-]?keys?|token|secrets?|passw(or)?ds?|credentials?)$"
)
LEFT_OUT = "(left out: it may be a secret)"
"""Stands for values that may be secrets: what is converted is printed, committed and shared."""


@dataclass(frozen=True)
class ClassicJob:
    """What a job file says.

    Attributes:
        path: the file.
        kind: what the job does.
        params: what it does it with.
        slurm: its settings of Slurm where it runs there, else None.
        local: its settings of a local run.
        others: keys beside these, of which others may be made up.
    """

    path: Path
    kind: Kind
    params: dict[str, Any]
    slurm: dict[str, Any] | None
    local: dict[str, Any]
    others: dict[str, Any]


def read_job(path: Path) -> ClassicJob:
    """Read a job file.

    Raises:
        StudyError: it is no YAML, neither kind of job, or holds a reference to nothing.
    """
    raw = read_yaml(path)
    whole = {key: _filled(value, raw, path, key) for key, value in raw.items()}
    params = whole.get("params")
    if params is None:
        # Early versions had all keys at the top.
        params = {key: value for key, value in whole.items() if key not in (*_SECTIONS, _ON_SLURM)}
        others = {_ON_SLURM: whole[_ON_SLURM]} if _ON_SLURM in whole else {}
    else:
        others = {key: value for key, value in whole.items() if key not in _SECTIONS}
    params = _mapping(params, "params", path)
    slurm = whole.get("slurm_settings", whole.get("slurm"))
    on_slurm = whole.get(_ON_SLURM, slurm is not None)
    return ClassicJob(
        path=path,
        kind=_kind(params, path),
        params=params,
        slurm=_mapping(slurm, "slurm_settings", path) if on_slurm else None,
        local=_mapping(whole.get("local_settings"), "local_settings", path),
        others=others,
    )


def _kind(params: Mapping[str, Any], path: Path) -> Kind:
    if any(key in params for key in _OF_ANNOTATION):
        return "annotation"
    if any(key in params for key in _OF_EMBEDDING):
        return "embedding"
    raise StudyError(
        "this is no embedding or annotation job of ml_filter: `params` has neither `embedding_model` nor"
        f" `regression_head_checkpoints`; it has: {', '.join(params) or 'nothing'}",
        where=str(path),
        remedy="a study of goldpan is run as it is: goldpan run --study FILE" if "study" in params else None,
    )


def _mapping(value: Any, key: str, path: Path) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise StudyError(f"`{key}` must be a mapping of keys to values", where=str(path))
    return value


def _filled(value: Any, whole: Mapping[str, Any], path: Path, place: str, depth: int = 0) -> Any:
    """A value with its references filled in, as by OmegaConf: `${a.b}`, `${.b}`, `${oc.env:NAME,default}`."""
    if isinstance(value, str | int) and _MAY_BE_SECRET.search(place.rpartition(".")[2]):
        return LEFT_OUT
    if isinstance(value, dict):
        return {key: _filled(one, whole, path, f"{place}.{key}", depth) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, whole, path, f"{place}.{at}", depth) for at, one in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    if depth > _DEEPEST:
        raise StudyError(f"the references of `{place}` lead in a circle: {value}", where=str(path))
    alone = _REFERENCE.fullmatch(value)
    if alone:
        return _filled(_meant(alone[1], whole, path, place), whole, path, place, depth + 1)
    found = _REFERENCE.sub(lambda one: str(_meant(one[1], whole, path, place)), value)
    if found == value:
        raise StudyError(f"`{place}` holds a reference that cannot be read: {value}", where=str(path))
    return _filled(found, whole, path, place, depth + 1)


def _meant(reference: str, whole: Mapping[str, Any], path: Path, place: str) -> Any:
    name = reference.strip()
    kind, colon, argument = name.partition(":")
    if colon:
        variable, comma, default = argument.partition(",")
        if _MAY_BE_SECRET.search(variable.strip()):
            return LEFT_OUT
        if kind in ("oc.env", "env") and (variable.strip() in os.environ or comma):
            return os.environ.get(variable.strip(), default.strip())
        raise StudyError(
            f"`${{{name}}}` of `{place}` stands for nothing here",
            where=str(path),
            remedy="set the variable, or write the value in its place",
        )
    # A reference with dots before it starts from the mapping that it stands in, or those around that.
    parts = name.lstrip(".").split(".")
    up = len(name) - len(name.lstrip("."))
    if up:
        parts = [*place.split(".")[: -up or None], *parts]
    node: Any = whole
    for part in parts:
        if not isinstance(node, dict) or part not in node:
            # The classic reader also takes `${dataset_name}` from `params`.
            params = whole.get("params")
            if len(parts) == 1 and isinstance(params, dict) and part in params:
                return params[part]
            raise StudyError(
                f"`${{{name}}}` of `{place}` stands for nothing: there is no such key",
                where=str(path),
                remedy="write the value in its place",
            )
        node = node[part]
    return node
