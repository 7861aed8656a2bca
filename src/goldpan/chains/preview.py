"""What a study would ask and cost, computed in a temporary folder: nothing is written, nothing is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from goldpan.batches.plan import preview_round
from goldpan.batches.take_in import check_ledger_knows
from goldpan.chains.answer import answer_locally
from goldpan.chains.local_kinds import local_inputs
from goldpan.errors import ErrorGatherer, StudyError
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


def records_asked(project: Project, stage: str, folder: Path) -> Path:
    """Make the records of a stage as they are now, in a folder apart: nothing is written to the results.

    Raises:
        StudyError: the stage follows one whose features are not there yet.
        LedgerError, SourceError, WhereError: what a run would stop at, too.
    """
    paths = _PreviewPaths(project.paths, folder)
    project = replace(project, paths=paths)
    for name in project.study.chain_to(stage):
        if name in project.study.local_stages:
            _preview(project, name, paths, folder)
    made = _records(project, stage, folder, {})
    if isinstance(made, str):
        raise StudyError(
            f"stage `{stage}` {made}",
            where=str(project.study_file),
            remedy="run the study up to there, or look at the stage before it",
        )
    return made


def _preview(project: Project, name: str, paths: _PreviewPaths, folder: Path) -> Preview | None:
    """What is to be said of a stage; None of one that asks nobody, which is then worked on."""
    trial: dict[str, int] = {}
    if name in project.study.local_stages:
        if all((project.root / path).exists() for path in local_inputs(project, name)):
            made = _records(project, name, folder, trial)
            if isinstance(made, Path):
                paths.made.add(name)
                records = project.root / paths.stage_records(name)
                records.parent.mkdir(parents=True, exist_ok=True)
                made.replace(records)
                answer_locally(project, name)
        return None
    with Ledger(project.ledger) as ledger:
        check_ledger_knows(ledger, project, name)
    made = _records(project, name, folder, trial)
    if isinstance(made, str):
        return Preview(name, None, made)
    return Preview(name, preview_round(project, name, made), trial_text(trial) if trial else None)


def _records(project: Project, name: str, folder: Path, trial: dict[str, int]) -> Path | str:
    """The records of a stage, made in the folder, or why they cannot be known yet; in `trial` the limits of
    sources that leave out rows are noted."""
    settings = project.study.stages[name].input
    for earlier in settings.stages:
        if not (project.root / project.paths.features(earlier)).exists():
            return f"depends on stage {earlier}, {_not_so_far(project, earlier)}"
    sources: dict[tuple[str, str], Path] = {}
    if not settings.stages or settings.neighbours:
        sources = _source_records(project, name, folder, trial)
    records = folder / f"{name}.jsonl"
    make_records_of(project, name, records, sources)
    if settings.stages:
        trial.clear()
        trial.update(trial_of(project, project.study.sources_of(name)))
    return records


def _with_what_may_follow(study: Study, planned: Preview, unanswered: dict[str, int]) -> Preview:
    """The preview with a note where it goes by the present answers of stages that are yet to be asked, or by
    a model that learns from such; in `unanswered` it is noted how many requests of a stage are."""
    if planned.plan is None:
        return planned
    requests = planned.plan.requests
    unanswered[planned.stage] = requests["asked"] + requests["pending"] + requests["later"]

    def to_come(stages: Iterable[str]) -> str:
        return ", ".join(f"{unanswered[name]:,} of {name}" for name in stages if unanswered.get(name))

    notes = [planned.note] if planned.note else []
    if before := to_come(study.stages_to(planned.stage)[1:]):
        notes.append(f"goes by the answers so far; still to come: {before}")
    if lessons := to_come(_teaching(study, planned.stage)):
        notes.append(
            f"its model learns anew from answers still to come ({lessons}), and then all is asked anew"
        )
    return replace(planned, note="; ".join(notes) or None)


def _teaching(study: Study, stage: str) -> list[str]:
    """The stages whose answers the fine-tuned model learns from that answers a stage, if one does."""
    tuned = getattr(study.providers[study.asked_stages[stage].provider], "finetuned", None)
    taught_by = study.exports[study.finetunes[tuned].export].stage if tuned else None
    return list(study.stages_to(taught_by)) if taught_by else []


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
