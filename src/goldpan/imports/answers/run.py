"""Importing answers: files of services' output into the ledger, as answers to a stage's own requests.

All is read, joined and checked first; then each file is entered in one transaction of the ledger. Killed at
any moment, the same command goes on: what was entered is answered by then.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.batches.rounds import forget_plans
from goldpan.cells import CsvWriter
from goldpan.chains.preview import records_asked
from goldpan.errors import SourceError, StudyError
from goldpan.files import check_name_is_utf8, replacing
from goldpan.imports.answers.custom_ids import OWN_CUSTOM_ID, CustomIdPattern
from goldpan.imports.answers.fates import Allowed, FateDecider
from goldpan.imports.answers.gathered import GatheredLines
from goldpan.imports.answers.joined_lines import Portion
from goldpan.imports.answers.report import ImportReport
from goldpan.imports.answers.service_lines import CUSTOM_ID
from goldpan.ledger import Ledger, RunLock, Submission
from goldpan.ledger.imported import enter_imported, note_of_import
from goldpan.providers.address import known_secrets
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.prices import context_window
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_credentials import secrets_of_environment
from goldpan.records.read import iter_records
from goldpan.records.seen import SeenKeys
from goldpan.stages.plan import task_hashes
from goldpan.study.load import Project
from goldpan.study.provider import IMPORTED
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.failures import words_of

_CHUNK = 200
_LONGEST_NAME = 200


@dataclass(frozen=True)
class AnswerImport:
    """What is to be imported, and how it is joined.

    Attributes:
        files: output files of services, JSONL, also compressed.
        key: where in a line its key stands: `custom_id` (the id that the service gives back), or a path.
        pattern: what stands there for a record; see `CustomIdPattern`. None for goldpan's own custom ids
            where the key is `custom_id`, and for the record's id else.
        requests: request files of the same batches.
        allowed: what is taken on a person's word.
        report_file: where to write what became of each line, as CSV.
    """

    files: Sequence[Path]
    key: str = CUSTOM_ID
    pattern: str | None = None
    requests: Sequence[Path] = ()
    allowed: Allowed = field(default_factory=Allowed)
    report_file: Path | None = None


def import_answers(
    project: Project, stage: str, wanted: AnswerImport, *, dry_run: bool = False
) -> ImportReport:
    """Enter answers that were made elsewhere in the ledger.

    Args:
        stage: whose requests they answer.
        wanted: the files, and how they are joined.
        dry_run: only say what would be done.

    Raises:
        StudyError: the pattern tells no records apart, or the stage's records cannot be known yet.
        SourceError: a file cannot be read to its end; nothing is entered.
        LedgerError: a run works on the study.
    """
    _check_files([*wanted.files, *wanted.requests])
    settings = project.study.asked_stages[stage]
    report = ImportReport(stage, settings.model, is_dry_run=dry_run)
    pattern = CustomIdPattern(
        wanted.pattern or (OWN_CUSTOM_ID if wanted.key == CUSTOM_ID else "{id}"), settings.samples
    )
    keys = Keys(project.root)
    secrets = known_secrets(project.study.providers.values(), keys) + secrets_of_environment(keys)
    questioner = Questioner(
        settings,
        project.tasks,
        context_window(settings.model),
        project.study.providers[settings.provider],
        keys,
    )
    output = asked_stage(settings).output or "tool"
    readers = {name: AnswerReader(task, output) for name, task in questioner.tasks.items()}
    lock = nullcontext() if dry_run else RunLock(project.ledger, project.root / project.paths.base)
    with lock, Ledger(project.ledger) as ledger, GatheredLines(Scrubber(secrets)) as gathered:
        gathered.read_requests(wanted.requests, wanted.key)
        gathered.read_answers(wanted.files, wanted.key)
        with tempfile.TemporaryDirectory(prefix="goldpan-import-") as folder:
            records = records_asked(project, stage, Path(folder))
            _want(gathered, ledger, questioner, pattern, records, settings.max_rounds, report)
        decider = FateDecider(
            gathered, ledger, asked_stage(settings).model, readers, settings.max_rounds, wanted.allowed
        )
        decider.decide_all()
        report.answered += decider.newly_answered
        if not dry_run:
            hashes = {name: task.hash for name, task in questioner.tasks.items()}
            _enter(gathered, ledger, project, stage, hashes)
        _tell(gathered, report, wanted.report_file)
    if report.entered and not dry_run:
        forget_plans(project, stage)
    return report


def _check_files(files: Sequence[Path]) -> None:
    for file in files:
        if not file.is_file():
            raise SourceError(
                "is a folder: name its files" if file.is_dir() else "there is no such file", where=str(file)
            )
        check_name_is_utf8(file)


def _want(
    gathered: GatheredLines,
    ledger: Ledger,
    questioner: Questioner,
    pattern: CustomIdPattern,
    records: Path,
    max_rounds: int,
    report: ImportReport,
) -> None:
    """Tell which requests the stage has, by the keys that answers to them stand under; count them.

    Raises:
        StudyError: no record has what the pattern names.
    """
    rows = iter(iter_records(records))
    without_key: StudyError | None = None
    has_keys = False
    with SeenKeys() as seen:
        while chunk := list(islice(rows, _CHUNK)):
            wanted: list[tuple[str, str, Question | None, str | None]] = []
            questions: list[Question] = []
            for record in chunk:
                asked = questioner.ask(record)
                if pattern.key(record) is None:
                    without_key = without_key or pattern.lacking(record)
                if isinstance(asked, Skip):
                    if (key := pattern.key(record)) is not None:
                        wanted.append((key, record["id"], None, asked.reason))
                    continue
                questions += asked
                for question in asked:
                    if (key := pattern.key(record, question.sample)) is not None:
                        wanted.append((key, record["id"], question, None))
            has_keys = has_keys or bool(wanted)
            gathered.want(wanted)
            _count(ledger, questions, seen, max_rounds, report)
    if without_key is not None and not has_keys:
        raise without_key


def _count(
    ledger: Ledger, questions: list[Question], seen: SeenKeys, max_rounds: int, report: ImportReport
) -> None:
    outcomes = ledger.outcomes(
        [key for question in questions for key in (question.key, *question.former_keys)]
    )
    new = seen.add_new(question.key for question in questions)
    for question in questions:
        if question.key in new:
            new.discard(question.key)
            known = [outcomes[key] for key in (question.key, *question.former_keys) if key in outcomes]
            report.requests += 1
            report.answered += any(not answer.may_be_asked(max_rounds) for answer in known)


def _enter(
    gathered: GatheredLines, ledger: Ledger, project: Project, stage: str, tasks: dict[str, str]
) -> None:
    for portion in gathered.portions():
        submission = _submission(gathered, portion, ledger, project, stage, tasks)
        passed_over = enter_imported(ledger, submission, gathered.outcomes_of(portion))
        for key in passed_over:
            gathered.undo(key, "under_way" if ledger.under_way([key]) else "answered")


def _submission(
    gathered: GatheredLines,
    portion: Portion,
    ledger: Ledger,
    project: Project,
    stage: str,
    tasks: dict[str, str],
) -> Submission:
    """What stands for a file in the ledger. Its nonce says what is entered, so that two ledgers into which
    the same was imported know it of each other."""
    digest = hashlib.sha256(f"{portion.file.sha256} {portion.prompt} {project.study.study} {stage}".encode())
    stored_bytes = 0
    for outcome in gathered.outcomes_of(portion):
        digest.update(outcome.key)
        stored_bytes += len(outcome.line or b"")
    identity, now = f"{IMPORTED}{digest.hexdigest()[:32]}", ledger.clock.now()
    return Submission(
        id=0,
        shard=identity,
        nonce=identity,
        state="settled",
        provider=project.study.asked_stages[stage].provider,
        study=project.study.study,
        stage=stage,
        round=0,
        task=" ".join(sorted(tasks)),
        task_hash=task_hashes(tasks),
        model=_printable_name(portion.model),
        requests=portion.answers,
        bytes=stored_bytes,
        intent_at=now,
        batch_id=f"{IMPORTED}{portion.file.sha256[:16]}",
        status="imported",
        completed=portion.answers,
        settled_at=now,
        note=note_of_import(portion.file.name, portion.file.sha256, portion.service, portion.prompt),
        service=f"elsewhere {portion.service}",
    )


def _printable_name(model: str | None) -> str:
    """A model's name as an export of a ledger may hold it."""
    name = words_of(model)[:_LONGEST_NAME] if model else ""
    return name if name and name.isprintable() else "unknown"


def _tell(gathered: GatheredLines, report: ImportReport, report_file: Path | None) -> None:
    report.models, report.unreadable_requests = gathered.models(), gathered.unreadable_requests
    for fate in gathered.fates():
        report.add(fate)
    if report_file is not None:
        with replacing(report_file) as out:
            for row in _report_rows(gathered):
                out.write(row)


def _report_rows(gathered: GatheredLines) -> Iterator[bytes]:
    lines: list[str] = []

    class _Lines:
        def write(self, text: str, /) -> None:
            lines.append(text)

    writer = CsvWriter(_Lines())
    writer.add(["file", "line", "key", "record", "fate", "reason"])
    for fate in gathered.fates():
        writer.add(["" if cell is None else cell for cell in fate])
        yield "".join(lines).encode(errors="replace")
        lines.clear()
