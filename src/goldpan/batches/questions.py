"""From a stage record to the requests it makes: which task, which material, which key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from goldpan.batches.requests import MessagesWriter, RequestForm
from goldpan.errors import PromptError
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.request_shape import former_shapes_of, oldest_shape, shape_of
from goldpan.records.ids import custom_id
from goldpan.records.model import Record
from goldpan.records.read import parse_record
from goldpan.records.skips import FILTERED
from goldpan.stages.columns import features_of
from goldpan.stages.duplicates import alone, comparable_text, shared_text, with_text
from goldpan.stages.record_kinds import KINDS_OF_ANY_RECORD
from goldpan.study.provider import Provider
from goldpan.study.stage import Stage
from goldpan.tasks import traces
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task, load_task
from goldpan.tasks.where import Where

DEFAULT_CONTEXT_TOKENS = 128_000
DEFAULT_COMPLETION_TOKENS = 4_096
# A cautious ratio for English prose and JSON: real tokenizers see 3.5 to 4.5 characters to a token.
CHARS_PER_TOKEN = 3.0


@dataclass(frozen=True)
class Skip:
    """A record that is not asked, and why."""

    id: str
    reason: str


class Question(NamedTuple):
    """One request of a record, before it is decided whether to ask it.

    `messages` are JSON, in parts; `size` is that of its whole line in a request file. `former_keys` are those
    of the same request in the shapes in which the ledger may know it from before.
    """

    id: str
    sample: int
    custom_id: str
    task: str
    key: bytes
    messages: tuple[bytes, ...]
    size: int
    notes: dict[str, Any]
    former_keys: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class _Choice:
    task: Task
    when: Where | None
    renderer: PromptRenderer
    writer: MessagesWriter
    form: RequestForm
    former: list[RequestForm]
    max_chars: int


class AnswersOfStage(dict[str, Any]):
    """What a stage answered, whose rationales are there by name only: a prompt that writes all answers is the
    same with and without them.

    Args:
        answers: feature -> value.
        rationales: `FEATURE_rationale` -> text.
    """

    def __init__(self, answers: Mapping[str, Any], rationales: Mapping[str, str | None]):
        super().__init__(answers)
        self._rationales = rationales

    def __missing__(self, name: str) -> str | None:
        return self._rationales[name]


class Questioner:
    """Turns the records of one stage into questions.

    Args:
        stage: the stage's settings.
        tasks: folder of the task files.
        context_tokens: context window of the model, in tokens.
        provider: who is asked; None for OpenAI.
        keys: where an address is looked for that the study does not name.

    Raises:
        TaskError: a task is wrong, or two tasks of the stage do not go together.
    """

    def __init__(
        self,
        stage: Stage,
        tasks: Path,
        context_tokens: int | None,
        provider: Provider | None = None,
        keys: Keys | None = None,
    ):
        shape, former = shape_of(stage, provider, keys), former_shapes_of(stage, provider, keys)
        stage = asked_stage(stage)
        self._samples = range(stage.samples)
        self._shared_field = stage.duplicates.share if stage.duplicates else None
        self._choices: list[_Choice] = []
        context = stage.limits.context_tokens or context_tokens or DEFAULT_CONTEXT_TOKENS
        for choice in stage.task:
            task = load_task(choice.task, tasks)
            forms = {other: RequestForm(task, stage.model, stage.params, other) for other in (shape, *former)}
            # By one shape, whichever is asked: a long record that is cut differently has another key.
            fixed_bytes = forms[oldest_shape(forms)].fixed_bytes
            self._choices.append(
                _Choice(
                    task=task,
                    when=Where.parse(choice.when, None, record=KINDS_OF_ANY_RECORD) if choice.when else None,
                    renderer=PromptRenderer(task),
                    writer=MessagesWriter(),
                    form=forms[shape],
                    former=[forms[other] for other in former],
                    max_chars=max_material_chars(stage, fixed_bytes, context),
                )
            )
        self.tasks = {choice.task.name: choice.task for choice in self._choices}
        self._forms = {choice.task.name: choice.form for choice in self._choices}
        # Refused here, before anything is asked.
        features_of(self.tasks.values())

    def ask_lines(self, path: Path, lines: list[tuple[int, bytes]]) -> list[list[Question] | Skip]:
        """What `ask` says of each record on some numbered lines of a records file.

        Raises:
            SourceError: a line is damaged.
            PromptError: as for `ask`.
        """
        return [self.ask(parse_record(path, *line)) for line in lines]

    def ask(self, record: Record) -> list[Question] | Skip:
        """The questions of a record (one for each sample), or why there are none.

        Raises:
            PromptError: a template fails on this record; the record is named.
        """
        identity = record["id"]
        if "skip" in record:
            return Skip(identity, record["skip"])
        record, in_other_form = self._written_from(record)
        for choice in self._choices:
            if choice.when is None or choice.when.matches(dict(record)):
                break
        else:
            return Skip(identity, f"{FILTERED}: no task of the stage is meant for this record")
        try:
            messages, notes = _messages(choice, record, identity)
            others = [_messages(choice, in_other_form, identity)[0]] if in_other_form else []
        except traces.UnusableTrace as error:
            return Skip(identity, f"{error.code}: {error}")
        whole = b"".join(messages)
        form = choice.form
        questions = []
        for sample in self._samples:
            own_id = custom_id(identity, sample)
            former = [other.key(whole, sample) for other in choice.former]
            for other in map(b"".join, others):
                former += [shape.key(other, sample) for shape in (form, *choice.former)]
            questions.append(
                Question(
                    id=identity,
                    sample=sample,
                    custom_id=own_id,
                    task=choice.task.name,
                    key=form.key(whole, sample),
                    messages=messages,
                    size=form.size(own_id, len(whole)),
                    notes=notes,
                    former_keys=tuple(former),
                )
            )
        return questions

    def _written_from(self, record: Record) -> tuple[Record, Record | None]:
        """The record that a request is written from: where a stage shares answers, the leader of its group.

        And the same with its text in the other of the two forms in which the ledger may know it: as it is
        spelt, and normal; None where these are one.
        """
        if self._shared_field is None:
            return record, None
        spelt = cast(Record, record["asked_as"]) if "asked_as" in record else alone(cast(Record, {**record}))
        text = shared_text(spelt, self._shared_field)
        if text is None or (normal := comparable_text(text)) == text:
            return spelt, None
        in_normal_form = with_text(spelt, self._shared_field, normal)
        return (in_normal_form, spelt) if "asked_text" in record else (spelt, in_normal_form)

    def line_parts(self, question: Question) -> tuple[bytes, ...]:
        """A question's line in a request file, in parts to be written one after the other."""
        return self._forms[question.task].line_parts(question.custom_id, question.messages)


