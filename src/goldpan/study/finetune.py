"""The Pydantic model of a fine-tuning in the study file: which model, on which export, and how."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from goldpan.study.base import Model, Name, Revision, TrustRemoteCode, each_once, no_number
from goldpan.study.export import ExportFormat

TRAINED_FORMATS: tuple[ExportFormat, ...] = ("openai_chat", "trl_conversational", "trl_prompt_completion")
"""Formats of exports that a model can be fine-tuned on here."""

ALL_LINEAR: Final = "all-linear"

ModuleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.]+$", max_length=200)]
_Count = Annotated[int, Field(ge=1, strict=True), BeforeValidator(no_number)]
_OVER_SETTINGS = frozenset({"device"})
"""Where it is computed: no part of what is made."""


class Lora(Model):
    """Low-rank adapters (Hu et al. 2021, arXiv:2106.09685): the weights stay, and a product of two small
    matrices is learned beside each."""

    rank: _Count = Field(16, description="Inner size of the two matrices.")
    alpha: float = Field(
        32, gt=0, allow_inf_nan=False, description="The product is scaled by `alpha` / `rank`."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of a layer's inputs left out in training.")
    target_modules: Literal["all-linear"] | list[ModuleName] = Field(
        ALL_LINEAR,
        description="Layers that get an adapter, by the last part of their names (`q_proj`, `v_proj`);"
        " `all-linear` is every linear layer but the output.",
    )
    modules_to_save: list[ModuleName] = Field(
        default_factory=list,
        description="Modules that are trained whole and stored with the adapter, such as `embed_tokens` and"
        " `lm_head`.",
    )

    _none_is_named_twice = each_once("modules_to_save")

    @model_validator(mode="after")
    def _something_is_adapted(self) -> Lora:
        if not self.target_modules:
            raise ValueError("`target_modules` is empty; name layers, or leave it out for `all-linear`")
        return self


class FineTune(Model):
    """A causal language model that learns from an export, by LoRA."""

    export: Name = Field(description="The export that it learns from.")
    model: str = Field(
        min_length=1, description="Folder of a Hugging Face model, or its name on the Hugging Face hub."
    )
    revision: Revision = None
    trust_remote_code: TrustRemoteCode = False
    lora: Lora = Field(Lora(), description="The adapter.")

    epochs: _Count = Field(3, description="How often each row is seen, unless training stops before.")
    learning_rate: float = Field(
        2e-4, gt=0, le=1, description="The highest; it rises over the warmup and falls to 0 along a cosine."
    )
    warmup: float = Field(0.03, ge=0, lt=1, description="Share of the steps over which the rate rises.")
    weight_decay: float = Field(0.0, ge=0, le=1, description="Of AdamW.")
    batch_tokens: int | None = Field(
        None,
        ge=1,
        description="Tokens that go through the model together, padding included; default 16,384 on a GPU,"
        " 2,048 on a CPU. It halves when memory runs out, and a step still learns from the same rows.",
    )
    gradient_accumulation: _Count = Field(
        1, description="So many batches make one step of the optimizer; their gradients are added up."
    )
    max_length: int | None = Field(
        None,
        ge=2,
        description="Tokens of a row, prompt and answer; default what the model has positions for.",
    )
    on_long: Literal["stop", "skip"] = Field(
        "stop",
        description="What a longer row does: `stop` the run, or be left out and listed in `training.json`."
        " None is ever cut.",
    )
    eval_steps: _Count | None = Field(
        None,
        description="Steps between two evaluations on `valid`, each of which leaves a checkpoint; default a"
        " tenth of all steps.",
    )
    patience: _Count = Field(
        3, description="Training stops after so many evaluations in a row that are not the best yet."
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute activations twice rather than keep them: less memory, a third more time."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Of the adapter's first values, the order and dropout.")
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]+)?)$",
        description="`auto` takes the first GPU, else the CPU.",
    )
    compute_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Of the weights that stay; `auto` is bfloat16 on a GPU that computes it, else float32."
        " What is trained is float32.",
    )

    @model_validator(mode="after")
    def _float16_is_computed_on_a_gpu(self) -> FineTune:
        if self.compute_dtype == "float16" and self.device == "cpu":
            raise ValueError("`compute_dtype: float16` is for GPUs; on the CPU use float32 or bfloat16")
        return self

    def as_setting(self) -> str:
        """What makes a fine-tuned model stale when it changes, as text: not where it is computed."""
        return self.model_dump_json(exclude=set(_OVER_SETTINGS))
