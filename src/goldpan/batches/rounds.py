"""How far the rounds of a stage are, as their files say: what the workflow's input functions name.

Snakemake (issue 3862) does not tell an input function of a checkpoint that was done in an earlier run and is
only reached through another checkpoint, as are all rounds after the first. So these functions read what is
there and name what is not. The jobs that they speak for have the plan, or each settled round, among their
inputs; Snakemake asks again as soon as one of these was made, or made anew.
"""

from __future__ import annotations

from pathlib import Path

from goldpan.errors import SourceError
from goldpan.stages.documents import read_document, unreadable
from goldpan.study.load import Project
from goldpan.study.paths import Paths

_WHAT = "a settled round"
_REMEDY = "delete the file and run again: it is counted anew from the ledger, and nothing is paid"


def planned_shards(plan: str | Path) -> list[str]:
    """Names of the shards in a plan.json; none as long as it is not there, or where it cannot be read, which
    the step that reads it says."""
    try:
        return [shard["name"] for shard in read_document(Path(plan), "a plan", "")["shards"]]
    except (FileNotFoundError, SourceError, KeyError, TypeError):
        return []


def rounds_to_settle(paths: Paths, stage: str, root: Path = Path()) -> list[str]:
    """The settled.json of every round up to the first that leaves nothing to ask, or that is still to come.

    Args:
        root: the project's folder, which the names are relative to.

    Raises:
        SourceError: a settled.json is damaged: nobody knows what it leaves.
    """
    rounds: list[str] = []
    left = True
    while left:
        rounds.append(paths.settled(stage, len(rounds) + 1))
        left = _leaves_something(root / rounds[-1])
    return rounds


def stage_has_ended(project: Project, stage: str) -> bool:
    """Whether the final features of a stage are there, made after all that they are made from."""
    paths, root = project.paths, project.root
    sources = [paths.stage_records(stage), paths.asked(stage, 1), *rounds_to_settle(paths, stage, root)]
    made = root / paths.features(stage)
    return made.exists() and all(
        (root / source).exists() and (root / source).stat().st_mtime_ns <= made.stat().st_mtime_ns
        for source in sources
    )


def forget_plans(project: Project, stage: str) -> None:
    """Let the next run plan a stage anew, by what the ledger holds then.

    The files are removed that say how far it is. A later round that was settled would otherwise be taken for
    that of the new plan.
    """
    paths = project.paths
    settled = rounds_to_settle(paths, stage, project.root)
    plans = [paths.plan(stage, at + 1) for at in range(len(settled))]
    for path in (*plans, *settled, paths.summary(stage)):
        (project.root / path).unlink(missing_ok=True)


def _leaves_something(settled: Path) -> bool:
    """Whether a settled.json says that requests are left to ask; one that is not there says nothing."""
    try:
        return bool(read_document(settled, _WHAT, _REMEDY)["left"])
    except FileNotFoundError:
        return False
    except KeyError as error:
        raise unreadable(settled, _WHAT, _REMEDY, f"it lacks {error}") from None
