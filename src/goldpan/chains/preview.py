"""What a study would ask and cost, computed in a temporary folder: nothing is written, nothing is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from goldpan.batches.plan import preview_round
from goldpan.batches.take_in import check_ledger_knows
from goldpan.chains.answer import answer_locally
from goldpan.chains.local_kinds import local_inputs
from goldpan.errors import ErrorGatherer
from goldpan.ledger import Ledger
from goldpan.records.inputs import source_files
from goldpan.records.limit import rows_within_limit, trial_of, trial_text
from goldpan.records.read import build_records
from goldpan.stages.make import make_records_of
from goldpan.stages.plan import Plan
from goldpan.study.load import Project
from goldpan.study.model import Study
from goldpan.study.paths import Paths


@dataclass(frozen=True)
class Preview:
    """A stage's first round, or why it cannot be known yet."""

    stage: str
    plan: Plan | None
    note: str | None = None


class _PreviewPaths(Paths):
    """The names of a study's artifacts, where stages that ask nobody are worked on in a folder apart.

    Args:
        paths: of the project.
        folder: for these stages.

    Attributes:
        made: the stages that were worked on there.
    """

    def __init__(self, paths: Paths, folder: Path):
        self.results, self.base = paths.results, paths.base
        self._folder = folder
        self.made: set[str] = set()

    def stage(self, stage: str) -> str:
        """Folder of a stage."""
        return f"{self._folder}/stages/{stage}" if stage in self.made else super().stage(stage)


def preview(project: Project) -> Iterator[Preview]:
    """Plan every stage on the present input files.

    A stage that follows another can be planned once that one is answered; before, its size is not known. What
    asks nobody is worked on for it, as far as what it needs is there.

    Raises:
        LedgerError, SourceError, StudyError, TaskError, WhereError: what a run would stop at, too; of all
            stages together, after those without errors.
    """
    wrong = ErrorGatherer()
    with tempfile.TemporaryDirectory(prefix="goldpan-plan-") as folder:
        paths = _PreviewPaths(project.paths, Path(folder))
        project = replace(project, paths=paths)
        unanswered: dict[str, int] = {}
        for name in project.study.stages:
            planned = None
            with wrong.gather():
                planned = _preview(project, name, paths, Path(folder))
            if planned is not None:
                yield _with_what_may_follow(project.study, planned, unanswered)
    wrong.finish()


def _preview(project: Project, name: str, paths: _PreviewPaths, folder: Path) -> Preview | None:
    """What is to be said of a stage; None of one that asks nobody, which is then worked on."""
    settings = project.study.stages[name].input
    is_local = name in project.study.local_stages
    if not is_local:
        with Ledger(project.ledger) as ledger:
            check_ledger_knows(ledger, project, name)
    for earlier in settings.stages:
        if not (project.root / paths.features(earlier)).exists():
            return (
                None
                if is_local
                else Preview(name, None, f"depends on stage {earlier}, {_not_so_far(project, earlier)}")
            )
    trial: dict[str, int] = {}
    sources: dict[tuple[str, str], Path] = {}
    if not settings.stages or settings.neighbours:
        sources = _source_records(project, name, folder, trial)
    if is_local:
        if all((project.root / path).exists() for path in local_inputs(project, name)):
            paths.made.add(name)
            make_records_of(project, name, project.root / paths.stage_records(name), sources)
            answer_locally(project, name)
        return None
    records = folder / f"{name}.jsonl"
    make_records_of(project, name, records, sources)
    if settings.stages:
        trial = trial_of(project, project.study.sources_of(name))
    return Preview(name, preview_round(project, name, records), trial_text(trial) if trial else None)


def _with_what_may_follow(study: Study, planned: Preview, unanswered: dict[str, int]) -> Preview:
    """The preview with a note where it goes by the present answers of stages that are yet to be asked; in
    `unanswered` it is noted how many requests of a stage are."""
    if planned.plan is None:
        return planned
    requests = planned.plan.requests
    unanswered[planned.stage] = requests["asked"] + requests["pending"] + requests["later"]
    earlier = study.stages_to(planned.stage)[1:]
    before = [f"{unanswered[name]:,} of {name}" for name in earlier if unanswered.get(name)]
    if not before:
        return planned
    note = f"goes by the answers so far; still to come: {', '.join(before)}"
    return replace(planned, note=f"{planned.note}; {note}" if planned.note else note)


def _not_so_far(project: Project, stage: str) -> str:
    asks = stage in project.study.asked_stages
    return "whose features are not made yet" if asks else "whose own inputs are not there yet"


def _source_records(
    project: Project, stage: str, folder: Path, trial: dict[str, int]
) -> dict[tuple[str, str], Path]:
    """(source, file) -> its records file; in `trial` the limits of sources that leave out rows are noted."""
    made = {}
    for name in project.study.sources_of(stage):
        source = project.study.sources[name]
        files = source_files(source, project.root)
        limited = None if source.limit is None else rows_within_limit(source, source.limit, files)
        if limited is not None and limited.has_more:
            trial[name] = limited.limit
        for file, path in files.items():
            output = folder / name / f"{file}.jsonl"
            if not output.exists():
                limit = None if limited is None else limited.rows.get(file, 0)
                build_records(source, name, file, path, output, limit)
            made[name, file] = output
    return made
