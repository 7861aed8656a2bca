"""How many tokens an answer took, in the same words whatever service counted them.

What the services say, each in its own words:

- OpenAI's chat completions, and litellm for all others: `prompt_tokens` and `completion_tokens` are totals,
  with parts in `prompt_tokens_details` (`cached_tokens`, `cache_write_tokens` or `cache_creation_tokens`) and
  `completion_tokens_details` (`reasoning_tokens`).
- OpenAI's `/v1/responses`: `input_tokens` and `output_tokens`, with parts in `input_tokens_details` and
  `output_tokens_details`.
- Anthropic: `input_tokens` without `cache_read_input_tokens` and `cache_creation_input_tokens`, which stand
  beside it. litellm passes the two on, and adds them to its `prompt_tokens`.
- Gemini: `promptTokenCount` (with `cachedContentTokenCount` in it), and `candidatesTokenCount` without
  `thoughtsTokenCount`.
- DeepSeek: `prompt_cache_hit_tokens`, a part of `prompt_tokens`.
- Some that otherwise speak as OpenAI does (xAI, Gemini's endpoint in that form) leave reasoning out of
  `completion_tokens`, and count it in `total_tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_MOST = 1 << 40
_TIER = re.compile(r"[a-z0-9_-]{1,40}")
# Anthropic's words for what was read from and written to a cache, which some count in no total.
_BESIDE_TOTALS = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens"})
_NOTHING: Mapping[str, Any] = {}


class Usage(NamedTuple):
    """Tokens of one answer. The first two are totals; the others are parts of them.

    Attributes:
        prompt: all tokens of the prompt, also those read from or written to a cache.
        completion: all tokens of the answer, also those of its reasoning.
        cached: tokens of the prompt that were read from a cache.
        cache_write: tokens of the prompt that were written to a cache.
        reasoning: tokens of the answer that were reasoning.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts under the keys that a row of features.jsonl has, all five always."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "cached_tokens": self.cached,
            "cache_write_tokens": self.cache_write,
            "reasoning_tokens": self.reasoning,
        }


def usage_of(body: Any) -> Usage:
    """Tokens that the body of an answer reports; 0 for what it does not tell, or tells in no number.

    Args:
        body: of a chat completion, of `/v1/responses`, or of a service's own form, as parsed JSON.
            Anything else counts as a body without usage; nothing is raised.
    """
    if not isinstance(body, dict):
        return Usage()
    usage = body.get("usage") or body.get("usageMetadata") or body.get("usage_metadata")
    if not isinstance(usage, dict):
        return Usage()
    if "promptTokenCount" in usage or "candidatesTokenCount" in usage:
        return _gemini(usage)
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(prompt) is type(completion) is int and usage.get("total_tokens") == prompt + completion:
        plain = _plain(usage, prompt, completion)
        if plain is not None:
            return plain
    if prompt is None and completion is None:
        prompt, completion = usage.get("input_tokens"), usage.get("output_tokens")
    into = _part(usage, "prompt_tokens_details", "input_tokens_details")
    out = _part(usage, "completion_tokens_details", "output_tokens_details")
    prompted = _count(prompt)
    cached = _first(
        into.get("cached_tokens"),
        usage.get("cache_read_input_tokens"),
        usage.get("prompt_cache_hit_tokens"),
    )
    cache_write = _first(
        into.get("cache_write_tokens"),
        into.get("cache_creation_tokens"),
        usage.get("cache_creation_input_tokens"),
    )
    if _BESIDE_TOTALS.isdisjoint(usage):
        # What is told among the prompt's details is a part of the prompt, whatever a service's slip says.
        cached = min(cached, prompted)
        cache_write = min(cache_write, prompted - cached)
    return _whole(
        prompted,
        _count(completion),
        cached,
        cache_write,
        _first(out.get("reasoning_tokens"), usage.get("reasoning_tokens")),
        total=_count(usage.get("total_tokens")),
        # Only Anthropic's own form has these beside `input_tokens`, and there they are no part of it.
        cache_apart="prompt_tokens" not in usage and "cache_read_input_tokens" in usage,
    )


def model_of(body: Any) -> Any:
    """The model that an answer says it is of, as the service names it; None where it says none.

    Google's answers say it as `modelVersion`.
    """
    if not isinstance(body, dict):
        return None
    return body.get("model") or body.get("modelVersion") or body.get("model_version") or None


def service_tier(body: Any) -> str:
    """The service's tier that an answer says it was made at (`default`, `flex`, `priority`); '' where it says
    none, or what is no word."""
    tier = body.get("service_tier") if isinstance(body, dict) else None
    return tier if isinstance(tier, str) and _TIER.fullmatch(tier) else ""


def _plain(usage: dict[str, Any], prompt: int, completion: int) -> Usage | None:
    """Usage as OpenAI's chat completions tell it, which most answers have: a short way that a million answers
    feel. None for all else."""
    into, out = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    if len(usage) == 3:
        cached = reasoning = 0
    elif len(usage) == 5 and type(into) is type(out) is dict:
        cached, reasoning = into.get("cached_tokens", 0), out.get("reasoning_tokens", 0)
        if "cache_write_tokens" in into or "cache_creation_tokens" in into:
            return None
    else:
        return None
    if (
        type(cached) is type(reasoning) is int
        and 0 <= cached <= prompt < _MOST > completion >= reasoning >= 0
    ):
        return Usage(prompt, completion, cached, 0, reasoning)
    return None


def _gemini(usage: dict[str, Any]) -> Usage:
    thoughts = _count(usage.get("thoughtsTokenCount"))
    return Usage(
        _count(usage.get("promptTokenCount")) + _count(usage.get("toolUsePromptTokenCount")),
        _count(usage.get("candidatesTokenCount")) + thoughts,
        _count(usage.get("cachedContentTokenCount")),
        0,
        thoughts,
    )


def _whole(
    prompt: int, completion: int, cached: int, cache_write: int, reasoning: int, total: int, cache_apart: bool
) -> Usage:
    """Counts of which the first two are totals, whether or not the service counts so.

    A part that exceeds its total was not counted in it, nor was reasoning that only the sum of all has.
    """
    if cache_apart or cached + cache_write > prompt:
        prompt += cached + cache_write
    if reasoning > completion or (reasoning and prompt + completion + reasoning == total):
        completion += reasoning
    elif not reasoning and 0 < prompt + completion < total:
        reasoning = total - prompt - completion
        completion += reasoning
    return Usage(prompt, completion, cached, cache_write, reasoning)


def _part(usage: dict[str, Any], name: str, other: str) -> Mapping[str, Any]:
    details = usage.get(name) or usage.get(other)
    return details if isinstance(details, dict) else _NOTHING


def _first(*counts: Any) -> int:
    """The first count that is told."""
    for count in counts:
        if count is not None:
            return _count(count)
    return 0


def _count(value: Any) -> int:
    """A count of tokens; 0 for what is none, so that a service's slip spoils no sum and no column."""
    if type(value) is float and 0 <= value < _MOST:
        value = round(value)
    return value if type(value) is int and 0 <= value < _MOST else 0
