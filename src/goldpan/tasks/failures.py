"""What a service says when it does not answer: state, whole message, and whether asking again may help.

The forms that are known: OpenAI (`message`, `type`, `param`, `code`), vLLM and Mistral (the same without
`error` around it), Anthropic (`type: error` around `type` and `message`), Google (`code`, `message`, `status`
in a list), FastAPI (`detail`), OpenRouter (what the service behind it said in `metadata.raw`), Azure
(`innererror`), litellm (`provider_specific_fields`), HTML from whatever stands before a service, and JSON
within a text of JSON.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

import orjson

State = Literal["ok", "invalid", "refused", "truncated", "failed", "expired", "missing", "skipped"]

LONGEST_MESSAGE = 500
_LONGEST_BEGINNING = 60
_TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
_MESSAGE_KEYS = ("message", "Message", "msg", "error_msg", "error_message", "errorMessage", "detail", "title")
_WITHIN = ("error", "errors", "detail", "Error")
_CODE_KEYS = ("code", "type", "status", "reason", "error", "error_code")
_MOST_NESTED = 6

# Codes of content filters, in small letters and without punctuation.
_FILTER_CODES = frozenset(
    {
        # OpenAI, Azure, litellm
        "contentfilter", "contentfiltered", "contentpolicyviolation", "contentpolicyviolationerror",
        "responsibleaipolicyviolation", "moderationblocked",
        # Alibaba, Volcengine, Zhipu
        "datainspectionfailed", "sensitivecontentdetected", "inputtextsensitivecontentdetected",
        "outputtextsensitivecontentdetected", "sensitive", "1301",
        # Google, Bedrock
        "safety", "prohibitedcontent", "blocklist", "guardrailintervened",
    }
)  # fmt: skip
_FILTER_WORDS = re.compile(
    r"content_?policy_?violation|responsible_?ai_?policy|content management policy|content filtering policy"
    r"|flagged as potentially violating|violat\w+ (?:of )?(?:\w+ )?(?:usage|content) (?:polic|guidelines)"
    r"|content exists risk|rejected as a result of \w+ safety system|data_?inspection_?failed",
    re.IGNORECASE,
)
# Where no HTTP status is told, these codes say that the request itself is at fault.
_FINAL_CODES = re.compile(
    r"(invalid|unsupported|unprocessable|badrequest|authentication|permission|unauth|forbidden|notfound"
    r"|requesttoolarge|billing|contextlength|contextwindow|failedprecondition|modelnotfound|missing)\w*"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class Failure(NamedTuple):
    """What became of a request that has no answer.

    Attributes:
        state: `failed`, `refused`, `expired` or `invalid`.
        reason: status, code and message, as far as they were told.
        retryable: asking again may help.
    """

    state: State
    reason: str
    retryable: bool


def says_something(error: Any) -> bool:
    """Whether an error was given at all; some services send one without content with every answer."""
    if isinstance(error, dict):
        return any(value not in (None, "", 0, False, [], {}) for value in error.values())
    return bool(error)


def error_of(error: Any, status: int | None) -> tuple[str, str | None]:
    """Code and message of an error, in whatever form it came.

    A content filter's refusal has the code `content_filter`, whatever the service calls it.
    """
    inner = _innermost(error)
    if not isinstance(inner, dict) or not says_something(inner):
        message = words_of(inner) if inner else "the line has no answer and no error"
        if isinstance(inner, str) and status is not None and 200 <= status < 300:
            # It may be an answer in a form of its own, which no reason needs to repeat.
            message = f"the body is no JSON; it begins with: {message[:_LONGEST_BEGINNING]}"
        code = (
            f"http_{status}"
            if status is not None and status >= 100
            else "no_answer"
            if not inner
            else "error"
        )
        return ("content_filter" if _FILTER_WORDS.search(message) else code), message
    said = _message(inner)
    if _is_filter(error, 0) or (said is not None and _FILTER_WORDS.search(said)):
        return "content_filter", said
    name = inner.get("code") or inner.get("type") or inner.get("status")
    if name is None or isinstance(name, dict | list):
        name = f"http_{status}" if status is not None and status >= 400 else "error"
    return words_of(name), said


def failure_of(code: str, message: str | None, status: int | None) -> Failure:
    """The state that an error leads to, with its reason.

    Args:
        code, message: as of `error_of`.
        status: HTTP status, if one was told; one that is no error is passed over.
    """
    about = f"{code}: {message}" if message else code
    refusing = status if status is not None and (status >= 400 or status < 100) else None
    if refusing is not None and refusing < 100:
        about = f"status {refusing}: {about}"
    elif refusing is not None and code != str(refusing):
        about = f"{refusing} {about}"
    plain = _plain(code)
    if plain in ("batchexpired", "requestexpired", "expired"):
        return Failure("expired", about, True)
    if plain in ("batchcancelled", "batchcanceled", "cancelled", "canceled"):
        return Failure("failed", about, False)
    if plain in _FILTER_CODES and (refusing is None or refusing < 500):
        return Failure("refused", about, False)
    if refusing is None or refusing < 100:
        # Nobody said no: the connection broke, or the service lost the answer on its way.
        return Failure("failed", about, not _FINAL_CODES.fullmatch(plain))
    return Failure("failed", about, refusing >= 500 or refusing in _TRANSIENT_STATUS)


def http_status(value: Any) -> int | None:
    """A status given as a number or as its digits; 0 and other numbers that are none as they are."""
    try:
        return int(value) if type(value) in (int, float) or (type(value) is str and len(value) < 9) else None
    except (ValueError, OverflowError):
        return None


def words_of(value: Any) -> str:
    """A value from outside as one line of text of sensible length, fit for a terminal; HTML without tags."""
    if not isinstance(value, str):
        try:
            value = orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
        except (TypeError, RecursionError, ValueError):
            value = "(nested too deeply to be shown)"
    # A terminal would obey control characters.
    text = _CONTROLS.sub(" ", value[: 20 * LONGEST_MESSAGE])
    if text.lstrip()[:1] == "<":
        text = _TAGS.sub(" ", text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _innermost(error: Any) -> Any:
    """The error within others, lists and texts of JSON."""
    for _ in range(_MOST_NESTED):
        within: Any = None
        if isinstance(error, str):
            within = _parsed(error)
        elif isinstance(error, list):
            within = error[0] if error else None
        elif isinstance(error, dict):
            within = next((error[key] for key in _WITHIN if isinstance(error.get(key), dict | list)), None)
            if not says_something(within):
                within = _bare(error)
        if not says_something(within):
            return error
        error = within
    return error


def _bare(error: dict[str, Any]) -> Any:
    """What an error says besides a code when that is a text: JSON of another error, or the message itself."""
    for key in (*_MESSAGE_KEYS, *_WITHIN):
        text = error.get(key)
        if isinstance(text, str) and text.strip():
            inner = _parsed(text)
            if isinstance(inner, dict) and says_something(inner):
                return inner
            return None if key in _MESSAGE_KEYS else {**error, "message": text, key: None}
    return None


def _parsed(text: str) -> Any:
    """What a text of JSON says; None for other texts."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _message(error: dict[str, Any]) -> str | None:
    told = next((error[key] for key in _MESSAGE_KEYS if error.get(key)), None)
    text = words_of(told) if told else ""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if raw:
        inner = _innermost(raw)
        behind = (_message(inner) or words_of(inner)) if isinstance(inner, dict) else words_of(inner)
        if behind not in text:
            text = f"{text} ({behind})" if text else behind
    for key in ("param", "loc"):
        place = error.get(key)
        where = ".".join(map(str, place)) if isinstance(place, list) else place
        if isinstance(where, str) and where and where not in text:
            text = f"{text} ({key}: {where})" if text else f"{key}: {where}"
    return words_of(text) if text else None


def _is_filter(error: Any, depth: int) -> bool:
    """Whether a content filter's code stands anywhere within an error."""
    if depth > _MOST_NESTED:
        return False
    if isinstance(error, list):
        return any(_is_filter(part, depth + 1) for part in error)
    if not isinstance(error, dict):
        return False
    return any(_plain(error[key]) in _FILTER_CODES for key in _CODE_KEYS if key in error) or any(
        _is_filter(part, depth + 1) for part in error.values() if isinstance(part, dict | list)
    )


def _plain(code: Any) -> str:
    """A code in small letters, without punctuation."""
    return re.sub(r"[^a-z0-9]", "", str(code).lower()) if isinstance(code, str | int) else ""
