"""The Pydantic model of a search for a better prompt: of which task, by which gold, for how much."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from goldpan.study.base import GROUP_PATTERN, Model, Name, Usd, each_once, one_or_many
from goldpan.study.wave import Split

Method = Literal["gepa", "rewrites", "few_shot", "dspy_copro"]
Part = Literal["system", "user", "descriptions"]
Metric = Literal["accuracy", "f1", "kappa"]


class Improver(Model):
    """Who writes new prompts: a model of the study's providers, asked through the ledger as any other."""

    provider: Name = Field(description="Who is asked.")
    model: str | None = Field(None, description="Its model; the built-in baseline has none.")
    params: dict[str, Any] = Field(
        default_factory=dict, description="Parameters of its requests, e.g. `temperature: 1`."
    )
    price_usd_per_million: tuple[Usd, Usd] | None = Field(
        None, description="Prompt and completion price, when litellm's table lacks the model."
    )


class SearchBudget(Model):
    """What a search may spend."""

    answers: int = Field(
        ge=1,
        description="How many answers each method may look at, repeated ones too; at least 15 times the"
        " number of dev rows.",
    )
    usd: Usd | None = Field(
        None, description="What all methods together may cost, the improver included; default no limit."
    )


class Optimised(Model):
    """A search for a better prompt of a stage's task; the best one becomes a proposal, never the task."""

    stage: Name = Field(
        description="The stage whose task is improved: its provider, model and parameters answer."
    )
    task: Name | None = Field(
        None, description="Which of the stage's tasks; not needed where it has one only."
    )
    evaluation: Name | None = Field(
        None, description="The evaluation that says what is right; default the one of the stage's name."
    )
    feature: str | None = Field(
        None, description="The feature whose metric counts; default the mean of all that have gold."
    )
    metric: Metric = Field("accuracy", description="What is made larger, failures counted as wrong.")
    improver: Improver = Field(description="Who writes new prompts.")
    improves: list[Part] = Field(
        ["system"],
        min_length=1,
        description="What may be rewritten: the `system` or `user` prompt, the `descriptions` of features.",
    )
    methods: list[Method] = Field(
        ["gepa", "rewrites", "few_shot"],
        min_length=1,
        description="How is searched, each with the same budget: `gepa`, the best of some `rewrites`, and"
        " `few_shot` (rows of train as examples). `dspy_copro` needs the extra `dspy`.",
    )
    budget: SearchBudget = Field(description="What the search may spend.")
    rewrites: int = Field(
        8, ge=2, le=100, description="How many rewrites are tried; the first three also tell the headroom."
    )
    examples: int = Field(4, ge=1, le=50, description="How many rows of train a `few_shot` prompt shows.")
    split: Split | None = Field(
        None,
        description="With gold in fields: shares of train, dev and test, by a hash of each row or group;"
        " default 0.4, 0.4 and 0.2. A wave's gold has splits of its own.",
    )
    group: str | None = Field(
        None, pattern=GROUP_PATTERN, description="With `split`: rows of one group stay in one split."
    )
    near_duplicates: Literal["refuse", "leave_out"] = Field(
        "refuse",
        description="What becomes of rows of train and dev that say nearly what a test row says: the search"
        " is refused, or they are left out.",
    )
    ceiling: Name | None = Field(
        None,
        description="A wave in which several people answered these items: how well each meets the gold is the"
        " ceiling. Default: the wave of the evaluation's gold, where it has one.",
    )
    headroom: Literal["stop", "tell"] = Field(
        "stop",
        description="What becomes of a search whose first prompt may be as good as people already: it stops"
        " before it spends its budget, or it says so and goes on.",
    )
    allow_training_text: bool = Field(
        False,
        description="Whether a prompt may hold five or more words in a row of a training row. Without it"
        " few-shot prompts are never proposed, and only two of them measured.",
    )
    max_growth: float = Field(
        5.0, gt=1, description="A prompt that is more than so many times as long as the first is refused."
    )
    seed: int = Field(0, description="Of the search.")

    _one_is_a_list = one_or_many("improves", "methods", of=list[str] | str)

    _none_is_named_twice = each_once("improves", "methods")

    @model_validator(mode="after")
    def _groups_go_with_splits(self) -> Optimised:
        if self.group is not None and self.split is None:
            raise ValueError("`group` goes with `split`; a wave's gold is split by `gold.group` of the wave")
        return self
