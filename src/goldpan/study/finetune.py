"""The Pydantic model of a fine-tuning in the study file: which model, on which export, with which settings."""

from __future__ import annotations

from pydantic import Field

from goldpan.study.base import Model, Name, Revision, TrustRemoteCode


class FineTune(Model):
    """A causal language model that learns from an export, by LoRA."""

    export: Name = Field(description="The export that it learns from.")
    model: str = Field(
        min_length=1, description="Folder of a Hugging Face model, or its name on the Hugging Face hub."
    )
    revision: Revision = None
    trust_remote_code: TrustRemoteCode = False
