"""What commands share: the project they are about, and its stages."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.errors import ErrorGatherer, GoldpanError, StudyError
from goldpan.study import Project, load_project, load_study
from goldpan.study.provider import OwnModelSettings

if TYPE_CHECKING:
    from goldpan.batches.stage import StageRun


def project_of(options: argparse.Namespace, wrong: ErrorGatherer | None = None) -> Project:
    """The project that the options of `add_project_options` mean; `wrong` as of `load_study`."""
    limit: str | None = getattr(options, "limit", None)
    loaded = load_project(
        options.study,
        root=options.root,
        ledger=options.ledger,
        results=options.results,
        # What is no whole number is refused with what was written.
        limit=int(limit) if limit and limit.isdecimal() else limit,
        mode=getattr(options, "mode", None),
        replay=getattr(options, "replay", False),
        wrong=wrong,
    )
    if not any(isinstance(provider, OwnModelSettings) for provider in loaded.study.providers.values()):
        return loaded
    from goldpan.providers.own_model.identity import with_models_named

    return with_models_named(loaded)


def project_with_runs(options: argparse.Namespace) -> Project:
    """The study of modules that is meant; see `default_study` where none is named."""
    from goldpan.experiments.listing import default_study

    if options.study is None:
        options.study = default_study(Path(options.root))
    return project_of(options)


def stage_of(project: Project, name: str) -> StageRun:
    """A stage by name. Raises StudyError that lists the stages there are, or names the study that has it."""
    from goldpan.batches.stage import StageRun

    if name not in project.study.stages:
        for other in sorted(project.study_file.parent.glob("*.yaml")):
            if name in _stages_in(other):
                raise StudyError(
                    f"study `{project.study.study}` has no stage `{name}`",
                    where=str(project.study_file),
                    remedy=f"another study has: --study {other.stem}",
                )
    project.named("stage", project.study.stages, name)
    if name not in project.study.asked_stages:
        raise StudyError(
            f"stage `{name}` asks nobody: it is worked on here, and has no batches",
            where=str(project.study_file),
        )
    return StageRun(project, name)


def _stages_in(study_file: Path) -> Collection[str]:
    """Names of the stages of a study; none where the file is not one."""
    try:
        return load_study(study_file).stages
    except GoldpanError:
        return ()
