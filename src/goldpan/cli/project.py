"""What commands share: the project they are about, and its stages."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from goldpan.errors import StudyError
from goldpan.study import Project, load_project

if TYPE_CHECKING:
    from goldpan.batches.stage import StageRun


def project_of(options: argparse.Namespace) -> Project:
    """The project that the options of `add_project_options` mean."""
    return load_project(options.study, root=options.root, ledger=options.ledger, results=options.results)


def stage_of(project: Project, name: str) -> StageRun:
    """A stage by name. Raises StudyError that lists the stages there are."""
    from goldpan.batches.stage import StageRun

    if name not in project.study.stages:
        raise StudyError(
            f"there is no stage `{name}`; there are: {', '.join(project.study.stages) or 'none'}",
            where=str(project.study_file),
        )
    return StageRun(project, name)
