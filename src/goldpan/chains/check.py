"""Checking the stages that ask nobody, as far as that is possible before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.chains.local_kinds import LOCAL_KINDS
from goldpan.errors import ErrorGatherer
from goldpan.stages.features import features_of_stage
from goldpan.stages.record_kinds import check_stage_input, where_of
from goldpan.study.load import Project


def check_local_stages(project: Project) -> Iterator[str]:
    """Look at each stage that asks nobody; yields a line about each, and raises in the end what is wrong.

    Raises:
        StudyError, WhereError, SourceError: what does not fit, with its place; SeveralErrors where it is more
            than one thing.
    """
    wrong = ErrorGatherer()
    for name, stage in project.study.local_stages.items():
        with wrong.gather():
            check_stage_input(project, name)
            where_of(project, name)
            LOCAL_KINDS[type(stage)].check(project, name, stage)
            yield f"stage {name}: {len(features_of_stage(project, name))} features, asks nobody"
    wrong.finish()
