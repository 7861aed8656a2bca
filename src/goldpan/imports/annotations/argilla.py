"""Argilla: records as JSON and as tables of `datasets` (Parquet), of its versions 1 and 2.

Version 2 has `responses` as an object by question, or columns `QUESTION.responses`; version 1 a list by user,
or a column for each question with what users said; its older datasets one `annotation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, MarkedSpan
from goldpan.waves.sheets.argilla import NOTES

_RESPONSES, _USERS, _STATUS = ".responses", ".responses.users", ".responses.status"
_NO_ANSWER = {"draft": "a draft, not submitted", "discarded": "discarded by the annotator"}
PENDING = "the record is still pending: Argilla's JSON does not tell drafts from what was submitted"
"""A note on responses of records that are not completed."""


def is_argilla_record(row: dict[str, Any]) -> bool:
    """Whether a row is a record of Argilla."""
    if {"fields", "responses"} <= row.keys() or any(name.endswith(_USERS) for name in row):
        return True
    return bool(_questions_of_table(row)) or {"annotation", "annotation_agent", "status"} <= row.keys()


def argilla_record(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """What each user said about a record; suggestions are no answers."""
    record = row.row
    markable: tuple[str, ...] = ()
    if "fields" in record:
        fields = record["fields"] if isinstance(record["fields"], dict) else {}
        data, markable = {**_metadata(record.get("metadata")), **fields}, tuple(fields)
        responses = _of_record(record)
    elif any(name.endswith(_USERS) for name in record):
        data = {name: value for name, value in record.items() if not _is_of_question(name)}
        responses = _of_columns(record)
    elif questions := _questions_of_table(record):
        data = {name: value for name, value in record.items() if name not in questions}
        data |= _metadata(record.get("metadata"))
        responses = _of_lists({name: record[name] for name in questions})
    else:
        data = {**_metadata(record.get("metadata")), **_inputs(record)}
        responses = [(record.get("annotation_agent"), {"annotation": record.get("annotation")}, "")]
        if record.get("status") == "Discarded":
            responses = [(record.get("annotation_agent"), {}, "discarded")]
    for name in ("external_id", "id"):
        if record.get(name) not in (None, ""):
            data["id"] = record[name]
            break
    by_user = _by_user(responses)
    if not by_user:
        yield ExportedAnnotation(row.place, data, markable, left_out="no annotation")
    for user, (values, status) in by_user.items():
        place = f"{row.place}, user {user}" if len(by_user) > 1 else row.place
        told = ExportedAnnotation(place, data, markable, annotator=user, left_out=_NO_ANSWER.get(status, ""))
        for question, value in values.items():
            _take_value(told, question, value)
        if not told.questions and not told.note and not told.left_out:
            told.left_out = "no annotation"
        yield told


_Response = tuple[Any, dict[str, Any], str]
"""Who, question -> value, status."""


def _of_record(record: dict[str, Any]) -> list[_Response]:
    """The responses of a record in JSON of version 2 (by question) or 1 (by user)."""
    responses = record.get("responses")
    if isinstance(responses, dict):
        return _of_lists(responses)
    told: list[_Response] = []
    for response in responses if isinstance(responses, list) else []:
        if isinstance(response, dict) and isinstance(response.get("values"), dict):
            values = {
                question: value.get("value") if isinstance(value, dict) else value
                for question, value in response["values"].items()
            }
            told.append((response.get("user_id"), values, str(response.get("status") or "")))
    return told


def _of_lists(by_question: dict[str, Any]) -> list[_Response]:
    return [
        (response.get("user_id"), {question: response.get("value")}, str(response.get("status") or ""))
        for question, responses in by_question.items()
        for response in responses or []
        if isinstance(response, dict)
    ]


def _of_columns(record: dict[str, Any]) -> list[_Response]:
    told: list[_Response] = []
    for name in record:
        if name.endswith(_USERS):
            question = name.removesuffix(_USERS)
            users, values = record[name] or [], record.get(question + _RESPONSES) or []
            states = record.get(question + _STATUS) or [""] * len(users)
            told += [
                (user, {question: value}, str(status or ""))
                for user, value, status in zip(users, values, states, strict=False)
            ]
    return told


def _by_user(responses: Iterable[_Response]) -> dict[str, tuple[dict[str, Any], str]]:
    """Who -> what they said; what was not submitted counts as such only where nothing was."""
    by_user: dict[str, tuple[dict[str, Any], str]] = {}
    for who, values, status in responses:
        user = "" if who in (None, "None") else str(who)
        before, state = by_user.get(user, ({}, status))
        if status in _NO_ANSWER and state not in _NO_ANSWER:
            values = {}
        elif state in _NO_ANSWER and status not in _NO_ANSWER:
            before, state = {}, status
        by_user[user] = {**before, **values}, state
    return by_user


def _is_of_question(name: str) -> bool:
    return any(part in name for part in (_RESPONSES, ".suggestion")) or name in ("_server_id", "status")


def _questions_of_table(row: dict[str, Any]) -> list[str]:
    """The columns of a table of version 1 that hold what users said."""
    return [
        name
        for name, value in row.items()
        if isinstance(value, list)
        and value
        and all(isinstance(said, dict) and {"user_id", "value", "status"} <= said.keys() for said in value)
    ]


def _metadata(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


def _inputs(record: dict[str, Any]) -> dict[str, Any]:
    inputs = record.get("inputs")
    text = {"text": record["text"]} if isinstance(record.get("text"), str) else {}
    return {**(inputs if isinstance(inputs, dict) else {}), **text}


def _take_value(told: ExportedAnnotation, question: str, value: Any) -> None:
    if question == NOTES:
        told.note = str(value or "")
    elif value in (None, ""):
        return
    elif not isinstance(value, list) or all(isinstance(part, str | int | float) for part in value):
        told.answers[question] = value
    elif all(isinstance(part, dict) and {"value", "rank"} <= part.keys() for part in value):
        ranks = [part["rank"] for part in value]
        if len(set(ranks)) < len(ranks) or None in ranks:
            told.unreadable[question] = "two items have one rank"
        else:
            told.answers[question] = [part["value"] for part in sorted(value, key=lambda part: part["rank"])]
    else:
        try:
            told.spans[question] = [_span(part) for part in value]
        except (KeyError, TypeError, ValueError):
            told.unreadable[question] = "it is neither a list of labels nor one of marked spans"


def _span(span: Any) -> MarkedSpan:
    if isinstance(span, dict):
        label, start, end = span["label"], span["start"], span["end"]
    else:
        label, start, end = span
    if type(start) is not int or type(end) is not int:
        raise ValueError
    return MarkedSpan(str(label), start, end)