def prompt_context(task: Task, record: Record, max_chars: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a prompt of a task may name about a record, and what was cut off it.

    Args:
        max_chars: of a trace, the characters it may have.

    Raises:
        UnusableTrace: it is no trace that can be asked.
    """
    context: dict[str, Any] = {"answers": {}, **record}
    if "rationales" in record:
        reasons = context.pop("rationales")
        answers = context["answers"].items()
        context["answers"] = {name: AnswersOfStage(values, reasons.get(name, {})) for name, values in answers}
    if task.material != "trace":
        return context, {}
    material = traces.prepare(record["data"], max_chars)
    return {**context, **material.context}, material.notes


def of_record(error: PromptError, identity: str) -> PromptError:
    """The error of a template, with the record that it fails on."""
    return PromptError(f"{error.what} (record {identity!r})", where=error.where, remedy=error.remedy)


def _messages(choice: _Choice, record: Record, identity: str) -> tuple[tuple[bytes, ...], dict[str, Any]]:
    """The messages of a request about a record, as JSON in parts, and what was cut off it.

    Raises:
        UnusableTrace: it is no trace that can be asked.
        PromptError: a template fails; `identity` is named.
    """
    context, notes = prompt_context(choice.task, record, choice.max_chars)
    try:
        return choice.writer.json_parts(choice.renderer.pieces(context)), notes
    except PromptError as error:
        raise of_record(error, identity) from None


def max_material_chars(stage: Stage, fixed_bytes: int, context_tokens: int) -> int:
    """How many characters of a record fit the model's context beside the task and the answer."""
    limits = (stage.params.get(name) for name in ("max_completion_tokens", "max_tokens"))
    # A limit that is no number is a finding of `request_check`.
    completion = next((limit for limit in limits if isinstance(limit, int) and limit > 0), None)
    tokens = context_tokens - (completion or DEFAULT_COMPLETION_TOKENS)
    return max(2_000, int(tokens * CHARS_PER_TOKEN) - fixed_bytes)
