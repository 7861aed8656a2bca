"""The trace critic from Python: pick the rubric, build a request, read the answer.

    body = build_request(segment, "gpt-4.1-mini", temperature=0)
    answer = client.chat.completions.create(**body)
    predictions = parse_tool_call(answer.choices[0].message.tool_calls[0])
    predictions["loop_behavior"].detected

Segments are rows `{conversation_id, segment_id, trace_segment: {trace, tools, follow_up_user_message?}}`, as
`segment_of_messages` makes them of bare messages and tools. The same tasks, prompts and checks serve the
workflow and `goldpan.batches.critic`, which add batches, rounds and the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from goldpan.errors import AnswerError, PredictionMissingFieldError, TaskError, WrongFunctionNameError
from goldpan.files import canonical_json, sha256_hex
from goldpan.study.installed import installed_project
from goldpan.study.paths import tasks_folder
from goldpan.tasks import traces
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.chat import chat_body
from goldpan.tasks.critic_predictions import Prediction, typed_predictions
from goldpan.tasks.lenient_json import answer_object
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task, load_task

RUBRIC = "trace_critic"
RUBRIC_WITH_FOLLOW_UP = "trace_critic_follow_up"

DEFAULT_MAX_CHARS = 320_000
"""Characters of material in a request: some 100,000 tokens, which leaves room in a context of 128,000."""


def rubric_for(follow_up: bool, folder: Path | None = None) -> Task:
    """The rubric for segments with or without a follow-up message of the user (28 or 19 features).

    Args:
        follow_up: whether such a message is there.
        folder: folder of the task files; default: `config/tasks` of the project one works in.

    Raises:
        TaskError: the task files are missing or wrong.
    """
    return _rubric(follow_up, folder or default_folder()).task


def pick_rubric(segment: Mapping[str, Any], folder: Path | None = None) -> Task:
    """The rubric that fits a segment: it has a follow-up unless `follow_up_user_message` is absent or null.

    Raises:
        TaskError: as for `rubric_for`.
    """
    return rubric_for(_has_follow_up(segment), folder)


def segment_of_messages(
    messages: Sequence[Any],
    tools: Sequence[Any] | None = None,
    *,
    has_follow_up: bool = False,
    conversation_id: str | None = None,
    segment_id: str = "001",
) -> dict[str, Any]:
    """The segment that bare messages and tools make up, for `build_request` and `batch_annotate`.

    Args:
        messages: of the chat format, as dicts or as the objects of the `openai` package or litellm.
        tools: likewise; None when there are none.
        has_follow_up: whether the last message is what the user said after the segment; decides the rubric.
        conversation_id: default a hash of messages and tools.
        segment_id: which segment of the conversation.

    Raises:
        UnusableTrace: `messages` are no list, or the last one should be the follow-up and is none of the
            user's.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Sequence):
        raise traces.UnusableTrace(
            "no_trace", f"messages are a list of messages, not {type(messages).__name__}"
        )
    trace = [_as_dict(message) for message in messages]
    segment: dict[str, Any] = {"trace": trace, "tools": tools and [_as_dict(tool) for tool in tools]}
    if has_follow_up:
        role = trace[-1].get("role") if trace and isinstance(trace[-1], dict) else None
        if role != "user":
            what = f"the last message has the role {role!r}" if trace else "there is no message"
            raise traces.UnusableTrace("bad_follow_up", f"{what}, where the user's follow-up should be")
        segment["follow_up_user_message"] = trace.pop()
    if conversation_id is None:
        conversation_id = sha256_hex(canonical_json(segment))[:16]
    return {"conversation_id": conversation_id, "segment_id": segment_id, "trace_segment": segment}


