"""How a stage's requests are made: what its settings say, and where they say nothing, what its model takes.

The choice depends on the stage alone, never on who is asked, so that a published ledger replays it.
"""

from __future__ import annotations

from typing import Any

from goldpan.providers.model_facts import Endpoint, ModelFacts, facts_of
from goldpan.study.stage import Output, Stage

# The first that the model takes is chosen. A tool call at chat completions is what every request was before
# there was a choice, so the models that take it keep their request keys.
_PREFERRED: tuple[tuple[Output, Endpoint], ...] = (
    ("tool", "chat"),
    ("json_schema", "chat"),
    ("tool", "responses"),
    ("json_schema", "responses"),
    ("text", "chat"),
    ("text", "responses"),
)


def asked_stage(stage: Stage) -> Stage:
    """The stage with `output`, `endpoint` and `params` as its requests are made.

    A stage that is the result of this stays as it is.
    """
    facts = facts_of(stage.model)
    params = stage.params
    if stage.params_reasoning is not None and facts.reasons:
        params = stage.params_reasoning
    output, endpoint = _chosen(stage.output, stage.endpoint, facts, params)
    return stage.model_copy(
        update={"output": output, "endpoint": endpoint, "params": params, "params_reasoning": None}
    )


def takes(facts: ModelFacts, output: Output, endpoint: Endpoint, params: dict[str, Any]) -> bool:
    """Whether the model takes such a request with these parameters."""
    if endpoint not in facts.endpoints:
        return False
    if output == "json_schema":
        return facts.schemas
    if output == "tool":
        return facts.takes_tools_at_chat(params) if endpoint == "chat" else facts.tools
    return True


def _chosen(
    output: Output | None, endpoint: Endpoint | None, facts: ModelFacts, params: dict[str, Any]
) -> tuple[Output, Endpoint]:
    candidates = [
        candidate
        for candidate in _PREFERRED
        if (output or candidate[0]) == candidate[0]
        and (endpoint or candidate[1]) == candidate[1]
        # Plain text is never chosen by itself: few tasks can be answered so.
        and (output == "text" or candidate[0] != "text")
    ]
    fitting = (candidate for candidate in candidates if takes(facts, *candidate, params))
    # Where nothing fits, what the study asks for is made all the same; `validate` says what is wrong.
    return next(fitting, candidates[0])
