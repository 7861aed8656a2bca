"""What a model takes and what it refuses: from litellm's table, and a small table of our own.

litellm's table says how a model is reached, how long its answers may be and which efforts it knows. It does
not say what OpenAI's reasoning families refuse, and lacks `supports_reasoning` for some (o4-mini), so that is
written here, with its sources. About models of other makers nothing is claimed but what the table says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Literal

from goldpan.providers.model_table import is_own_model, table_entry, without_route

Endpoint = Literal["chat", "responses"]
CHAT_URL, RESPONSES_URL = "/v1/chat/completions", "/v1/responses"
URLS: dict[Endpoint, str] = {"chat": CHAT_URL, "responses": RESPONSES_URL}

_OPENAI = frozenset({"openai", "azure"})
_NAME = re.compile(r"(?:gpt-(?P<major>\d+)(?:\.(?P<minor>\d+))?|o(?P<o>\d))(?P<rest>(?:-.*)?)")

# Refused by reasoning models whatever their value, as `Unsupported parameter: ... is not supported with this
# model`. Sources: learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning (not supported: temperature,
# top_p, presence_penalty, frequency_penalty, logprobs, top_logprobs, logit_bias, max_tokens); for `stop`
# github.com/huggingface/smolagents issues 1671 (gpt-5-mini) and github.com/griptape-ai/griptape issues 1915
# (o4-mini).
_SAMPLING = ("temperature", "top_p", "logprobs", "top_logprobs")
_OTHERS = ("presence_penalty", "frequency_penalty", "logit_bias", "stop")
# An effort of `none` makes the sampling parameters usable again from 5.1 on
# (developers.openai.com/api/docs/guides/latest-model, "parameter compatibility").
_DEFAULT_EFFORT = "medium"


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model.

    Attributes:
        model: its name, as the study gives it.
        known: litellm's table or our own knows it; else everything is assumed to be taken, and nothing said.
        mode: what litellm's table says it is for (`chat`, `responses`, `embedding`, ...); None when unknown.
        reasons: it belongs to a family that thinks before it answers. Whether it does in a request is what
            `reasons_with` says.
        is_openai_family: it is one of OpenAI's reasoning models, which refuse what `refused` names.
        default_effort: the effort when a request names none; `none` where it answers at once, None where
            the model does not reason.
        efforts: the efforts it knows; empty where nobody says.
        endpoints: those at which a request can be made.
        batches: False when the table lists its endpoints and batches are not among them.
        tools: it can be made to call a function, at some endpoint.
        schemas: it keeps to a strict JSON schema.
        parallel_tool_calls: it takes that parameter (with tools).
        tools_at_chat: when it takes function tools at chat completions.
        bounds: it takes `minimum`, `maxItems` and the like in strict schemas.
        max_output_tokens: the longest answer, with its reasoning; None when unknown.
    """

    model: str
    known: bool
    mode: str | None
    reasons: bool
    is_openai_family: bool
    default_effort: str | None
    efforts: frozenset[str]
    endpoints: frozenset[Endpoint]
    batches: bool
    tools: bool
    schemas: bool
    parallel_tool_calls: bool
    tools_at_chat: Literal["always", "without effort", "never"]
    bounds: bool
    max_output_tokens: int | None

    def effort(self, params: dict[str, Any]) -> str | None:
        """The effort of a request with these parameters; None where the model does not reason."""
        if not self.reasons:
            return None
        return params.get("reasoning_effort") or self.default_effort

    def reasons_with(self, params: dict[str, Any]) -> bool:
        """Whether a request with these parameters makes reasoning tokens, which are paid as completion."""
        return self.effort(params) not in (None, "none")

    def takes_tools_at_chat(self, params: dict[str, Any]) -> bool:
        """Whether function tools go with these parameters at chat completions."""
        if not self.tools or "chat" not in self.endpoints or self.tools_at_chat == "never":
            return False
        return self.tools_at_chat == "always" or not self.reasons_with(params)

    def refused(self, params: dict[str, Any]) -> dict[str, str]:
        """Those of these parameters that the model refuses, each with why and what to do instead."""
        if not self.is_openai_family:
            return {}
        refused: dict[str, str] = {}
        if "max_tokens" in params:
            refused["max_tokens"] = f"`{self.model}` takes `max_completion_tokens` in place of `max_tokens`"
        effort = self.effort(params)
        if effort == "none":
            return refused
        # Where no effort of `none` exists, there is no way to have the parameter.
        way_out = " unless `reasoning_effort` is none" if "none" in self.efforts else ""
        for name in (*_SAMPLING, *_OTHERS):
            # The default may be named: the service says that only it is supported.
            if name in params and not (name == "temperature" and params[name] == 1):
                refused[name] = f"`{self.model}` takes no `{name}`, as it reasons before it answers{way_out}"
        return refused


