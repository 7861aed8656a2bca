"""What to do next in a study, by what it has made so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from goldpan.errors import SourceError
from goldpan.report.artifacts import Artifact, StudyArtifacts

ASKED_AGAIN_MAY_HELP = ("failed", "expired", "missing", "invalid")
"""States of records that may come to something when they are asked again; a refusal stays one."""

_RUN = "run the same command again"


@dataclass(frozen=True)
class NextStep:
    """One thing to do.

    Attributes:
        kind: `mend` a damaged file, `run` because something is not made yet, `wait` for batches, `retry` what
            came to nothing, `sheets` that people fill in, `adjudicate` what they disagree on, `look` at what
            is there.
        text: what to do, with the files and the command.
    """

    @property
    def text_elsewhere(self) -> str:
        """The text for where it is not a run that says it, so that there is no same command."""
        return self.text.replace(_RUN, "run the study again (`goldpan run`)")

    kind: Literal["mend", "run", "wait", "retry", "sheets", "adjudicate", "look"]
    text: str


def next_steps(artifacts: StudyArtifacts) -> list[NextStep]:
    """What to do next, the most urgent first; never empty.

    Args:
        artifacts: of the study; `JustMade` where Snakemake has just found that all of them are current.
    """
    steps = [step for stage in artifacts.study.stages for step in _of_stage(artifacts, stage)]
    steps += [step for wave in artifacts.study.waves for step in _of_wave(artifacts, wave)]
    if artifacts.project.replays:
        # Whoever repeats a study of others asks nobody, and has no annotators.
        steps = [step for step in steps if step.kind in ("mend", "run")]
    order = ("mend", "run", "wait", "retry", "sheets", "adjudicate")
    steps.sort(key=lambda step: order.index(step.kind))
    if any(step.kind in ("run", "wait") for step in steps):
        return steps
    return [*steps, _look(artifacts)]


def _of_stage(artifacts: StudyArtifacts, stage: str) -> Iterator[NextStep]:
    if stage in artifacts.study.asked_stages:
        try:
            waiting = artifacts.waiting(stage)
        except SourceError as error:
            yield NextStep("mend", str(error))
            return
        if waiting is not None:
            says = f": {waiting.made['open']}" if waiting.made else ""
            yield NextStep("wait", f"stage {stage} waits{says}. When they are done, {_RUN}")
            return
    summary = artifacts.summary(stage)
    if summary.damage:
        yield _mend(summary)
    elif summary.made is None:
        yield NextStep("run", f"stage {stage} has no features yet: {_RUN}")
    elif summary.is_stale:
        yield NextStep("run", f"stage {stage} has other records than when it was asked: {_RUN}")
    elif stage in artifacts.study.asked_stages:
        yield from _retry(artifacts, stage, summary.made["states"])


def _retry(artifacts: StudyArtifacts, stage: str, states: dict[str, int]) -> Iterator[NextStep]:
    counts = {state: states[state] for state in ASKED_AGAIN_MAY_HELP if states.get(state)}
    if not counts:
        return
    said = ", ".join(f"{count} {state}" for state, count in counts.items())
    came = f"{sum(counts.values())} records of stage {stage} came to nothing ({said})"
    provider = artifacts.study.providers[artifacts.study.asked_stages[stage].provider]
    if provider.repeats_itself:
        yield NextStep(
            "retry",
            f"{came}. The same model would say the same again: `goldpan features {stage} --study"
            f" {artifacts.study.study}` shows the reasons; mend the task, limits or model, then {_RUN}",
        )
        return
    command = f"goldpan retry {stage} --study {artifacts.study.study}" + "".join(
        f" --state {state}" for state in counts
    )
    yield NextStep(
        "retry",
        f"{came}. To ask them once more: `{command}`, then {_RUN}",
    )


def _of_wave(artifacts: StudyArtifacts, wave: str) -> Iterator[NextStep]:
    sample, status = artifacts.sample(wave), artifacts.wave_status(wave)
    folder = f"{artifacts.study.waves[wave].annotations_folder(artifacts.study.study, wave).rstrip('/')}/"
    if sample.damage or status.damage:
        yield _mend(sample if sample.damage else status)
    elif sample.made is None:
        return
    elif status.made is None or not any(who["answered"] for who in status.made["annotators"].values()):
        sheets = f"{PurePosixPath(artifacts.paths.sheet(wave, 'x')).parent}/"
        who = ", ".join(artifacts.study.waves[wave].annotators)
        yield NextStep(
            "sheets",
            f"the sheets of wave {wave} are in {sheets}: they are for {who} to fill in; put them back into"
            f" {folder}, then {_RUN}",
        )
    elif status.made["state"] == "partial":
        lacking = {
            name: (
                who["left"] + who.get("started", 0)
                or who.get("repeats_assigned", 0) - who.get("repeats_answered", 0),
                who["assigned"],
            )
            for name, who in status.made["annotators"].items()
        }
        said = ", ".join(f"{name} of {count} of {of}" for name, (count, of) in lacking.items() if count)
        yield NextStep(
            "sheets",
            f"wave {wave} still lacks answers: {said} items. Put the filled sheets into {folder},"
            f" then {_RUN}",
        )
    elif to_decide := artifacts.to_decide(wave):
        yield NextStep(
            "adjudicate",
            f"{to_decide} answers of wave {wave} are to be decided: open"
            f" {artifacts.paths.adjudication(wave)}, put what it exports into {folder}, then {_RUN}",
        )


def _mend(artifact: Artifact) -> NextStep:
    return NextStep("mend", f"{artifact.path} cannot be read: delete it and {_RUN}, which makes it anew")


def _look(artifacts: StudyArtifacts) -> NextStep:
    """Where to look: the page of the study; before it is there, the pages that are."""
    pages = [artifacts.paths.index()]
    if not (artifacts.project.root / pages[0]).exists():
        pages = [artifacts.paths.evaluation(name, "html") for name in artifacts.study.evaluations]
        pages += [artifacts.paths.errors(name, "html") for name in artifacts.study.errors]
        pages += [artifacts.paths.optimised(name, "search.html") for name in artifacts.study.optimised]
        pages += [artifacts.paths.agreement(name, "html") for name in artifacts.study.waves]
        pages = [page for page in pages if (artifacts.project.root / page).exists()]
    look_at = f"look at {', '.join(pages)}; " if pages else ""
    # Of a module the project is a folder below the one that runs.
    root = artifacts.project.root
    where = "" if root.is_absolute() or root == Path() else f" --root {root}"
    return NextStep("look", f"{look_at}`goldpan summary {artifacts.study.study}{where}` shows it in figures")
