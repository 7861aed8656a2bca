"""The requests that a record makes, as a person reads them, before anything is sent or paid."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from goldpan.as_json import AsJson
from goldpan.batches.estimate import TokenEstimator, answer_length, stage_price
from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.chains.preview import records_asked
from goldpan.errors import StudyError
from goldpan.ledger import Ledger
from goldpan.providers.connect import provider_class
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.own_model.identity import own_model
from goldpan.providers.prices import Price, context_window
from goldpan.records.ids import UNREADABLE, record_id
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.rows import RowError
from goldpan.stages.plan import task_hashes
from goldpan.study.load import Project
from goldpan.tasks.nearest import suggestion

_FIRST_ROWS = 100
_MOST_COMPARED = 10_000


@dataclass(frozen=True)
class PreviewedRequest(AsJson):
    """A request as it would be sent.

    Attributes:
        sample: which of the samples of its record, from 0.
        task: what is asked.
        url: where it is sent, below the service's address.
        body: the JSON that is sent.
        answered: what the ledger says of it: `no`, `under way`, or the state of its answer, for which nothing
            is paid again unless it is one that is asked again.
        prompt_tokens: counted with the model's tokenizer; an estimate where that is another's.
        completion_tokens: as long as the answer may be.
        completion_basis: what that is estimated from.
        cost_usd: of both; None where no price is known.
        notes: what was cut off the record.
    """

    sample: int
    task: str
    url: str
    body: dict[str, Any]
    answered: str
    prompt_tokens: int
    completion_tokens: int
    completion_basis: str
    cost_usd: float | None
    notes: dict[str, Any]


@dataclass(frozen=True)
class PreviewedRecord(AsJson):
    """A record of a stage with the requests it makes.

    Attributes:
        id, source, file, line: which record it is; `line` counts from 1 in the source file.
        skip: why it is not asked; None where it is.
        requests: one for each sample.
    """

    id: str
    source: str
    file: str
    line: int
    skip: str | None
    requests: tuple[PreviewedRequest, ...] = ()


def preview_requests(project: Project, stage: str, ids: Collection[str] = ()) -> Iterator[PreviewedRecord]:
    """What the records of a stage are asked, as their requests would be sent now.

    Args:
        ids: of the records; none for the first record that is asked.

    Raises:
        StudyError: the stage is not there, asks nobody or cannot be known yet, or has no such record.
        PromptError: the prompt fails on a record.
    """
    previewer = _Previewer(project, stage)
    if ids:
        with _records_made(project, stage) as records:
            yield from _named(project, stage, previewer, records, set(ids))
        return
    first = None
    for within in (_of_first_rows(project), project):
        with _records_made(within, stage) as records:
            first = previewer.first_asked(records)
        if first is not None and first.skip is None:
            break
    if first is not None:
        yield first


@contextmanager
def _records_made(project: Project, stage: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="goldpan-preview-") as folder:
        yield records_asked(project, stage, Path(folder))


def _of_first_rows(project: Project) -> Project:
    """The project with the first rows of its sources, so that a look at one record need not read all."""
    sources = {
        name: source.model_copy(update={"limit": min(source.limit or _FIRST_ROWS, _FIRST_ROWS)})
        for name, source in project.study.sources.items()
    }
    return replace(project, study=project.study.model_copy(update={"sources": sources}))


def _named(
    project: Project, stage: str, previewer: _Previewer, records: Path, wanted: set[str]
) -> Iterator[PreviewedRecord]:
    """The records of these ids, in their order in the file; StudyError names one that is not there."""
    count, known = 0, []
    for record in iter_records(records):
        count += 1
        own = {record["id"], _id_in_row(project, record)} & wanted
        if own:
            wanted -= own
            yield previewer.preview(record)
            if not wanted:
                return
        if count <= _MOST_COMPARED:
            known.append(record["id"])
    missing = min(wanted)
    raise StudyError(
        f"stage `{stage}` has no record {missing!r} among its {count:,}; {suggestion(missing, known)}",
        where=str(project.study_file),
        remedy="`id` stands in the rows of the stage's records.jsonl and features.jsonl; rows that were"
        " skipped before they got one stand in records.jsonl with the reason, as `!SOURCE/FILE:LINE`; without"
        " --id the first record that is asked is shown",
    )


def _id_in_row(project: Project, record: Record) -> str | None:
    """The id that a row which was skipped would have had; None of other records, or where it has none."""
    source = project.study.sources.get(record["source"])
    if source is None or not source.id or not record["id"].startswith(UNREADABLE):
        return None
    try:
        return record_id(record["data"], source.id)
    except RowError:
        return None


class _Previewer:
    """Makes the requests of one stage as a plan would, and says what each costs."""

    def __init__(self, project: Project, name: str):
        settings = project.study.asked_stages[name]
        self._stage, self._provider = asked_stage(settings), project.study.providers[settings.provider]
        model = own_model(project, settings.provider)
        self._tokenizer = model.tokenizer if model else None
        self._ledger, self._study, self._name = project.ledger, project.study.study, name
        window, keys = context_window(settings.model), Keys(project.root)
        self._questioner = Questioner(settings, project.tasks, window, self._provider, keys)

    def first_asked(self, records: Path) -> PreviewedRecord | None:
        """The first record that is asked, or where all are skipped the first of them; None without any."""
        skipped: Record | None = None
        for record in iter_records(records):
            if not isinstance(self._questioner.ask(record), Skip):
                return self.preview(record)
            skipped = skipped or record
        return None if skipped is None else self.preview(skipped)

    def preview(self, record: Record) -> PreviewedRecord:
        """A record with its requests, or why it makes none."""
        asked = self._questioner.ask(record)
        skip, questions = (asked.reason, []) if isinstance(asked, Skip) else (None, asked)
        return PreviewedRecord(
            id=record["id"],
            source=record["source"],
            file=record["file"],
            line=record["line"],
            skip=skip,
            requests=tuple(map(self._request, questions)),
        )

    def _request(self, question: Question) -> PreviewedRequest:
        line = orjson.loads(b"".join(self._questioner.line_parts(question)))
        task = self._questioner.tasks[question.task]
        length, answered = answer_length(task, self._stage), "no"
        # Opened, a ledger would be made.
        if self._ledger.exists():
            with Ledger(self._ledger) as ledger:
                hashes = task_hashes({question.task: task.hash})
                of_task, of_any = (
                    ledger.spent(self._study, self._name, of_tasks) for of_tasks in (hashes, None)
                )
                length, answered = (
                    answer_length(task, self._stage, of_task, of_any),
                    _answered(ledger, question),
                )
        tokens = TokenEstimator(self._stage.model, self._tokenizer).see(
            question.size, question.messages, question.task
        )
        price = self._price()
        return PreviewedRequest(
            sample=question.sample,
            task=question.task,
            url=line["url"],
            body=line["body"],
            answered=answered,
            prompt_tokens=tokens,
            completion_tokens=round(length.tokens),
            completion_basis=length.basis,
            cost_usd=None if price is None else round(price.cost(tokens, length.tokens), 6),
            notes=question.notes,
        )

    def _price(self) -> Price | None:
        answerer = provider_class(self._provider)
        return stage_price(
            self._stage,
            is_free=not (answerer.costs_money or answerer.from_ledger_alone),
            is_online=self._stage.mode == "online" and not answerer.works_here,
            tier=self._stage.asked_tier,
        )


def _answered(ledger: Ledger, question: Question) -> str:
    keys = [question.key, *question.former_keys]
    outcomes = ledger.outcomes(keys)
    for key in keys:
        if key in outcomes:
            return outcomes[key].state
    return "under way" if ledger.under_way(keys) else "no"
