"""The trace critic from Python: pick the rubric, build a request, read the answer.

    body = build_request(segment, "gpt-4.1-mini", temperature=0)
    answer = client.chat.completions.create(**body)
    predictions = parse_tool_call(answer.choices[0].message.tool_calls[0])
    predictions["loop_behavior"].detected

Segments are rows `{conversation_id, segment_id, trace_segment: {trace, tools, follow_up_user_message?}}`. The
same tasks, prompts and checks serve the workflow, which adds batches, rounds and the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from goldpan.errors import AnswerError, TaskError, WrongFunctionNameError
from goldpan.tasks import traces
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.chat import chat_body
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task, load_task

RUBRIC = "trace_critic"
RUBRIC_WITH_FOLLOW_UP = "trace_critic_follow_up"

DEFAULT_MAX_CHARS = 320_000
"""Characters of material in a request: some 100,000 tokens, which leaves room in a context of 128,000."""


@dataclass(frozen=True, slots=True)
class BinaryPrediction:
    """Whether a feature was detected."""

    detected: bool
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class ClassificationPrediction:
    """Which label a feature has."""

    label: str
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class TextPrediction:
    """The text of a feature."""

    text: str
    rationale: str | None = None


Prediction = BinaryPrediction | ClassificationPrediction | TextPrediction

_PREDICTIONS: dict[str, type[Prediction]] = {
    kind.__name__: kind for kind in (BinaryPrediction, ClassificationPrediction, TextPrediction)
}


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

    The name of the called function tells the rubric. Exclusivity is enforced as in the workflow.

    Args:
        tool_call: one entry of a message's `tool_calls`, as a dict or as the `openai` package's object.
        folder: folder of the task files; default as for `rubric_for`.

    Raises:
        WrongFunctionNameError: the function is that of neither rubric.
        PredictionMissingFieldError: a field is missing.
        AnswerError: this is no tool call, its arguments are not JSON, or a value does not fit its feature.
    """
    name, arguments = _function_of(tool_call)
    folder = folder or default_folder()
    rubrics = {
        rubric.task.function_name: rubric for rubric in (_rubric(False, folder), _rubric(True, folder))
    }
    if name not in rubrics:
        raise WrongFunctionNameError(f"the function called is {name!r}; the rubrics are {', '.join(rubrics)}")
    predictions = rubrics[name].reader.predictions_from_tool_call(name, arguments)
    return {feature: _typed(prediction) for feature, prediction in predictions.items()}


def default_folder() -> Path:
    """`config/tasks` of the project that holds the working directory, else of this package's own checkout.

    Raises:
        TaskError: neither has the rubrics.
    """
    here = Path.cwd()
    for root in (here, *here.parents, Path(__file__).resolve().parents[3]):
        folder = root / "config" / "tasks"
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


@cache
def _rubric(follow_up: bool, folder: Path) -> _Rubric:
    task = load_task(RUBRIC_WITH_FOLLOW_UP if follow_up else RUBRIC, folder)
    return _Rubric(task, PromptRenderer(task), AnswerReader(task))


def _has_follow_up(segment: Mapping[str, Any]) -> bool:
    inner = segment.get("trace_segment")
    return isinstance(inner, dict) and inner.get("follow_up_user_message") is not None


def _function_of(tool_call: Any) -> tuple[str, Any]:
    if hasattr(tool_call, "model_dump"):
        tool_call = tool_call.model_dump()
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise AnswerError("this is no tool call: it has no `function` with a `name`")
    return function["name"], function.get("arguments") or ""


def _typed(prediction: dict[str, Any]) -> Prediction:
    values = dict(prediction)
    return _PREDICTIONS[values.pop("type")](**values)
