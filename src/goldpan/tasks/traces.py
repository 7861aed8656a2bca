"""Agent traces as material for an annotator: what a row must hold, and its text within a length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goldpan.errors import TaskError
from goldpan.tasks.traces_length import common_level, shorten, shorten_steps
from goldpan.tasks.traces_text import UnusableTrace, content_text, render_steps, render_tools

__all__ = ["LEAST_CHARS", "MATERIAL_NAMES", "TraceMaterial", "UnusableTrace", "prepare"]

MATERIAL_NAMES = (
    "trace",
    "tools",
    "system_prompt",
    "follow_up",
    "elided",
    "messages_shown",
    "messages_total",
)
"""What the prompt of a task with `material: trace` may name besides the names of every record."""

LEAST_CHARS = 2_000
"""Below this an elided trace says nothing worth paying for."""

_SETTING_SHARE = 1 / 3
_FOLLOW_UP_SHARE = 1 / 4


@dataclass(frozen=True, slots=True)
class TraceMaterial:
    """The rendered parts of one trace segment, together within the length that was asked for.

    Attributes:
        trace: the numbered steps.
        tools: the tool list; empty when the row has none.
        system_prompt: the leading system messages; empty when there are none.
        follow_up: the user's next message after the segment, if the row has one.
        messages_total: messages of the trace without the leading system messages.
        elided_messages: how many of these were left out as a whole.
        elided_chars: characters left out in all, cut messages, tools and system prompt included.
    """

    trace: str
    tools: str
    system_prompt: str
    follow_up: str | None
    messages_total: int
    elided_messages: int = 0
    elided_chars: int = 0

    @property
    def notes(self) -> dict[str, int]:
        """What the record says about the material."""
        return {"elided_messages": self.elided_messages, "elided_chars": self.elided_chars}

    @property
    def context(self) -> dict[str, Any]:
        """The names a prompt template may use."""
        return {
            "trace": self.trace,
            "tools": self.tools,
            "system_prompt": self.system_prompt,
            "follow_up": self.follow_up,
            "elided": self.elided_chars > 0,
            "messages_shown": self.messages_total - self.elided_messages,
            "messages_total": self.messages_total,
        }


def prepare(data: dict[str, Any], max_chars: int) -> TraceMaterial:
    """Render the trace segment of a row.

    Args:
        data: a row `{conversation_id, segment_id, trace_segment: {trace, tools, follow_up_user_message?}}`
            with messages and tools as OpenAI's chat format has them.
        max_chars: characters that trace, tools, system prompt and follow-up may have together.

    Raises:
        UnusableTrace: the row cannot be asked about.
        TaskError: `max_chars` is below LEAST_CHARS.
    """
    if max_chars < LEAST_CHARS:
        raise TaskError(
            f"{max_chars} characters are too few for a trace; at least {LEAST_CHARS} are needed",
            remedy="raise the stage's limits.context_tokens, or take a model with a longer context",
        )
    segment: Any = data.get("trace_segment")
    if not isinstance(segment, dict):
        raise UnusableTrace("no_trace_segment", "the row has no object `trace_segment`")
    messages = _messages(segment.get("trace"))
    first, first_request = _outline(messages)
    steps = render_steps(messages, first)
    system = "\n\n".join(content_text(item.get("content"), "the system prompt") for item in messages[:first])
    follow_up = _follow_up(segment.get("follow_up_user_message"))
    tools = segment.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise UnusableTrace("bad_tools", f"`tools` is {_kind(tools)}, not a list")
    return _within(max_chars, steps, first_request, render_tools(tools) if tools else "", system, follow_up)


def _messages(trace: Any) -> list[Any]:
    if not isinstance(trace, list):
        raise UnusableTrace("no_trace", f"`trace_segment.trace` is {_kind(trace)}, not a list")
    if not trace:
        raise UnusableTrace("empty_trace", "the trace has no messages")
    return trace


def _outline(messages: list[Any]) -> tuple[int, int]:
    """(number of leading system messages, index of the first user message after them)."""
    roles = [message.get("role") if isinstance(message, dict) else None for message in messages]
    first = 0
    while first < len(roles) and (roles[first] == "system" or roles[first] == "developer"):
        first += 1
    for role in ("user", "assistant"):
        if role not in roles:
            raise UnusableTrace(f"no_{role}_message", f"the trace has no message with the role `{role}`")
    return first, roles.index("user") - first


def _follow_up(message: Any) -> str | None:
    """The text of the user's next message, given as text or as a message."""
    if message is None:
        return None
    content = message.get("content") if isinstance(message, dict) else message
    if not isinstance(content, str | list):
        raise UnusableTrace("bad_follow_up", f"`follow_up_user_message` is {_kind(message)} without text")
    text = content_text(content, "the follow-up message")
    if not text.strip():
        raise UnusableTrace("bad_follow_up", "`follow_up_user_message` is there but empty")
    return text


def _within(
    max_chars: int, steps: list[str], first_request: int, tools: str, system: str, follow_up: str | None
) -> TraceMaterial:
    """Put the parts together; if too long, tools and system prompt get a third, or what the trace leaves."""
    trace_chars = sum(map(len, steps)) + len(steps) - 1
    if len(tools) + len(system) + len(follow_up or "") + trace_chars <= max_chars:
        return TraceMaterial("\n".join(steps), tools, system, follow_up, len(steps))
    short_follow_up = shorten(follow_up or "", int(max_chars * _FOLLOW_UP_SHARE))
    left = max_chars - len(short_follow_up.text)
    for_setting = max(int(max_chars * _SETTING_SHARE), left - trace_chars)
    longest = common_level([len(tools), len(system)], for_setting)
    short_tools, short_system = shorten(tools, longest), shorten(system, longest)
    left -= len(short_tools.text) + len(short_system.text)
    short_trace = shorten_steps(steps, left, first_request)
    return TraceMaterial(
        short_trace.text,
        short_tools.text,
        short_system.text,
        None if follow_up is None else short_follow_up.text,
        len(steps),
        short_trace.elided_messages,
        sum(part.elided_chars for part in (short_tools, short_system, short_follow_up, short_trace)),
    )


def _kind(value: Any) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"
