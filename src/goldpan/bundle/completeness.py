"""Whether a study can be bundled: it is made, and the ledger has each answer that a replay looks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from goldpan.batches.plan import preview_round
from goldpan.bundle.artifacts import ModelArtifacts
from goldpan.errors import BundleError, ErrorGatherer, ReplayMissError
from goldpan.records.limit import trial_of, trial_text
from goldpan.study.load import Project
from goldpan.study.run_again import run_as_usual
from goldpan.waves.steps.given_out import given_out_before

_SHOWN = 5


def check_is_made(project: Project, targets: list[str]) -> list[str]:
    """Check that the artifacts of a study are there, but for those that models compute.

    Args:
        targets: all that the study asks for.

    Returns:
        What is lacking of what models compute, in words.

    Raises:
        BundleError: something else is lacking, or was made of some of the rows only.
    """
    by_model = ModelArtifacts(project)
    missing = [path for path in targets if not (project.root / path).exists()]
    needed = [path for path in missing if path not in by_model]
    run = run_as_usual(project.study.study)
    if needed:
        more = f" and {len(needed) - _SHOWN} others" if len(needed) > _SHOWN else ""
        raise BundleError(
            f"the study is not made yet, so there is nothing to repeat: {', '.join(needed[:_SHOWN])}{more}",
            where=str(project.study_file),
            remedy=f"{run} to its end",
        )
    for name, wave in project.study.waves.items():
        draw = wave.draw_file(project.study.study, name)
        if given_out_before(project, name) and not (project.root / draw).exists():
            raise BundleError(
                f"what was given out of the wave `{name}` is not in {draw} yet, and would be drawn anew",
                where=str(project.study_file),
                remedy=f"an earlier goldpan gave it out; a run takes it over: {run}",
            )
    trial = trial_of(project, project.study.sources)
    if any(project.study.sources[source].limit is None for source in trial):
        raise BundleError(
            f"its results are those of {trial_text(trial)}, which the study does not say",
            where=str(project.study_file),
            remedy=f"{run} without a limit; or write `limit:` into config/config.yaml, and bundle the trial",
        )
    return [f"{len(missing)} files that models compute were not made"] if missing else []


def was_answered(project: Project, stage: str) -> bool:
    """Whether a stage was once answered to its end, as things were then."""
    return (project.root / project.paths.features(stage)).exists()


def never_answered(project: Project, stages: Sequence[str]) -> BundleError:
    """That stages have no answers at all, which is no change of anything."""
    names = ", ".join(f"`{stage}`" for stage in stages)
    called = f"the stage {names} was" if len(stages) == 1 else f"the stages {names} were"
    return BundleError(
        f"{called} never answered to the end, so there is nothing to repeat",
        where=str(project.study_file),
        remedy=f"{run_as_usual(project.study.study)} to its end, then bundle",
    )


def check_is_answered(project: Project) -> None:
    """Check that a replay would find all answers: those to the prompts, records and models as they are now.

    Raises:
        BundleError: batches are open, or there are requests without an answer; SeveralErrors where that is so
            of several stages.
        PromptError, TaskError: as for a plan.
    """
    wrong = ErrorGatherer()
    replaying = replace(project, replays=True)
    for stage in project.study.asked_stages:
        with wrong.gather():
            _check_stage(replaying, stage)
    wrong.finish()


def _check_stage(project: Project, stage: str) -> None:
    records = project.root / project.paths.stage_records(stage)
    run = run_as_usual(project.study.study)
    try:
        plan = preview_round(project, stage, records)
    except ReplayMissError as miss:
        if not was_answered(project, stage):
            raise never_answered(project, [stage]) from None
        raise BundleError(
            f"{miss.what}: task, prompt, model or records were changed since it was answered",
            where=f"stage {stage}",
            remedy=f"put back what was changed, or first {run}",
        ) from None
    if pending := plan.requests["pending"]:
        raise BundleError(
            f"{pending} of its requests are still under way, in {len(plan.shards)} open batches",
            where=f"stage {stage}",
            remedy=f"{run} until they are settled, then bundle",
        )
