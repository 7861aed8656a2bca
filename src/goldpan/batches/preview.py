"""What a study would ask and cost, computed in a temporary folder: nothing is written, nothing is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from goldpan.batches.plan import preview_round
from goldpan.batches.stage import StageRun
from goldpan.batches.take_in import check_ledger_knows
from goldpan.errors import ErrorGatherer
from goldpan.ledger import Ledger
from goldpan.records.inputs import source_files
from goldpan.records.limit import rows_within_limit, trial_of, trial_text
from goldpan.records.read import build_records
from goldpan.stages.make import make_records_of
from goldpan.stages.plan import Plan
from goldpan.study.load import Project


@dataclass(frozen=True)
class Preview:
    """A stage's first round, or why it cannot be known yet."""

    stage: str
    plan: Plan | None
    note: str | None = None


def preview(project: Project) -> Iterator[Preview]:
    """Plan every stage on the present input files.

    A stage that follows another can be planned once that one is answered; before, its size is not known.

    Raises:
        LedgerError, SourceError, StudyError, TaskError, WhereError: what a run would stop at, too; of all
            stages together, after those without errors.
    """
    wrong = ErrorGatherer()
    with tempfile.TemporaryDirectory(prefix="goldpan-plan-") as folder:
        for name in project.study.asked_stages:
            planned = None
            with wrong.gather():
                planned = _preview(project, name, Path(folder))
            if planned is not None:
                yield planned
    wrong.finish()


def _preview(project: Project, name: str, folder: Path) -> Preview:
    run = StageRun(project, name)
    with Ledger(project.ledger) as ledger:
        check_ledger_knows(ledger, project, name)
    records = folder / f"{name}.jsonl"
    trial: dict[str, int] = {}
    settings = run.stage.input
    for earlier in settings.stages:
        if not (project.root / project.paths.features(earlier)).exists():
            return Preview(name, None, f"depends on stage {earlier}, which is not answered yet")
    sources: dict[tuple[str, str], Path] = {}
    if not settings.stages or settings.neighbours:
        sources = _source_records(run, folder, trial)
    make_records_of(project, name, records, sources)
    if settings.stages:
        trial = trial_of(project, project.study.sources_of(name))
    return Preview(name, preview_round(project, name, records), trial_text(trial) if trial else None)


def _source_records(run: StageRun, folder: Path, trial: dict[str, int]) -> dict[tuple[str, str], Path]:
    """(source, file) -> its records file; in `trial` the limits of sources that leave out rows are noted."""
    made = {}
    for name in run.project.study.sources_of(run.name):
        source = run.project.study.sources[name]
        files = source_files(source, run.project.root)
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
