"""Lines of services' output files in the one form that the ledger's readers know, and lines of request files.

The forms that are known, one object a line:

- OpenAI and Azure: `custom_id` with `response` (`status_code`, `body`) or `error`, at both endpoints.
- Anthropic's message batches: `custom_id` with `result`.
- Gemini's batch mode: `key` with `response` (a GenerateContentResponse) or `error`; of inline requests
  `metadata.key`.
- Vertex AI: `request` and `response`, or `status` with the error in it; no id but what the request holds.
- Bodies alone: a chat completion, a response, a message or a GenerateContentResponse, with what its request
  had as `metadata` where the service gives that back.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from goldpan.errors import AnswerError
from goldpan.records.look_up import look_up
from goldpan.tasks.lenient_json import loads_leniently
from goldpan.tasks.usage import model_of

CUSTOM_ID = "custom_id"
"""Stands for the id that a service gives back with each answer, whatever it calls it."""

_ID_PLACES = ("custom_id", "key", "metadata.key")
_REQUEST_PLACES = ("body", "params", "request")
_STATUS_ERROR = re.compile(r"[^{]*(\{.*\})\s*", re.DOTALL)


@dataclass(frozen=True)
class ServiceLine:
    """A line of an output file.

    Attributes:
        service: whose form it has: `openai`, `anthropic`, `gemini` or `vertex`.
        whole: the line as JSON.
        envelope: the answer, or why there is none, as `read_batch_line` knows it, without its `custom_id`.
        notes: what was wrong with the line and could be passed over.
    """

    service: str
    whole: dict[str, Any]
    envelope: dict[str, Any]
    notes: list[str]

    @property
    def body(self) -> Any:
        """What the service answered; None where it did not."""
        response = self.envelope.get("response")
        result = self.envelope.get("result")
        if isinstance(result, dict):
            return result.get("message")
        body = response.get("body") if isinstance(response, dict) else None
        if isinstance(body, str) and body.lstrip().startswith("{"):
            with suppress(AnswerError):
                return loads_leniently(body.encode(errors="replace"))[0]
        return body

    @property
    def request(self) -> dict[str, Any] | None:
        """What was asked, where the service gives it back."""
        request = self.whole.get("request")
        return request if isinstance(request, dict) else None

    @property
    def service_id(self) -> str | None:
        """The id by which the service told its requests apart; None without one."""
        return id_of_line(self.whole)

    def key(self, path: str) -> str | None:
        """What stands at a path of the line, or of the answer's body, as text; None where nothing is."""
        if path == CUSTOM_ID:
            return self.service_id
        for place in (self.whole, self.body):
            if (text := key_at(place, path)) is not None:
                return text
        return None

    def stored(self, custom_id: str, imported: Mapping[str, Any]) -> bytes:
        """The line as the ledger holds it.

        Args:
            custom_id: of the request that it is taken for the answer to.
            imported: where it comes from.

        Raises:
            AnswerError: it is nested too deeply to be written.
        """
        told = {**imported, **({"notes": self.notes} if self.notes else {})}
        try:
            return orjson.dumps({"custom_id": custom_id, **self.envelope, "imported": told})
        except orjson.JSONEncodeError as error:
            raise AnswerError(f"it cannot be written as JSON: {error}") from None


def read_service_line(line: bytes) -> ServiceLine:
    """Read a line of an output file.

    Raises:
        AnswerError: it is not JSON, no object, a request, or of no form that is known.
    """
    whole, notes = _object(line)
    if "result" in whole and isinstance(whole["result"], dict) and "type" in whole["result"]:
        return ServiceLine("anthropic", whole, {"result": whole["result"]}, notes)
    response = whole.get("response")
    if isinstance(response, dict) and ("body" in response or "status_code" in response):
        envelope = {"response": response, "error": whole.get("error")}
        return ServiceLine("openai", whole, envelope, notes)
    if "status" in whole and isinstance(whole.get("request"), dict):
        return ServiceLine("vertex", whole, _of_vertex(whole), notes)
    if isinstance(response, dict) and _is_gemini(response):
        return ServiceLine("gemini", whole, _answered(response), notes)
    if whole.get("error") and not response and id_of_line(whole) is not None:
        service = "openai" if "custom_id" in whole else "gemini"
        return ServiceLine(service, whole, {"response": None, "error": whole["error"]}, notes)
    if service_of_body := _service_of_body(whole):
        return ServiceLine(service_of_body, whole, _answered(whole), notes)
    if any(isinstance(whole.get(place), dict) for place in _REQUEST_PLACES):
        raise AnswerError("it is a request, not an answer: give its file with --requests")
    raise AnswerError("it has the form of no service that is known")


