"""What depends on who is asked: whether strict schemas have bounds, and whether a second call is forbidden.

A request under another shape is another request, with another key. So that nothing is paid twice, a service
whose shape has changed (fine-tunes and Azure, which once were sent bounds) or is not known (a replay) has a
second shape: what the ledger knows in it is taken from there, and goes on in it.
"""

from __future__ import annotations

import os
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from goldpan.providers.model_facts import facts_of
from goldpan.study.model import Provider, Stage

Service = Literal["openai", "azure", "other"]


class Shape(NamedTuple):
    """What a stage's requests look like beside its settings.

    Attributes:
        bounds: strict schemas have `minimum`, `maximum`, `minItems` and `maxItems`.
        one_call: `parallel_tool_calls: false` is sent.
    """

    bounds: bool = True
    one_call: bool = False


def shapes_of(stage: Stage, provider: Provider | None) -> tuple[Shape, ...]:
    """The shape in which a stage's requests are made, and after it one in which the ledger may know them.

    Args:
        stage: the stage as `asked_stage` gives it.
        provider: who is asked; None for OpenAI.
    """
    if stage.output == "text":
        return (Shape(),)
    takes_bounds = facts_of(stage.model).bounds and service_of(provider) != "azure"
    shape = _shape(stage, takes_bounds)
    if takes_bounds and (provider is None or provider.kind != "replay"):
        return (shape,)
    return shape, _shape(stage, not takes_bounds)


def _shape(stage: Stage, bounds: bool) -> Shape:
    # A call that was forced by name can still come twice, and strict schemas hold for one call only. But a
    # parameter more is another request: it is sent only where there were no requests before it was.
    is_new = stage.endpoint == "responses" or not bounds
    takes_it = facts_of(stage.model).parallel_tool_calls and "parallel_tool_calls" not in stage.params
    return Shape(bounds, stage.output == "tool" and is_new and takes_it)


def service_of(provider: Provider | None) -> Service:
    """Whose rules hold where a provider sends requests: OpenAI's, Azure's, or nobody knows."""
    if provider is None:
        return "openai"
    if provider.kind not in ("openai", "litellm"):
        return "other"
    if provider.custom_llm_provider == "azure":
        return "azure"
    if provider.custom_llm_provider not in (None, "openai"):
        return "other"
    address = provider.base_url or os.environ.get("OPENAI_BASE_URL")
    host = (urlsplit(address).hostname or "") if address else "api.openai.com"
    if host.endswith((".openai.azure.com", ".services.ai.azure.com")):
        return "azure"
    return "openai" if host == "api.openai.com" or host.endswith(".api.openai.com") else "other"