def build_request(
    segment: Mapping[str, Any],
    model: str,
    *,
    folder: Path | None = None,
    max_chars: int = DEFAULT_MAX_CHARS,
    **params: Any,
) -> dict[str, Any]:
    """The body of a chat-completions request that annotates a segment by a forced tool call.

    Args:
        segment: the row; prompts may name it as `data`, beside the names in `traces.MATERIAL_NAMES`.
        model: name of the annotator model.
        folder: folder of the task files; default as for `rubric_for`.
        max_chars: characters of material; a longer trace loses its middle, with a mark.
        params: further parameters of the request, e.g. temperature.

    Raises:
        UnusableTrace: the segment cannot be annotated; `code` says why.
        TaskError: the task files are missing or wrong.
    """
    rubric = _rubric(_has_follow_up(segment), folder or default_folder())
    material = traces.prepare(dict(segment), max_chars)
    messages = rubric.renderer.messages({"data": segment, **material.context})
    return chat_body(rubric.task, "tool", model=model, params=params, messages=messages)


def parse_tool_call(tool_call: Any, folder: Path | None = None) -> dict[str, Prediction]:
    """The predictions of one tool call, by feature, in the rubric's order.

    An answer with a field that only the rubric with follow-up has is read by that one, whatever the name of
    the called function: older scripts call both `annotate_conversation`. Else the name tells the rubric;
    where both have that name it is the one without follow-up. Exclusivity is enforced as in the workflow.

    Args:
        tool_call: one entry of a message's `tool_calls`, as a dict or as the `openai` package's object.
        folder: folder of the task files; default as for `rubric_for`.

    Raises:
        WrongFunctionNameError: the function is that of neither rubric.
        PredictionMissingFieldError: a field is missing, or all are, as the arguments cannot be read.
        AnswerError: this is no tool call, or a value does not fit its feature.
    """
    name, text = _function_of(tool_call)
    with_follow_up, without = (_rubric(follow_up, folder or default_folder()) for follow_up in (True, False))
    names = [with_follow_up.task.function_name, without.task.function_name]
    if name not in names:
        raise WrongFunctionNameError(
            f"the function called is {name!r}; those of the rubrics are {', '.join(dict.fromkeys(names))}"
        )
    try:
        arguments = answer_object(text.decode(errors="replace") if isinstance(text, bytes) else text, [])
    except AnswerError as error:
        raise PredictionMissingFieldError(f"all fields are missing: {error.what}") from None
    is_with_follow_up = arguments.keys() & (with_follow_up.fields - without.fields)
    rubric = with_follow_up if is_with_follow_up or name != names[1] else without
    return typed_predictions(rubric.reader.predictions_from_tool_call(rubric.task.function_name, arguments))


def default_folder() -> Path:
    """`config/tasks` of the project that holds the working directory, else of what is installed with goldpan.

    Raises:
        TaskError: neither has the rubrics.
    """
    here = Path.cwd()
    for root in (here, *here.parents, installed_project()):
        folder = tasks_folder(root)
        if (folder / f"{RUBRIC}.yaml").is_file():
            return folder
    raise TaskError(
        f"no config/tasks/{RUBRIC}.yaml in this folder or above it",
        where=str(here),
        remedy="work within a goldpan project, or pass `folder`",
    )


@dataclass(frozen=True)
class _Rubric:
    task: Task
    renderer: PromptRenderer
    reader: AnswerReader

    @property
    def fields(self) -> set[str]:
        """Names of the fields of an answer."""
        features = self.task.features
        return {key for feature in features for key in (feature.key, feature.rationale_key) if key}


@cache
def _rubric(follow_up: bool, folder: Path) -> _Rubric:
    task = load_task(RUBRIC_WITH_FOLLOW_UP if follow_up else RUBRIC, folder)
    return _Rubric(task, PromptRenderer(task), AnswerReader(task))


def _has_follow_up(segment: Mapping[str, Any]) -> bool:
    inner = segment.get("trace_segment")
    return isinstance(inner, dict) and inner.get("follow_up_user_message") is not None


def _as_dict(part: Any) -> Any:
    """A message or tool as a dict; `null` values of the SDK's objects are what they do not have."""
    return part.model_dump(exclude_none=True) if hasattr(part, "model_dump") else part


def _function_of(tool_call: Any) -> tuple[str, Any]:
    tool_call = _as_dict(tool_call)
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise AnswerError("this is no tool call: it has no `function` with a `name`")
    return function["name"], function.get("arguments") or ""
