"""Who answers a study: a model of settings for each `kind` of provider, with its own keys and no others.

What a provider can do, and how it is called, says its class in `goldpan.providers`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from goldpan.study.base import Model, Name, Revision, TrustRemoteCode, as_before
from goldpan.study.vllm_options import check_options, options_of_answers

ONLINE = "online_"
"""Ids of the batches that goldpan works through itself, and of their files, begin so; those of services never
do."""
IMPORTED = "imported_"
"""Ids that stand for a file of answers which was paid for elsewhere begin so."""


class _Settings(Model):
    kind: str
    repeats_itself: ClassVar[bool] = False
    """Whether the same request gets the same answer, however often it is asked."""

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
        None,
        description="local, transformers, vllm: where the engine keeps files and batches; default beside the"
        " ledger.",
    )
    answers: str | None = Field(
        None,
        exclude_if=as_before(None),
        pattern=r"^.+\.(py:\w+|jsonl)$",
        description="local only: who answers in place of the baseline: `FILE.py:function`, or a JSONL file of"
        " known answers, as for `goldpan serve --answers`.",
    )


class OwnModelSettings(OfflineSettings):
    """Settings of an engine that answers with a language model of one's own, in a job of its own."""

    model: str | None = Field(
        None,
        min_length=1,
        description="transformers, vllm: folder of a Hugging Face model with a chat template,"
        " `package:NAME`, or its name on the Hugging Face hub.",
    )
    finetuned: Name | None = Field(
        None, description="transformers, vllm: in place of `model`, one of the study's `finetunes`."
    )
    revision: Revision = None
    trust_remote_code: TrustRemoteCode = False
    compute_dtype: Literal["auto", "bfloat16", "float16", "float32", "float64"] = Field(
        "auto",
        description="transformers, vllm: type of the weights while they compute. `auto`: with transformers"
        " bfloat16 on a GPU and float64 on a CPU, with vllm that of the model.",
    )
    max_length: int | None = Field(
        None,
        ge=256,
        description="transformers, vllm: tokens of a prompt and its answer together; default the model's own"
        " limit.",
    )
    folder: str | None = Field(
        None,
        description="local, transformers, vllm: where the engine keeps files and batches; default beside the"
        " ledger.",
    )

    @model_validator(mode="after")
    def _one_model_is_named(self) -> OwnModelSettings:
        if (self.model is None) == (self.finetuned is None):
            raise ValueError("give either `model` or `finetuned`")
        if self.finetuned is not None and self.revision is not None:
            raise ValueError("`revision` goes with a model of the hub; a fine-tuned one has none")
        return self

    @property
    def gpus_of_a_job(self) -> int:
        """GPUs that a job needs."""
        return 1

    @property
    def which_model(self) -> str:
        """Which model is meant, without how it computes, as text."""
        return " ".join(
            str(part) for part in (self.model or f"finetuned {self.finetuned}", self.revision or "")
        )


class TransformersSettings(OwnModelSettings):
    """A model that the `transformers` library runs."""

    repeats_itself: ClassVar[bool] = True
    kind: Literal["transformers"] = Field(description="a model of one's own, by transformers")
    adapter: str | None = Field(
        None, description="transformers: folder of a PEFT adapter (LoRA) to put on the model."
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|cuda(:[0-9]+)?|mps)$",
        description="transformers: `cuda`, `cuda:1`, `mps` or `cpu`; `auto` takes a GPU where there is one.",
    )
    batch_tokens: int | None = Field(
        None,
        ge=1,
        description="transformers: tokens of the requests that are computed together at most, padding"
        " included. Halved by itself where memory runs out; answers do not depend on it.",
    )
    chat_template: Literal["model", "plain"] = Field(
        "model",
        description="transformers: `model` takes the model's own; `plain` writes the messages one after the"
        " other, for base models, which have none.",
    )

    show_schema: bool | None = Field(
        None,
        description="transformers: tell the model the schema of its answer where its template does not."
        " Default: yes of a `model`; no of one of `finetunes`, which was not told it in training.",
    )

    @model_validator(mode="after")
    def _finetuned_is_whole(self) -> TransformersSettings:
        if self.finetuned is not None and self.adapter is not None:
            raise ValueError("`adapter` goes with `model`; a model of `finetunes` has its own merged in")
        return self

    @property
    def gpus_of_a_job(self) -> int:
        """GPUs that a job needs."""
        return 0 if self.device in ("cpu", "mps") else 1

    @property
    def which_model(self) -> str:
        """Which model is meant, without how it computes, as text."""
        return f"{super().which_model} {self.adapter or ''} {self.chat_template} {self.shows_schema}"

    @property
    def shows_schema(self) -> bool:
        """Whether the model is told the schema of its answer."""
        return self.finetuned is None if self.show_schema is None else self.show_schema


class VllmSettings(OwnModelSettings):
    """A model that `vllm run-batch` runs."""

    kind: Literal["vllm"] = Field(description="a model of one's own, by `vllm run-batch`")
    command: str = Field(
        "vllm",
        min_length=1,
        description="vllm: how it is called, e.g. a path, or `apptainer exec --nv vllm.sif vllm`.",
    )
    options: list[str] = Field(
        default_factory=list,
        description="vllm: further options of `vllm run-batch`, as a list:"
        " `[--gpu-memory-utilization, '0.8']`.",
    )
    gpus: int = Field(1, ge=0, le=64, description="vllm: GPUs that share the model (tensor parallel).")
    silence_minutes: float = Field(
        30.0, gt=0, description="vllm: ended when it has neither said nor written anything for so long."
    )

    @model_validator(mode="after")
    def _options_are_its_own(self) -> VllmSettings:
        if self.compute_dtype == "float64":
            raise ValueError("`compute_dtype: float64` is for kind: transformers; vLLM has no such type")
        check_options(self.options)
        return self

    @property
    def gpus_of_a_job(self) -> int:
        """GPUs that a job needs."""
        return self.gpus

    @property
    def which_model(self) -> str:
        """Which model is meant, without how it computes, as text."""
        return " ".join([super().which_model, *options_of_answers(self.options)])


class ReplaySettings(OfflineSettings):
    """Nobody is asked: the ledger has all answers."""

    kind: Literal["replay"] = Field(description="the ledger alone, never a call")


_AnyProvider = (
    OpenAISettings | LiteLLMSettings | LocalSettings | TransformersSettings | VllmSettings | ReplaySettings
)
PROVIDER_MODELS: dict[str, type[_AnyProvider]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(_AnyProvider)
}
"""kind -> its settings."""


Provider = Annotated[_AnyProvider, Field(discriminator="kind")]
