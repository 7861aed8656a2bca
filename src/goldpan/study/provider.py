"""Who answers a study: a model of settings for each `kind` of provider, with its own keys and no others.

What a provider can do, and how it is called, says its class in `goldpan.providers`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from goldpan.study.base import Model, as_before

ONLINE = "online_"
"""Ids of the batches that goldpan works through itself, and of their files, begin so; those of services never
do."""
IMPORTED = "imported_"
"""Ids that stand for a file of answers which was paid for elsewhere begin so."""


class _Settings(Model):
    kind: str

    @model_validator(mode="before")
    @classmethod
    def _keys_go_with_the_kind(cls, settings: dict[str, Any]) -> dict[str, Any]:
        kinds_of = {
            key: [kind for kind, model in PROVIDER_MODELS.items() if key in model.model_fields]
            for key in sorted(settings.keys() - cls.model_fields.keys())
        }
        foreign = {key: kinds for key, kinds in kinds_of.items() if kinds}
        if foreign:
            homes = "; ".join(f"{key} is a key of kind: {', '.join(kinds)}" for key, kinds in foreign.items())
            raise ValueError(f"{', '.join(foreign)} does not go with kind: {settings['kind']} ({homes})")
        return settings


class NetworkSettings(_Settings):
    """Settings of a service that is called over the network."""

    base_url: str | None = Field(None, description="openai, litellm: another endpoint or a proxy.")
    api_key_env: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Environment variable that holds the API key."
    )
    timeout_seconds: float = Field(600.0, gt=0, description="Limit for one HTTP call.")
    grace_seconds: float = Field(
        600.0,
        ge=0,
        description="How long a paid call whose answer was lost may take to show up in the provider's list.",
    )
    patience_seconds: float = Field(
        600.0,
        ge=0,
        description="How long a call that costs nothing, or one request in `mode: online`, is repeated while"
        " the service answers 5xx or 429, or not at all.",
    )
    concurrency: int | None = Field(
        None,
        exclude_if=as_before(None),
        ge=1,
        le=1000,
        description="`mode: online`: how many requests may be under way at once; default 32. It starts lower"
        " and goes by what the service takes.",
    )
    requests_per_minute: int | None = Field(
        None, exclude_if=as_before(None), ge=1, description="`mode: online`: no more requests than this."
    )
    tokens_per_minute: int | None = Field(
        None, exclude_if=as_before(None), ge=1, description="`mode: online`: no more tokens than this."
    )


class OfflineSettings(_Settings):
    """Settings of what needs no network: it has no address and no key."""

    base_url: ClassVar[None] = None
    api_key_env: ClassVar[None] = None
    grace_seconds: ClassVar[float] = 600.0


class OpenAISettings(NetworkSettings):
    """A service that the official SDK calls."""

    kind: Literal["openai"] = Field(description="the official SDK")


class LiteLLMSettings(NetworkSettings):
    """A service that litellm calls."""

    kind: Literal["litellm"] = Field(description="services behind it")
    custom_llm_provider: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]*$",
        description="litellm only: the service, as litellm calls it; `openai`, `azure`, `vertex_ai` and"
        " `hosted_vllm` in either mode, all others with `mode: online`.",
    )


class LocalSettings(OfflineSettings):
    """The engine on this machine."""

    kind: Literal["local"] = Field(description="the embedded baseline")
    folder: str | None = Field(
        None, description="local only: where the engine keeps files and batches; default beside the ledger."
    )
    answers: str | None = Field(
        None,
        exclude_if=as_before(None),
        pattern=r"^.+\.(py:\w+|jsonl)$",
        description="local only: who answers in place of the baseline: `FILE.py:function`, or a JSONL file of"
        " known answers, as for `goldpan serve --answers`.",
    )


class ReplaySettings(OfflineSettings):
    """Nobody is asked: the ledger has all answers."""

    kind: Literal["replay"] = Field(description="the ledger alone, never a call")


_AnyProvider = OpenAISettings | LiteLLMSettings | LocalSettings | ReplaySettings
PROVIDER_MODELS: dict[str, type[_AnyProvider]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(_AnyProvider)
}
"""kind -> its settings."""


Provider = Annotated[_AnyProvider, Field(discriminator="kind")]
