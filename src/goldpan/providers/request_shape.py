"""The shape of a stage's requests, and the shapes in which the ledger may know them from before.

A request in another shape is another request, with another key. So that nothing is paid twice, what the
ledger has answered or under way in a former shape is taken from there; what is asked anew is asked in the
present one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from goldpan.providers.connect import provider_class, rules_of
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.model_facts import Endpoint, facts_of
from goldpan.study.provider import Provider
from goldpan.study.stage import Output, Stage


class Shape(NamedTuple):
    """What a stage's requests look like beside its model, parameters and task.

    Attributes:
        output, endpoint: how and where an answer is asked for.
        bounds: strict schemas have `minimum`, `maximum`, `minItems` and `maxItems`.
        one_call: `parallel_tool_calls: false` is sent.
    """

    output: Output
    endpoint: Endpoint
    bounds: bool = True
    one_call: bool = False


def shape_of(stage: Stage, provider: Provider | None, keys: Keys | None = None) -> Shape:
    """The shape in which a stage's requests are made.

    Args:
        provider: who is asked; None for OpenAI.
        keys: where an address is looked for that the study does not name; default the environment alone.
    """
    asked = asked_stage(stage)
    return _shape(asked, facts_of(stage.model).bounds and rules_of(provider, keys) != "azure")


def former_shapes_of(stage: Stage, provider: Provider | None, keys: Keys | None = None) -> list[Shape]:
    """The shapes in which the ledger may know a stage's requests besides.

    There are few: of models that were once sent bounds which they refuse; of those that no longer get the
    tool call at chat completions that once was the default (a proxy may have taken it); and in a replay,
    which does not know whether it was Azure that answered.
    """
    asked, shape = asked_stage(stage), shape_of(stage, provider, keys)
    former: list[Shape] = []
    if shape.output != "text" and (
        not shape.bounds or (provider is not None and provider_class(provider).from_ledger_alone)
    ):
        former.append(_shape(asked, not shape.bounds))
    if stage.output in (None, "tool") and stage.endpoint is None:
        former.append(Shape("tool", "chat"))
    return [other for other in dict.fromkeys(former) if other != shape]


def oldest_shape(shapes: Iterable[Shape]) -> Shape:
    """That one of a stage's present and former shapes which it had first, whoever was asked."""
    return min(shapes, key=lambda shape: (not shape.bounds, shape[:2] != ("tool", "chat"), shape.one_call))


def _shape(asked: Stage, bounds: bool) -> Shape:
    assert asked.output and asked.endpoint, "chosen by `asked_stage`"
    # A call that was forced by name can still come twice, and strict schemas hold for one call only. But a
    # parameter more is another request: it is sent only where there were no requests before it was.
    is_new = asked.endpoint == "responses" or not bounds
    takes_it = facts_of(asked.model).parallel_tool_calls and "parallel_tool_calls" not in asked.params
    one_call = asked.output == "tool" and is_new and takes_it
    return Shape(asked.output, asked.endpoint, bounds or asked.output == "text", one_call)