@cache
def facts_of(model: str) -> ModelFacts:
    """What is known of `model`, whose name may carry a route (`openai/`) or be that of a fine-tune."""
    entry = table_entry(model)
    family = _family(model, entry)
    # Gemini thinks unless it is told not to; Claude does not unless it is told to, which is no matter of the
    # model's name.
    reasons = family is not None or bool("gemini" in model and entry.get("supports_reasoning"))
    mode = entry.get("mode")
    listed = entry.get("supported_endpoints") if entry.get("litellm_provider") in _OPENAI else None
    endpoints = _endpoints(mode, listed)
    is_fine_tuned = without_route(model).startswith("ft:") and not is_own_model(model)
    claims = mode in ("chat", "responses") and entry.get("litellm_provider") in _OPENAI
    return ModelFacts(
        model=model,
        known=bool(entry) or reasons,
        mode=mode,
        reasons=reasons,
        is_openai_family=family is not None,
        default_effort=_default_effort(family, entry) if family else _DEFAULT_EFFORT if reasons else None,
        efforts=_efforts(family, entry) if family else frozenset(),
        endpoints=endpoints,
        # The batch endpoint is not listed for every model that has it: only where a model has nothing but
        # the responses endpoint is its absence believed (deep research, codex, computer use).
        batches=not (listed and "/v1/batch" not in listed and endpoints == {"responses"}),
        tools=bool(entry.get("supports_function_calling")) or not claims,
        schemas=bool(entry.get("supports_response_schema")) or not claims,
        parallel_tool_calls=bool(claims and entry.get("supports_parallel_function_calling")),
        tools_at_chat=_tools_at_chat(family) if family else "always",
        # https://platform.openai.com/docs/guides/structured-outputs: for fine-tuned models minimum, maximum,
        # minItems, maxItems and others are not supported.
        bounds=not is_fine_tuned,
        max_output_tokens=entry.get("max_output_tokens"),
    )


def retirement(model: str, today: date) -> list[str]:
    """What litellm's table says of a model's end, if that is past or within 90 days: one sentence or none."""
    entry = table_entry(model)
    try:
        end = date.fromisoformat(entry.get("deprecation_date") or "")
    except ValueError:
        return []
    if end > today + timedelta(days=90):
        return []
    successor = f"; its successor is `{entry['successor_model']}`" if entry.get("successor_model") else ""
    verb = "was to be" if end <= today else "will be"
    return [f"`{model}` {verb} shut down on {end.isoformat()} by litellm's table{successor}"]


@dataclass(frozen=True)
class _Family:
    """An OpenAI reasoning family: o-series as version 0, GPT by its version; what follows in the name."""

    version: tuple[int, int]
    rest: str


def _family(model: str, entry: dict[str, Any]) -> _Family | None:
    """The reasoning family a model belongs to; None for all others."""
    name = without_route(model)
    if name.startswith("ft:"):
        name = name.split(":")[1]
    if is_own_model(model) or (entry and entry.get("litellm_provider") not in _OPENAI):
        return None
    match = _NAME.fullmatch(name)
    if not match:
        return None
    if match["o"]:
        return _Family((0, int(match["o"])), match["rest"])
    version = (int(match["major"]), int(match["minor"] or 0))
    # `gpt-5-chat` and the search models answer at once, and take what GPT-4 took or a set of their own.
    if version < (5, 0) or "search" in match["rest"] or (version == (5, 0) and "-chat" in match["rest"]):
        return None
    return _Family(version, match["rest"])


def _default_effort(family: _Family, entry: dict[str, Any]) -> str:
    """The effort when a request names none.

    Source: developers.openai.com/api/docs/guides/reasoning (before 5.1 medium; 5.5 medium; pro high).
    """
    if family.rest.startswith("-pro") and family.version >= (5, 0):
        return "high"
    return entry.get("default_reasoning_effort") or _DEFAULT_EFFORT


def _efforts(family: _Family, entry: dict[str, Any]) -> frozenset[str]:
    """The efforts it knows; empty when nobody says.

    Sources: litellm's `supports_..._reasoning_effort`; community.openai.com/t/1371738 (matrix of efforts).
    """
    if family.rest.startswith("-pro") and family.version == (5, 0):
        return frozenset({"high"})
    if "-chat" in family.rest:
        return frozenset({"medium"})
    optional = {
        effort
        for effort in ("none", "minimal", "xhigh", "max")
        if entry.get(f"supports_{effort}_reasoning_effort")
    }
    return frozenset({"low", "medium", "high"} | optional) if entry else frozenset()


def _tools_at_chat(family: _Family) -> Literal["always", "without effort", "never"]:
    """Whether function tools go to chat completions.

    From 5.5 on the service refuses them although no effort is named ("Function tools with reasoning_effort
    are not supported for gpt-5.6 in /v1/chat/completions"): github.com/BerriAI/litellm pull 34569,
    github.com/danny-avila/LibreChat issues 14355. 5.6 is said to take them with an effort of `none`; of 5.5
    nobody says so, and neither is relied on. 5.4 refuses them once an effort is named:
    github.com/openai/openai-openapi issues 541. 5.1 takes them with every effort (the parameter's reference).
    """
    if family.version >= (5, 5):
        return "never"
    return "without effort" if family.version == (5, 4) else "always"


def _endpoints(mode: str | None, listed: list[str] | None) -> frozenset[Endpoint]:
    if mode not in (None, "chat", "responses"):
        return frozenset()
    if listed:
        return frozenset(endpoint for endpoint, url in URLS.items() if url in listed)
    return frozenset({"responses"}) if mode == "responses" else frozenset({"chat", "responses"})
