"""What commands share: the project they are about, and its stages."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from goldpan.study import Project, load_project

if TYPE_CHECKING:
    from goldpan.batches.stage import StageRun


def project_of(options: argparse.Namespace) -> Project:
    """The project that the options of `add_project_options` mean."""
    return load_project(options.study, root=options.root, ledger=options.ledger, results=options.results)


def stage_of(project: Project, name: str) -> StageRun:
    """A stage by name. Raises StudyError that lists the stages there are."""
    from goldpan.batches.stage import StageRun

    project.named("stage", project.study.stages, name)
    return StageRun(project, name)
