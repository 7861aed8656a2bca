"""What the service checks: a batch's input as a whole, its metadata, and each request by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.providers.base import BatchError
from goldpan.providers.engine.refusal import ServiceError

MAX_REQUESTS = 50_000
MAX_REPORTED_ERRORS = 100
COMPLETION_TOKENS_LIMIT = 1_000_000
METADATA_PAIRS, METADATA_KEY, METADATA_VALUE = 16, 64, 512
_ROLES = {"developer", "system", "user", "assistant", "tool", "function"}


@dataclass
class InputCheck:
    """What reading a batch's input through has shown."""

    total: int = 0
    model: str | None = None
    errors: list[BatchError] = field(default_factory=list)


def input_rows(path: Path, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield (offset after the line, line) from byte `offset` on; blank lines are passed over."""
    with path.open("rb", buffering=1 << 20) as handle:
        handle.seek(offset)
        for line in handle:
            offset += len(line)
            if line.strip():
                yield offset, line


def check_input(path: Path, endpoint: str) -> InputCheck:
    """Read a batch's input through, in constant memory, and report at most 100 errors."""
    check = InputCheck()
    # 50,000 hashes at most, since a longer file is refused before it is read on.
    seen: set[int] = set()
    for _, line in input_rows(path):
        check.total += 1
        if check.total > MAX_REQUESTS:
            check.errors = [
                BatchError("too_many_tasks", f"A batch may hold {MAX_REQUESTS} requests; this file has more.")
            ]
            return check
        if len(check.errors) < MAX_REPORTED_ERRORS:
            error = _line_error(line, endpoint, seen, check)
            if error is not None:
                check.errors.append(BatchError(error.code, error.message, check.total, error.param))
    if check.total == 0:
        check.errors.append(BatchError("empty_file", "The input file holds no requests."))
    return check


def _line_error(line: bytes, endpoint: str, seen: set[int], check: InputCheck) -> BatchError | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = None
    if not isinstance(row, dict):
        return BatchError("invalid_json_line", "This line is not a JSON object.")
    custom_id, body = row.get("custom_id"), row.get("body")
    if not isinstance(custom_id, str) or not custom_id:
        return BatchError("missing_required_parameter", "`custom_id` must be a string.", param="custom_id")
    key = hash(custom_id)
    if key in seen:
        return BatchError(
            "duplicate_custom_id", f"`{custom_id[:100]}` stands in an earlier line too.", param="custom_id"
        )
    seen.add(key)
    if row.get("method") != "POST":
        return BatchError("invalid_method", "`method` must be POST.", param="method")
    if row.get("url") != endpoint:
        return BatchError("url_mismatch", f"`url` must be the batch's endpoint, {endpoint}.", param="url")
    if not isinstance(body, dict):
        return BatchError("missing_required_parameter", "`body` must be an object.", param="body")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        return BatchError("missing_required_parameter", "`model` must be a string.", param="body.model")
    if check.model is None:
        check.model = model
    if model != check.model:
        return BatchError(
            "model_mismatch",
            f"All requests of a batch ask one model; the first asks {check.model}.",
            param="body.model",
        )
    return None


def check_metadata(metadata: Any) -> dict[str, str] | None:
    """Check a batch's metadata: at most 16 pairs of strings, keys up to 64 characters, values up to 512.

    Raises:
        ServiceError: 400 with the pair at fault.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise ServiceError(400, "`metadata` must be an object.", code="invalid_type", param="metadata")
    if len(metadata) > METADATA_PAIRS:
        raise ServiceError(
            400,
            f"`metadata` may hold {METADATA_PAIRS} pairs; given: {len(metadata)}.",
            code="object_above_max_properties",
            param="metadata",
        )
    for key, value in metadata.items():
        if len(key) > METADATA_KEY:
            raise ServiceError(
                400,
                f"A key of `metadata` may have {METADATA_KEY} characters; `{key[:20]}...` has {len(key)}.",
                code="string_above_max_length",
                param="metadata",
            )
        if not isinstance(value, str):
            raise ServiceError(
                400, "Values of `metadata` must be strings.", code="invalid_type", param=f"metadata.{key}"
            )
        if len(value) > METADATA_VALUE:
            raise ServiceError(
                400,
                f"A value of `metadata` may have {METADATA_VALUE} characters; given: {len(value)}.",
                code="string_above_max_length",
                param=f"metadata.{key}",
            )
    return metadata


def check_request(body: dict[str, Any]) -> None:
    """Check one chat completion request.

    Raises:
        ServiceError: 400 with the parameter at fault.
    """
    _check_messages(body.get("messages"))
    for name in ("max_tokens", "max_completion_tokens"):
        _check_limit(name, body.get(name))
    temperature = body.get("temperature")
    if temperature is not None and not (isinstance(temperature, int | float) and 0 <= temperature <= 2):
        raise _invalid("temperature", "must be a number from 0 to 2")
    if body.get("n") not in (None, 1):
        raise _invalid("n", "must be 1: this engine gives one choice")
    if body.get("stream"):
        raise _invalid("stream", "is not supported by this engine")
    tools = body.get("tools") or []
    if not isinstance(tools, list):
        raise _invalid("tools", "must be an array")
    names = [_tool_name(tool) for tool in tools]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and _tool_name(choice) not in names:
        raise _invalid("tool_choice", f"names `{_tool_name(choice)}`, which is not among the tools")
    _check_response_format(body.get("response_format"))


def _check_messages(messages: Any) -> None:
    if messages is None:
        raise ServiceError(
            400,
            "Missing required parameter: 'messages'.",
            code="missing_required_parameter",
            param="messages",
        )
    if not isinstance(messages, list) or not messages:
        raise _invalid("messages", "must be an array with at least one message")
    for position, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in _ROLES:
            raise _invalid(f"messages[{position}].role", f"must be one of {', '.join(sorted(_ROLES))}")


def _check_limit(name: str, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _invalid(name, "must be a whole number above 0")
    if value >= COMPLETION_TOKENS_LIMIT:
        raise _invalid(name, f"is too large: {value}; it must be below {COMPLETION_TOKENS_LIMIT}")


def _check_response_format(wanted: Any) -> None:
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise _invalid("response_format", "`type` must be text, json_object or json_schema")
    named = wanted.get("json_schema")
    if kind == "json_schema" and not (isinstance(named, dict) and isinstance(named.get("schema"), dict)):
        raise _invalid("response_format", "needs `json_schema` with a `schema`")


def _tool_name(tool: Any) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise _invalid("tools", "each tool must be a function with a name")
    if not isinstance(function.get("parameters", {}), dict):
        raise _invalid("tools", f"the parameters of `{name}` must be a JSON schema")
    return name


def _invalid(param: str, problem: str) -> ServiceError:
    return ServiceError(400, f"'{param}' {problem}.", code="invalid_value", param=param)
