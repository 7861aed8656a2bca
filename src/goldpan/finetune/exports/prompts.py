"""The prompt of each row: the stage's own as it was rendered for the record, or the export's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import orjson

from goldpan.batches.questions import (
    DEFAULT_CONTEXT_TOKENS,
    Questioner,
    Skip,
    max_material_chars,
    of_record,
    prompt_context,
)
from goldpan.errors import PromptError, StudyError
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.prices import context_window
from goldpan.providers.request_shape import Shape, shape_of
from goldpan.records.model import Record
from goldpan.stages.duplicates import alone
from goldpan.study.export import ExportPrompt
from goldpan.study.load import Project
from goldpan.tasks import traces
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task
from goldpan.waves.answer_text import own_paths, own_text

_TABLE = Shape("json_schema", "chat")
_TRACE_CHARS = 1_000_000


class Prompt(NamedTuple):
    """The prompt of a row.

    Attributes:
        task: the task that is asked.
        messages: role and content of each.
        own_text: what of it is the record's own, without the words of the prompt.
        request_key: of the stage's request about the record, in hexadecimal; empty where no stage asks.
        known_keys: all keys by which the ledger may know the stage's requests about the record.
    """

    task: str
    messages: list[dict[str, str]]
    own_text: str
    request_key: str = ""
    known_keys: frozenset[str] = frozenset()


class Prompter:
    """Writes the prompts of the records of a stage, or of a table.

    Args:
        project: the project.
        stage: the stage; None for a table that nobody was asked about.
        table_task: of such a table the task that says what its features are.
        prompt: the export's own.

    Attributes:
        tasks: by name, all that may be asked.
        shape: how the stage asks.

    Raises:
        TaskError, StudyError: a task or a file of the prompt is missing or wrong.
    """

    def __init__(
        self, project: Project, stage: str | None, table_task: Task | None, prompt: ExportPrompt | None
    ):
        self._questioner: Questioner | None = None
        self.shape, self._max_chars = _TABLE, _TRACE_CHARS
        self.tasks: Mapping[str, Task] = {} if table_task is None else {table_task.name: table_task}
        if stage is not None:
            settings = project.study.asked_stages[stage]
            provider, keys = project.study.providers[settings.provider], Keys(project.root)
            context = settings.limits.context_tokens or context_window(settings.model)
            self._questioner = Questioner(settings, project.tasks, context, provider, keys)
            self.tasks = self._questioner.tasks
            self.shape = shape_of(settings, provider, keys)
            self._max_chars = max_material_chars(asked_stage(settings), 0, context or DEFAULT_CONTEXT_TOKENS)
        self._renderers: dict[str, PromptRenderer] = {}
        shown = dict(self.tasks)
        if prompt is not None:
            shown = {name: with_prompt(task, prompt, project.tasks) for name, task in self.tasks.items()}
            self._renderers = {name: PromptRenderer(task) for name, task in shown.items()}
        self._own_paths = {
            name: own_paths(task) if task.user_template else [] for name, task in shown.items()
        }

    def prompt(self, record: Record) -> Prompt | Skip:
        """The prompt of a record, or why it is not asked.

        Raises:
            PromptError: a template fails on this record; the record is named.
        """
        if "skip" in record:
            return Skip(record["id"], record["skip"])
        if self._questioner is None:
            (name,) = self.tasks
            return self._prompt(name, record, self._rendered(name, record))
        asked = self._questioner.ask(record)
        if isinstance(asked, Skip):
            return asked
        name = asked[0].task
        known = {key.hex() for question in asked for key in (question.key, *question.former_keys)}
        record = alone(cast(Record, {**record}))
        if name in self._renderers:
            messages = self._rendered(name, record)
        else:
            messages = orjson.loads(b"".join(asked[0].messages))
        prompt = self._prompt(name, record, messages)
        return prompt._replace(request_key=asked[0].key.hex(), known_keys=frozenset(known))

    def _rendered(self, task: str, record: Record) -> list[dict[str, str]]:
        context, _ = prompt_context(self.tasks[task], record, self._max_chars)
        try:
            messages = self._renderers[task].messages(context)
            # A template can write what no JSON file may hold.
            orjson.dumps(messages)
        except PromptError as error:
            raise of_record(error, record["id"]) from None
        except TypeError as error:
            raise PromptError(
                f"the prompt of record {record['id']!r} cannot be written as JSON: {error}",
                remedy="correct the template; a lone surrogate such as \\ud800 is no character",
            ) from None
        return messages

    def _prompt(self, task: str, record: Record, messages: list[dict[str, str]]) -> Prompt:
        if self.tasks[task].material == "trace":
            material = traces.prepare(record["data"], self._max_chars)
            # Without system prompt and tools, which all traces of one agent share.
            own = f"{material.trace}\n{material.follow_up or ''}"
        else:
            own = own_text(record, self._own_paths[task])
        return Prompt(task, messages, own or messages[-1]["content"])


def with_prompt(task: Task, prompt: ExportPrompt, tasks: Path) -> Task:
    """A task that asks by other templates.

    Args:
        tasks: the folder that they lie in.

    Raises:
        StudyError: a file is not there, lies elsewhere, or is no UTF-8.
    """
    user = _template(prompt.user, tasks)
    system = _template(prompt.system, tasks) if prompt.system else None
    return replace(
        task,
        user_template=user,
        system_template=system,
        user_file=tasks / prompt.user,
        system_file=tasks / prompt.system if prompt.system else None,
    )


def _template(name: str, tasks: Path) -> str:
    path = tasks / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
        raise StudyError(
            f"there is no template `{name}` in the folder of the tasks",
            where=str(tasks),
            remedy="write it there, as the prompts of tasks are",
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"cannot be read: {error}", where=str(path), remedy="save it as UTF-8") from None
