"""The Pydantic model of a stage in the study file: what is asked about which records, of whom and how."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from goldpan.study.base import Model, Name, Usd, as_before, no_number
from goldpan.study.stage_input import Input

Output = Literal["tool", "json_schema", "text"]
Endpoint = Literal["chat", "responses"]
Mode = Literal["batch", "online"]
Tier = Literal["flex"]
FLEX: Tier = "flex"
"""A tier of a service that costs less, takes longer, and has no room at times; as it is named there."""
Upstream = Literal["go_on", "stop"]
SampleAggregate = Literal["majority", "mean", "median", "first"]


UPSTREAM = (
    "What happens when records of the stage before failed: `go_on` without them, or `stop` until they are"
    " answered."
)


class Duplicates(Model):
    """Records of a stage that have the same text are asked once."""

    share: str = Field(
        "data.text",
        pattern=r"^(data\.|item$|item\.|answers\.).*$",
        description="Path of the text in a record; those in which it is the same share one answer.",
    )


class TaskChoice(Model):
    """One of several tasks of a stage; the first whose `when` holds for a record is asked."""

    task: Name = Field(description="A task file, `config/tasks/NAME.yaml`.")
    when: str | None = Field(
        None, description="Condition over the record, e.g. `data.follow_up is not None`."
    )


class Limits(Model):
    """What one request file may hold. Defaults are those of OpenAI's batch API."""

    requests: int = Field(50_000, ge=1, le=50_000, description="Requests in a file.")
    bytes: int = Field(200_000_000, ge=1, le=200_000_000, description="Size of a file.")
    prompt_tokens: int | None = Field(
        None, ge=1, description="Prompt tokens a batch may hold (enqueued limit)."
    )
    context_tokens: int | None = Field(
        None, ge=256, description="Context of the model; default from litellm's table, else 128,000."
    )


class Poll(Model):
    """How often the waiting rule asks, in seconds; the interval grows by half until `longest`."""

    first: float = Field(5.0, gt=0, description="The first interval.")
    longest: float = Field(120.0, gt=0, description="The longest interval.")
    patience: float = Field(
        600.0,
        ge=0,
        description="How long a batch that contradicts itself, or that the provider no longer knows, is"
        " looked at again before the run stops in doubt.",
    )


class Flex(Model):
    """What becomes of requests at the tier `flex` while the service has no room for them there."""

    fallback: Literal["wait", "standard", "batch"] = Field(
        "wait",
        description="After `patience_seconds` without room: `wait` ends the run, and a later one goes"
        " on; `standard` asks without the tier, at the ordinary price; `batch` leaves what is not answered to"
        " the next round, which asks it in a batch.",
    )
    patience_seconds: float | None = Field(
        None,
        ge=0,
        description="How long room at the tier is waited for; default the provider's `patience_seconds`.",
    )
    timeout_seconds: float = Field(
        900.0, gt=0, description="Limit for one call at the tier, in place of the provider's."
    )


