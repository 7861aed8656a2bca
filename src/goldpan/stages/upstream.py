"""Records that an earlier stage has not answered: how many, why, and whether a stage goes on without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from goldpan.errors import StudyError
from goldpan.files import read_json
from goldpan.stages.rows import read_features
from goldpan.study.load import Project

_NO_FAILURE = ("ok", "skipped")


def failures_of(states: Mapping[str, int]) -> dict[str, int]:
    """How many records of a stage failed, by state: all but `ok` and `skipped`.

    Args:
        states: state -> records.
    """
    return {state: count for state, count in sorted(states.items()) if count and state not in _NO_FAILURE}


def count_failures(features: Path) -> dict[str, int]:
    """`failures_of` a stage by its features.jsonl. Raises SourceError as `read_features`."""
    return failures_of(Counter(row["state"] for _, row in read_features(features)))


def failures_before(project: Project, stage: str) -> dict[str, dict[str, int]]:
    """Records that failed before a stage, by the summaries of the stages that it reads.

    Returns:
        stage -> state -> records; stages without failures, and those without a summary, are left out.

    Raises:
        SourceError: a summary is damaged.
    """
    failed = {}
    for earlier in project.study.stages[stage].input.stages:
        path = project.root / project.paths.summary(earlier)
        if path.exists() and (failures := failures_of(read_json(path)["states"])):
            failed[earlier] = failures
    return failed


def failures_text(stage: str, failures: Mapping[str, int]) -> str:
    """How many records of a stage failed, in words."""
    number = sum(failures.values())
    by_state = ", ".join(f"{count:,} {state}" for state, count in failures.items())
    return f"{number:,} {'record' if number == 1 else 'records'} of stage {stage} failed ({by_state})"


def upstream_failed(study: str, stage: str, earlier: str, failures: Mapping[str, int]) -> StudyError:
    """The error that stops a stage with `upstream: stop` whose input failed in part.

    Args:
        study: its name, for the command.
        stage: the stage that would go on.
        earlier: the stage that it reads.
        failures: of that one, by state.
    """
    return StudyError(
        f"{failures_text(earlier, failures)}, and this stage goes on only when none did",
        where=f"stage {stage} (upstream: stop)",
        remedy=f"ask them again: `goldpan retry {earlier} --study {study}`, then run again; or write"
        f" `upstream: go_on` at stage `{stage}`: they are then skipped, and counted",
    )
