"""The Pydantic model of an export in the study file: what a model is fine-tuned on, and how it is written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from goldpan.study.base import Model, Name

ExportFormat = Literal["openai_chat", "trl_conversational", "trl_prompt_completion", "sharegpt"]


class Export(Model):
    """Fine-tuning data of a stage's answers, of a gold set, or of both."""

    stage: Name | None = Field(None, description="A stage whose answered rows are exported.")
    gold: Name | None = Field(
        None, description="A wave whose gold labels are exported; beside `stage` they win over its answers."
    )
    format: ExportFormat = Field("trl_conversational", description="How the rows are written.")

    @model_validator(mode="after")
    def _something_is_exported(self) -> Export:
        if self.stage is None and self.gold is None:
            raise ValueError("name a `stage`, a wave as `gold`, or both")
        return self