class Stage(Model):
    """A task asked of records, or of what an earlier stage answered."""

    kind: Literal["ask"] = Field(
        "ask", exclude_if=as_before("ask"), description="a task is asked of somebody; the default"
    )
    input: Input = Field(description="What the stage asks about.")
    task: list[TaskChoice] = Field(
        min_length=1,
        description="One task by name, or several of which the first that fits a record is asked.",
    )
    provider: Name = Field(description="One of the study's providers.")
    mode: Mode = Field(
        "batch",
        exclude_if=as_before("batch"),
        description="`batch`: by the service's batch API, at half the price where it has one, within a day."
        " `online`: each request by a call of its own, answered now.",
    )
    tier: Tier | None = Field(
        None,
        exclude_if=as_before(None),
        description="`flex`, with `mode: online`: half the price, answered in minutes, where the service has"
        " it for the model.",
    )
    flex: Flex = Field(
        Flex(),
        exclude_if=as_before(Flex()),
        description="With `tier: flex`: what to do where there is no room.",
    )
    model: str = Field(
        "",
        exclude_if=as_before(""),
        description="The model, as the provider calls it. Needed but with `kind: transformers` and `vllm`,"
        " which name their own; that one answers, whatever stands here.",
    )
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Parameters of the request, e.g. temperature, max_completion_tokens; named as at chat"
        " completions, whatever the endpoint.",
    )
    params_reasoning: dict[str, Any] | None = Field(
        None,
        description="Parameters in place of `params` when the model is one that reasons before it answers:"
        " these take no temperature, and their reasoning counts against max_completion_tokens.",
    )
    output: Output | None = Field(
        None,
        description="Answer by a forced tool call, by a strict JSON-schema response format, or as plain text"
        " (for a task with one bare text feature). Default: the first of `tool` and `json_schema` that the"
        " model takes.",
    )
    endpoint: Endpoint | None = Field(
        None,
        exclude_if=as_before("chat"),
        description="Chat completions, or OpenAI's responses. Default: `chat` where the model takes it."
        " Given here, it also holds against what is known of the model, which is then only noted.",
    )
    samples: int = Field(1, ge=1, le=100, description="Independent answers to ask for each record.")
    aggregate: SampleAggregate | None = Field(
        None,
        description="How several `samples` become one prediction. Default: the mean of scores, the majority"
        " of other closed answers, the first text or extraction.",
    )
    pilot: int | None = Field(
        None,
        exclude_if=as_before(None),
        ge=1,
        description="So many requests are asked first, in a round of their own; the others only when these"
        " have come back and most of them are good.",
    )
    max_rounds: int = Field(3, ge=1, le=20, description="How often a request may be asked in all.")
    budget_usd: Usd | None = Field(
        None,
        description="A limit on what the stage costs, over all its runs and rounds: what would exceed it is"
        " refused before anything is uploaded.",
    )
    price_usd_per_million: tuple[Usd, Usd] | None = Field(
        None,
        description="Prompt and completion price in the stage's mode, when litellm's table lacks the model."
        " At the tier `flex` half of it is reckoned.",
    )
    limits: Limits = Field(Limits(), description="What one request file may hold.")
    poll: Poll = Field(Poll(), description="How often waiting asks.")
    wait: bool = Field(True, description="False: submit and exit; a later run goes on.")
    upstream: Upstream = Field("go_on", exclude_if=as_before("go_on"), description=UPSTREAM)
    duplicates: Duplicates | None = Field(
        None,
        exclude_if=as_before(None),
        description="`share`: records with the same text, in whatever files, are asked once and share the"
        " answer. `{share: data.FIELD}` names the text, by default `data.text`.",
    )
    tables: Literal["csv"] | None = Field(
        None, description="Also write one CSV per input file with its columns and the features."
    )

    _money_is_a_number = field_validator("budget_usd", mode="before")(no_number)

    @property
    def asked_tier(self) -> Tier | None:
        """At which tier requests are asked in the stage's mode; None for the service's ordinary one."""
        return self.tier if self.mode == "online" else None

    @model_validator(mode="after")
    def _tier_goes_with_the_mode(self) -> Stage:
        if self.tier and self.mode != "online":
            raise ValueError(
                f"`tier: {self.tier}` is for single requests: write `mode: online`, too, or leave it out"
            )
        if self.tier and "service_tier" in {**self.params, **(self.params_reasoning or {})}:
            raise ValueError(
                "give either `tier` or `service_tier` in `params`: the latter is part of the request key"
            )
        if self.tier is None and self.flex != Flex():
            raise ValueError("`flex` says how `tier: flex` is asked; write that, too, or leave it out")
        return self

    @model_validator(mode="after")
    def _there_is_something_to_aggregate(self) -> Stage:
        if self.aggregate and self.samples == 1:
            raise ValueError("`aggregate` says how several `samples` become one; ask for more than one")
        return self

    @field_validator("task", mode="before", json_schema_input_type=list[TaskChoice] | Name)
    @classmethod
    def _one_task_is_a_list(cls, value: Any) -> Any:
        return [{"task": value}] if isinstance(value, str) else value

    @field_validator("duplicates", mode="before", json_schema_input_type=Duplicates | Literal["share"] | None)
    @classmethod
    def _share_is_by_the_usual_field(cls, value: Any) -> Any:
        return {} if value == "share" else value

    @field_validator("params", "params_reasoning")
    @classmethod
    def _params_do_not_hide_the_request(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        reserved = {"model", "messages", "tools", "tool_choice", "response_format", "n", "stream"}
        clash = sorted(reserved & (value or {}).keys())
        if clash:
            raise ValueError(f"{', '.join(clash)} is set by goldpan and cannot stand in `params`")
        return value