def read_request_line(line: bytes) -> tuple[str | None, dict[str, Any]]:
    """The id and the body of a request on a line of a request file.

    Raises:
        AnswerError: it is not JSON, no object or no request.
    """
    whole, _ = _object(line)
    for place in _REQUEST_PLACES:
        if isinstance(whole.get(place), dict):
            return id_of_line(whole), whole
    raise AnswerError("it is no request: it has none of `body`, `params` and `request`")


def body_of_request(whole: Mapping[str, Any]) -> dict[str, Any]:
    """What a line of a request file asks, without what is around it."""
    return next(
        (whole[place] for place in _REQUEST_PLACES if isinstance(whole.get(place), dict)), dict(whole)
    )


def id_of_line(whole: dict[str, Any]) -> str | None:
    """The id that stands on a line of an output or request file; None without one."""
    return next((text for place in _ID_PLACES if (text := key_at(whole, place)) is not None), None)


def key_at(place: Any, path: str) -> str | None:
    """A text or a whole number at a path, as text; None for all else, and for an empty text."""
    _, value = look_up(place, path)
    if type(value) is int:
        return str(value)
    return value if type(value) is str and value else None


def _object(line: bytes) -> tuple[dict[str, Any], list[str]]:
    try:
        whole, notes = loads_leniently(line)
    except RecursionError:
        raise AnswerError("it is nested too deeply to be read") from None
    if isinstance(whole, list):
        raise AnswerError("it is a list: give one object a line (JSONL)")
    if not isinstance(whole, dict):
        raise AnswerError("it is not a JSON object")
    # Readers of JSON take the last of two keys, so the line would be joined to one of two rows.
    if any(line.count(b'"%b"' % name) > 1 for name in (b"custom_id", b"key")):
        _check_no_key_twice(line)
    return whole, notes


def _check_no_key_twice(line: bytes) -> None:
    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = Counter(name for name, _ in pairs)
        for name in ("custom_id", "key"):
            if names[name] > 1:
                raise AnswerError(f"it has `{name}` {names[name]} times")
        return dict(pairs)

    # What is not quite JSON has no second reading that is looked for.
    with suppress(ValueError, RecursionError):
        json.loads(line, object_pairs_hook=checked)


def _answered(body: dict[str, Any]) -> dict[str, Any]:
    return {"response": {"status_code": 200, "body": body}, "error": None}


def _of_vertex(whole: dict[str, Any]) -> dict[str, Any]:
    """Of a row that failed `status` says why: `Bad Request: {"error": {...}}`."""
    status, response = whole["status"], whole.get("response")
    if not status and isinstance(response, dict) and response:
        return _answered(response)
    within = _STATUS_ERROR.fullmatch(status) if isinstance(status, str) else None
    return {"response": None, "error": (within[1] if within else status) or {"code": "no_answer"}}


def _is_gemini(body: dict[str, Any]) -> bool:
    return any(name in body for name in ("candidates", "promptFeedback", "usageMetadata"))


def _service_of_body(body: dict[str, Any]) -> str | None:
    """Whose answer an object is that has nothing around it."""
    if body.get("type") == "message" and "content" in body:
        return "anthropic"
    if isinstance(body.get("choices"), list) or (body.get("object") == "response" and "output" in body):
        return "openai"
    return "gemini" if _is_gemini(body) else None


def model_of_line(line: ServiceLine) -> str | None:
    """The model that answered, as the service names it; where its answer does not, as the request does."""
    told = model_of(line.body) or (line.request or {}).get("model")
    return told if isinstance(told, str) and told else None
