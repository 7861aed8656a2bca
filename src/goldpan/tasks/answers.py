"""From the body of an answer to typed predictions, or to a named state with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from goldpan.errors import AnswerError, PredictionMissingFieldError, TaskError, WrongFunctionNameError
from goldpan.tasks.batch_lines import (
    RETRYABLE_STATES,
    BatchLine,
    State,
    read_batch_line,
    row_failure,
)
from goldpan.tasks.features import PREDICTION_TYPES, Feature, Text
from goldpan.tasks.lenient_json import answer_object
from goldpan.tasks.plain_answers import PlainAnswers, Predictions
from goldpan.tasks.replies import Reply, reply_of
from goldpan.tasks.required import requirements_of
from goldpan.tasks.task import Task
from goldpan.tasks.values import shown, value_check

__all__ = [
    "RETRYABLE_STATES",
    "AnswerReader",
    "BatchLine",
    "Reading",
    "State",
    "read_batch_line",
    "row_failure",
]

Output = Literal["tool", "json_schema", "text"]

FROM_TEXT = "took the answer out of the text, as there is no tool call"

# Fewer answers than these are read one by one when one of them is not plain.
_FEW = 8


# Arguments of an answer, and what was passed over to come by them.
_Given = tuple[dict[str, Any], list[str]]


class Reading(NamedTuple):
    """What an answer turned out to be.

    Attributes:
        state: `ok`, `invalid`, `refused`, `truncated` or `failed`.
        reason: why it is not `ok`; None when it is.
        predictions: feature name -> prediction object as in `features.jsonl`; None unless `ok`.
        adjusted: what was changed or passed over to make the answer fit, one sentence each.
        retryable: whether asking again may help, where it is not `ok`.
    """

    state: State
    reason: str | None
    predictions: Predictions | None
    adjusted: list[str]
    retryable: bool = False


class Verdict(NamedTuple):
    """State, reason and retryability of a `Reading`."""

    state: State
    reason: str | None
    retryable: bool


# What is said of nearly all answers where only the state is asked for.
_OK, _FINE = Reading("ok", None, None, []), Verdict("ok", None, False)


class AnswerReader:
    """Reads the answers to one task.

    All that depends on the task only is worked out once, so that `read` costs some microseconds a row.

    Args:
        task: what was asked.
        output: how the answer was asked for; `text` is for a task with one bare text feature.

    Raises:
        TaskError: the task cannot be answered by plain text.
    """

    def __init__(self, task: Task, output: Output = "tool"):
        self._task = task
        self._arguments = {
            "tool": self._from_tool_call,
            "json_schema": self._from_json_text,
            "text": self._from_plain_text,
        }[output]
        if output == "text":
            _check_plain_text(task)
        self._fields = [_field_of(feature) for feature in task.features]
        self._keys = [
            key
            for feature in task.features
            for key in (feature.key, feature.rationale_key)
            if key is not None
        ]
        self._groups = [group.order for group in task.exclusive]
        self._required = requirements_of(task.features)
        self._plain = PlainAnswers(task)
        self._apply_model: Callable[[Predictions], None] | None = None
        if task.answer_model is not None:
            from goldpan.tasks.pydantic_tasks import model_check

            self._apply_model = model_check(task.answer_model, task.features)
        # Such answers are looked at as a whole, which may change them.
        self._one_by_one = bool(self._apply_model or self._required)

    def read(self, body: dict[str, Any]) -> Reading:
        """Read the body of a chat completion, or of an answer of `/v1/responses`, however broken it is.

        Raises:
            TaskError: a validator of the task's own Pydantic model is broken; nothing else is raised.
        """
        answer = self._given(body)
        return answer if isinstance(answer, Reading) else self._read_given(*answer)

    def read_all(self, bodies: Sequence[dict[str, Any]]) -> list[Reading]:
        """What `read` says of each body, in a third of the time where most are plain.

        Raises:
            TaskError: as for `read`.
        """
        return self._all(bodies, self._read_all_given)

    def judge_all(self, bodies: Sequence[dict[str, Any]]) -> list[Verdict]:
        """What `read` says of each body, but for what a plain answer says, which is not worked out.

        Raises:
            TaskError: as for `read`.
        """
        return [
            _FINE if reading is _OK else Verdict(reading.state, reading.reason, reading.retryable)
            for reading in self._all(bodies, self._judge_all_given)
        ]

    def _all(
        self, bodies: Sequence[dict[str, Any]], read_given: Callable[[list[_Given]], list[Reading]]
    ) -> list[Reading]:
        answers = [self._given(body) for body in bodies]
        readings = iter(read_given([answer for answer in answers if not isinstance(answer, Reading)]))
        return [answer if isinstance(answer, Reading) else next(readings) for answer in answers]

    def _judge_all_given(self, answers: list[_Given]) -> list[Reading]:
        if (
            answers
            and not self._one_by_one
            and self._plain.are_plain([arguments for arguments, _ in answers])
        ):
            return [_OK] * len(answers)
        return self._read_all_given(answers)

    def _given(self, body: dict[str, Any]) -> Reading | _Given:
        """The arguments of an answer, or what is wrong with it."""
        reply = reply_of(body)
        if reply.state is not None:
            return Reading(reply.state, reply.reason, None, [], reply.retryable)
        adjusted = list(reply.notes)
        try:
            return self._arguments(reply, adjusted), adjusted
        except AnswerError as error:
            stopped = f"; it stopped with {shown(reply.stopped)}" if reply.stopped else ""
            return _invalid(f"{error.what}{stopped}")

    def _read_given(self, arguments: dict[str, Any], adjusted: list[str]) -> Reading:
        try:
            predictions = self._predictions(arguments, adjusted)
        except AnswerError as error:
            return _invalid(error.what)
        return Reading("ok", None, predictions, adjusted)

    def _read_all_given(self, answers: list[_Given]) -> list[Reading]:
        if not answers:
            return []
        plain = self._plain.read([arguments for arguments, _ in answers]) if not self._one_by_one else None
        if plain is not None:
            for order in self._groups:
                for predictions, (_, adjusted) in zip(plain, answers, strict=True):
                    _keep_first(order, predictions, adjusted)
            return [
                Reading("ok", None, predictions, adjusted)
                for predictions, (_, adjusted) in zip(plain, answers, strict=True)
            ]
        if self._one_by_one or len(answers) < _FEW:
            return [self._read_given(*answer) for answer in answers]
        half = len(answers) // 2
        return [*self._read_all_given(answers[:half]), *self._read_all_given(answers[half:])]

    def predictions_from_tool_call(self, name: str, arguments: str | bytes | dict[str, Any]) -> Predictions:
        """The typed predictions of one tool call.

        Args:
            name: the function that was called.
            arguments: its arguments, as JSON text or parsed.

        Raises:
            WrongFunctionNameError: another function than the task's was called.
            PredictionMissingFieldError: a field is missing.
            AnswerError: the arguments are not JSON, or a value does not fit its feature.
        """
        if name != self._task.function_name:
            raise WrongFunctionNameError(
                f"the function called is {shown(name)}, not `{self._task.function_name}`"
            )
        return self._predictions(answer_object(_text_of(arguments), []), [])

    def _from_tool_call(self, reply: Reply, adjusted: list[str]) -> dict[str, Any]:
        if not reply.calls:
            return self._from_text_for_a_call(reply.text, adjusted)
        name, arguments = reply.calls[0]
        if name != self._task.function_name:
            raise WrongFunctionNameError(
                f"the function called is {shown(name)}, not `{self._task.function_name}`"
            )
        answer = answer_object(arguments, adjusted)
        if len(reply.calls) > 1:
            if not all(_is_same_call(reply.calls[0], answer, call) for call in reply.calls[1:]):
                raise AnswerError(f"{len(reply.calls)} tool calls that differ, where one was asked for")
            adjusted.append(f"took one of {len(reply.calls)} tool calls, which are all the same")
        return answer

    def _from_text_for_a_call(self, text: str | None, adjusted: list[str]) -> dict[str, Any]:
        """The answer of a model that wrote what it should have called the function with."""
        if not text or not text.strip():
            raise AnswerError("no tool call and no text")
        try:
            written: list[str] = []
            answer = answer_object(_without_tags(text), written)
        except AnswerError:
            raise AnswerError(f"no tool call; the text is {shown(text)}") from None
        for key in ("arguments", "parameters"):
            if answer.keys() <= {"name", "type", key} and answer.get("name") == self._task.function_name:
                answer = answer_object(answer.get(key), written)
                break
        adjusted += [FROM_TEXT, *written]
        return answer

    def _from_json_text(self, reply: Reply, adjusted: list[str]) -> dict[str, Any]:
        if reply.calls and not (reply.text or "").strip():
            # No function was offered: the answer is one to the request in its former shape, a tool call.
            return self._from_tool_call(reply, adjusted)
        if reply.text is None or not reply.text.strip():
            raise AnswerError("the answer is empty")
        return answer_object(reply.text.strip(), adjusted)

    def _from_plain_text(self, reply: Reply, adjusted: list[str]) -> dict[str, Any]:
        if reply.text is None or not reply.text.strip():
            raise AnswerError("the answer is empty")
        return {self._keys[0]: reply.text}

    def _predictions(self, arguments: dict[str, Any], adjusted: list[str]) -> Predictions:
        predictions: Predictions = {}
        try:
            # All in one loop, not a call for each feature: a million answers have tens of millions of values.
            for name, kind, key, value_key, check, may_abstain, rationale_key in self._fields:
                value = arguments[key]
                prediction = {"type": kind, value_key: None if value is None else check(value)}
                if value is None:
                    if not may_abstain:
                        raise AnswerError(f"`{key}` is null, and the task does not allow to abstain from it")
                    prediction["abstained"] = True
                if rationale_key is not None:
                    rationale = prediction["rationale"] = arguments[rationale_key]
                    if type(rationale) is not str:
                        raise AnswerError(f"`{rationale_key}` is {shown(rationale)}, not text")
                predictions[name] = prediction
        except KeyError as missing:
            raise PredictionMissingFieldError(f"the field `{missing.args[0]}` is missing") from None
        if len(arguments) > len(self._keys):
            ignored = sorted(arguments.keys() - set(self._keys))
            adjusted.append(f"ignored what was not asked for: {', '.join(map(shown, ignored))}")
        for order in self._groups:
            _keep_first(order, predictions, adjusted)
        for requirement in self._required:
            requirement.apply(predictions, adjusted)
        if self._apply_model is not None:
            self._apply_model(predictions)
        return predictions


def _keep_first(order: list[str], predictions: Predictions, adjusted: list[str]) -> None:
    """Leave at most one feature of an exclusivity group detected: the first in its order."""
    winner: str | None = None
    for name in order:
        prediction = predictions[name]
        if not prediction["detected"]:
            continue
        if winner is None:
            winner = name
        else:
            prediction["detected"] = False
            adjusted.append(f"`{name}` set to false: `{winner}` holds too and comes first")


class _Field(NamedTuple):
    """What is needed to read one feature.

    Attributes:
        name, key, rationale_key: of the feature, in predictions and in the answer.
        kind, value_key: type of its prediction, and the key of the value in it.
        check: the check of its value.
        may_abstain: whether it may be null.
    """

    name: str
    kind: str
    key: str
    value_key: str
    check: Callable[[Any], Any]
    may_abstain: bool
    rationale_key: str | None


def _field_of(feature: Feature) -> _Field:
    kind, value_key = PREDICTION_TYPES[feature.type]
    return _Field(
        feature.name,
        kind,
        feature.key,
        value_key,
        value_check(feature),
        feature.abstain,
        feature.rationale_key,
    )


def _invalid(reason: str) -> Reading:
    return Reading("invalid", reason, None, [], retryable=True)


def _text_of(arguments: str | bytes | dict[str, Any]) -> str | dict[str, Any]:
    return arguments.decode(errors="replace") if isinstance(arguments, bytes) else arguments


def _is_same_call(call: tuple[Any, Any], answer: dict[str, Any], other: tuple[Any, Any]) -> bool:
    """Whether another call is the same to the byte, or says the same in another spelling of JSON."""
    if call == other:
        return True
    try:
        return call[0] == other[0] and answer_object(other[1], []) == answer
    except AnswerError:
        return False


def _without_tags(text: str) -> str:
    """What stands between the tags that some models put around a call when no server reads them."""
    inner = text.strip()
    if inner.startswith("<tool_call>"):
        inner = inner.removeprefix("<tool_call>").removesuffix("</tool_call>").strip()
    return inner


def _check_plain_text(task: Task) -> None:
    feature = task.features[0]
    if len(task.features) != 1 or not isinstance(feature, Text) or not feature.bare or feature.rationale:
        raise TaskError(
            f"task `{task.name}` cannot be answered by plain text",
            where=str(task.files[0]) if task.files else None,
            remedy="`output: text` needs exactly one text feature with `bare: true` and no rationale",
        )
