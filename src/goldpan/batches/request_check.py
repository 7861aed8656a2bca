"""What a service will refuse of a stage's requests, said before a day is spent on waiting for it.

A finding is an error where it is certain that every request would fail: at OpenAI and at Azure, whose rules
these are. It is a note with any other provider, and where the study names the stage's `endpoint`: then it is
the study that knows better than our tables do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from goldpan.providers.baseline import BASELINE_MODEL
from goldpan.providers.connect import provider_class, rules_of
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage, takes
from goldpan.providers.model_facts import URLS, ModelFacts, facts_of
from goldpan.providers.model_table import table_entry
from goldpan.providers.prices import has_flex_price
from goldpan.providers.request_shape import shape_of
from goldpan.study.provider import LocalSettings, OwnModelSettings, Provider, VllmSettings
from goldpan.study.stage import Stage
from goldpan.tasks import schema
from goldpan.tasks.chat import CHAT_PARAMS
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.responses import RESPONSES_PARAMS, RESPONSES_RESERVED
from goldpan.tasks.task import Task

# `Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024`.
_LONGEST_DESCRIPTION = 1_024
# An answer that reasons seldom gets by with less, and what is cut off is paid.
_LITTLE_TO_REASON = 2_000
# Bounds of OpenAI's chat completions (platform.openai.com/docs/api-reference/chat/create).
_BOUNDS = {
    "temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
    "top_logprobs": (0, 20),
}  # fmt: skip
_LIMITS = ("max_completion_tokens", "max_tokens")


class Finding(NamedTuple):
    """Something about a stage's requests that the user should know.

    Attributes:
        text: what it is and what to do, in a sentence.
        is_error: every request would be refused.
    """

    text: str
    is_error: bool


def request_findings(
    stage: Stage, provider: Provider, tasks: Iterable[Task], keys: Keys | None = None
) -> list[Finding]:
    """What a stage's requests would meet.

    Args:
        stage: the settings as they stand in the study.
        provider: who is asked.
        tasks: those the stage asks.
        keys: where an address is looked for that the study does not name.
    """
    answerer = provider_class(provider)
    if answerer.from_ledger_alone:
        return []
    asked, facts = asked_stage(stage), facts_of(stage.model)
    findings = [
        *_about_the_answerer(stage, provider, keys),
        *_about_the_model(stage, asked, facts),
        *_about_parameters(asked, facts),
        *_about_the_tier(stage),
        *_about_values(asked.params),
        *(finding for task in tasks for finding in _about_a_task(asked, task)),
    ]
    if not answerer.works_here and not shape_of(stage, provider, keys).bounds:
        who = "Azure refuses" if facts.bounds else "fine-tuned models refuse"
        findings.append(
            Finding(
                f"{who} minimum, maximum, minItems and maxItems in strict schemas: they are left out of what"
                " is sent, and the answers are checked against them all the same",
                False,
            )
        )
    is_certain = rules_of(provider, keys) != "other" and stage.endpoint is None
    findings = [Finding(finding.text, finding.is_error and is_certain) for finding in findings]
    if isinstance(provider, VllmSettings) and asked.endpoint != "chat":
        what = f"`vllm run-batch` has no {URLS['responses']}: leave `endpoint` out"
        findings.append(Finding(what, True))
    return findings


def _about_the_answerer(stage: Stage, provider: Provider, keys: Keys | None) -> Iterator[Finding]:
    if isinstance(provider, OwnModelSettings):
        return
    if provider_class(provider).works_here:
        is_baseline = not isinstance(provider, LocalSettings) or provider.answers is None
        if is_baseline and stage.model != BASELINE_MODEL:
            yield Finding(
                f"the embedded baseline answers in place of `{stage.model}`, and its answers would pass for"
                f" those of that model once another provider is named; write `model: {BASELINE_MODEL}`",
                False,
            )
    elif rules_of(provider, keys) == "openai" and not table_entry(stage.model):
        yield Finding(
            f"`{stage.model}` is not in litellm's table: its price and what it takes are not known; look for"
            " a slip in its name",
            False,
        )


def _about_the_tier(stage: Stage) -> Iterator[Finding]:
    """Whether the model is to be had at the tier that is asked for; for sure the first request tells."""
    if stage.asked_tier and table_entry(stage.model) and not has_flex_price(stage.model):
        yield Finding(
            f"`{stage.model}` has no price at `tier: {stage.asked_tier}` in litellm's table: the service may"
            " refuse it there",
            False,
        )


def _about_values(params: dict[str, Any]) -> Iterator[Finding]:
    """Values that are of another type than the service takes, or out of its bounds."""
    for name, (least, most) in _BOUNDS.items():
        value = params.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            yield Finding(f"params: `{name}` is a number from {least} to {most}, not {value!r}", True)
    for name in _LIMITS:
        value = params.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            yield Finding(f"params: `{name}` is a whole number from 1, not {value!r}", True)
    seed = params.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        yield Finding(f"params: `seed` is a whole number, not {seed!r}", True)
    stop = params.get("stop")
    texts = stop if isinstance(stop, list) else [] if stop is None else [stop]
    if len(texts) > 4 or not all(isinstance(text, str) for text in texts):
        yield Finding(f"params: `stop` is a text or up to four of them, not {stop!r}", True)
    if params.get("top_logprobs") is not None and not params.get("logprobs"):
        yield Finding("params: `top_logprobs` needs `logprobs: true`", True)


def _about_the_model(stage: Stage, asked: Stage, facts: ModelFacts) -> Iterator[Finding]:
    assert asked.output and asked.endpoint
    if not facts.endpoints:
        yield Finding(f"`{facts.model}` is a model of mode {facts.mode}: it answers no such requests", True)
        return
    if asked.endpoint not in facts.endpoints:
        other = next(iter(facts.endpoints))
        yield Finding(
            f"`{facts.model}` does not have {URLS[asked.endpoint]}; leave `endpoint` out, or write {other}",
            True,
        )
    elif "chat" not in facts.endpoints:
        yield Finding(
            f"`{facts.model}` has no chat completions and no batches of them: it is asked at"
            f" {URLS[asked.endpoint]}",
            False,
        )
    if not facts.batches:
        yield Finding(f"`{facts.model}` has no batch endpoint", True)
    if asked.endpoint in facts.endpoints and not takes(facts, asked.output, asked.endpoint, asked.params):
        yield _unfit_output(asked, facts)
    elif stage.output is None and asked.output != "tool" and facts.tools:
        yield Finding(
            f"`{facts.model}` takes no function tools at chat completions with these parameters:"
            " its answers are asked by `output: json_schema`",
            False,
        )
    elif stage.endpoint is None and asked.endpoint == "responses" and "chat" in facts.endpoints:
        yield Finding(
            f"`{facts.model}` takes no function tools at chat completions: it is asked at"
            f" {URLS['responses']}",
            False,
        )


def _unfit_output(asked: Stage, facts: ModelFacts) -> Finding:
    """What is wrong with the chosen output; only an open refusal by the service is certain."""
    if asked.output == "json_schema":
        return Finding(f"`{facts.model}` is not known to keep to a JSON schema; try `output: tool`", False)
    if not facts.tools:
        return Finding(f"`{facts.model}` is not known to take function tools", False)
    return Finding(
        f"`{facts.model}` takes no function tools at chat completions"
        + ("" if facts.tools_at_chat == "never" else " once `reasoning_effort` is set")
        + "; leave `output` and `endpoint` out, or write `output: json_schema` or `endpoint: responses`",
        True,
    )


def _about_parameters(asked: Stage, facts: ModelFacts) -> Iterator[Finding]:
    params = asked.params
    for reason in facts.refused(params).values():
        yield Finding(f"params: {reason}", True)
    known = CHAT_PARAMS if asked.endpoint == "chat" else RESPONSES_PARAMS
    for name in params:
        if asked.endpoint == "responses" and name in RESPONSES_RESERVED:
            yield Finding(f"params: `{name}` is set by goldpan at {URLS['responses']}", True)
        elif name == "max_output_tokens":
            yield Finding(f"params: `{name}` is written `max_completion_tokens`, whatever the endpoint", True)
        elif asked.endpoint == "responses" and name in CHAT_PARAMS - RESPONSES_PARAMS:
            yield Finding(f"params: {URLS['responses']} has no `{name}`; leave it out", True)
        elif name not in known:
            yield Finding(f"params: there is no parameter `{name}`; {suggestion(name, sorted(known))}", True)
    yield from _about_limits(asked, facts)
    effort = params.get("reasoning_effort")
    if effort is not None and facts.known and facts.mode == "chat" and not facts.reasons:
        yield Finding(f"params: `{facts.model}` takes no `reasoning_effort`: it does not reason", True)
    elif effort is not None and facts.efforts and effort not in facts.efforts:
        efforts = ", ".join(sorted(facts.efforts))
        yield Finding(f"params: `{facts.model}` has no effort `{effort}`; it has: {efforts}", True)


def _about_limits(asked: Stage, facts: ModelFacts) -> Iterator[Finding]:
    params = asked.params
    limits = [params[name] for name in ("max_completion_tokens", "max_tokens") if name in params]
    if len(limits) == 2:
        yield Finding("params: give either `max_completion_tokens` or `max_tokens`, not both", True)
    for limit in limits[:1]:
        if not isinstance(limit, int):
            continue
        if facts.max_output_tokens is not None and limit > facts.max_output_tokens:
            yield Finding(
                f"params: `{facts.model}` answers with at most {facts.max_output_tokens:,} tokens;"
                f" {limit:,} are too many",
                True,
            )
        elif limit < _LITTLE_TO_REASON and facts.reasons_with(params):
            yield Finding(
                f"params: `{facts.model}` reasons before it answers, and both must fit into {limit:,} tokens:"
                " many answers may be cut off; `params_reasoning` gives such models a limit of their own",
                False,
            )


def _about_a_task(asked: Stage, task: Task) -> Iterator[Finding]:
    if asked.output == "text":
        return
    length = len(schema.function_description(task))
    if length > _LONGEST_DESCRIPTION:
        # Only of tools it is known that the service refuses it.
        yield Finding(
            f"task `{task.name}`: the description of its function has {length:,} characters; a service takes"
            f" {_LONGEST_DESCRIPTION:,}. Shorten `function: description`, or what is exclusive",
            asked.output == "tool",
        )
    for label in schema.labels_with_line_breaks(task):
        yield Finding(
            f"task `{task.name}`: the label {label!r} has a line break, which strict schemas may not hold",
            True,
        )
    for excess in schema.beyond_strict_limits(task):
        yield Finding(f"task `{task.name}`: {excess}", True)
