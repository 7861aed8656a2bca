"""How far the rounds of a stage are, as their files say: what the workflow's input functions name.

Snakemake (issue 3862) does not tell an input function of a checkpoint that was done in an earlier run and is
only reached through another checkpoint, as are all rounds after the first. So these functions read what is
there and name what is not. The jobs that they speak for have the plan, or each settled round, among their
inputs; Snakemake asks again as soon as one of these was made, or made anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goldpan.errors import SourceError
from goldpan.files import read_json
from goldpan.study.paths import Paths


def planned_shards(plan: str | Path) -> list[str]:
    """Names of the shards in a plan.json; none as long as it is not there or cannot be read."""
    return [shard["name"] for shard in _written(plan, {"shards": []})["shards"]]


def rounds_to_settle(paths: Paths, stage: str, root: Path = Path()) -> list[str]:
    """The settled.json of every round up to the first that leaves nothing to ask, or that is still to come.

    Args:
        root: the project's folder, which the names are relative to.
    """
    rounds: list[str] = []
    left = True
    while left:
        rounds.append(paths.settled(stage, len(rounds) + 1))
        left = bool(_written(root / rounds[-1], {"left": 0})["left"])
    return rounds


def _written(path: str | Path, otherwise: dict[str, Any]) -> dict[str, Any]:
    """What a file says; a damaged one is left to the step that reads it, which says so."""
    try:
        return read_json(Path(path)) if Path(path).exists() else otherwise
    except SourceError:
        return otherwise
