"""The Pydantic model of an export in the study file: what a model is fine-tuned on, and how it is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from goldpan.study.base import Model, Name, Revision, each_once, no_number

ExportFormat = Literal["openai_chat", "trl_conversational", "trl_prompt_completion", "sharegpt"]
Refused = Literal["refuse", "leave_out"]

DOCUMENT, RECORD_ID = "document", "id"
"""Groups that are no field of a record: the source document, and the record of a source itself."""
GroupKey = Annotated[str, StringConstraints(pattern=r"^(document|id|source|file|data\..+)$")]


class ExportSplit(Model):
    """Shares of the splits of an export, by group."""

    train: float = Field(0.8, ge=0, le=1, description="To learn from.")
    valid: float = Field(0.1, ge=0, le=1, description="To choose by, and to stop early.")
    test: float = Field(0.1, ge=0, le=1, description="To measure on, once.")

    @model_validator(mode="after")
    def _shares_make_a_whole(self) -> ExportSplit:
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train, valid and test must add up to 1 (they make {total:g})")
        return self


class ExportPrompt(Model):
    """A prompt in place of the stage's own, e.g. a shorter one for a model that will know the task."""

    user: str = Field(min_length=1, description="Template of the user message, a file in `config/tasks/`.")
    system: str | None = Field(None, min_length=1, description="Template of the system message.")


class Negatives(Model):
    """Rows that were answered, and whose answer is that there is nothing: so many for each other row."""

    when: str | None = Field(
        None, min_length=1, description="Condition over the answer, e.g. `not dataset_used`."
    )
    empty: Name | None = Field(
        None, description="In place of `when`: an extraction or multilabel feature with nothing in it."
    )
    ratio: Annotated[float, BeforeValidator(no_number), Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="Negatives for each row that is none, at most; in each split."
    )

    @model_validator(mode="after")
    def _says_which(self) -> Negatives:
        if (self.when is None) == (self.empty is None):
            raise ValueError(
                "give either `when` (a condition) or `empty` (a feature): which rows are negative?"
            )
        return self


class Export(Model):
    """Fine-tuning data of a stage's answers, of a gold set, or of both."""

    stage: Name | None = Field(
        None, description="A stage whose answered rows are exported; with `gold` alone that of the wave."
    )
    gold: Name | None = Field(
        None, description="A wave whose gold labels are exported; beside `stage` they win over its answers."
    )
    format: ExportFormat = Field("trl_conversational", description="How the rows are written.")
    answer: Literal["tool", "json"] | None = Field(
        None,
        description="How the answer is written: as a tool call, or as JSON text. Default: `openai_chat` as"
        " the stage asks for it; the others as JSON text, which engines on our own hardware are held to.",
    )
    features: list[str] | None = Field(
        None,
        min_length=1,
        description="Features that the answer holds; default all of the task, or with `gold` alone those of"
        " the gold set.",
    )
    rationales: bool | None = Field(
        None,
        description="Whether the answer holds the task's reasons. Default: yes of a stage; with `gold` no, as"
        " people give none.",
    )
    prompt: ExportPrompt | None = Field(None, description="A prompt in place of the stage's own.")
    group: GroupKey = Field(
        DOCUMENT,
        description="Rows of one group stay in one split: `document` (the file they come from; of traces the"
        " conversation), `data.FIELD`, `file`, `source`, or `id`, each record of a source by itself.",
    )
    split: ExportSplit = Field(
        ExportSplit(), description="Shares of the splits of groups without gold; gold keeps its own."
    )
    seed: int = Field(0, description="Of the splits and of the draw of negatives.")
    gold_conflicts: Refused = Field(
        "refuse",
        description="When a group has gold in several splits: `refuse`, or `leave_out`: it goes where it is"
        " held out most (test, then valid), and its gold of the other splits is left out.",
    )
    negatives: Negatives | None = Field(
        None, description="Which rows are negatives, and how many of them are taken; default all."
    )
    near_duplicates: Refused = Field(
        "refuse",
        description="When rows of different splits say nearly the same: `refuse`, or `leave_out` those of the"
        " split that is learned from.",
    )
    tokenizer: str | None = Field(
        None,
        min_length=1,
        description="What counts tokens: a folder or hub name of a Hugging Face model, `package:NAME`, or a"
        " model or encoding of tiktoken. Without one, four characters count as a token.",
    )
    revision: Revision = None
    max_tokens: int | None = Field(None, ge=1, description="Tokens that a row may have, answer included.")
    on_long: Literal["leave_out", "keep", "stop"] = Field(
        "leave_out",
        description="What becomes of a longer row: `leave_out` (listed), `keep` (listed in the card), `stop`."
        " None is ever cut.",
    )
    control_tokens: Literal["leave_out", "keep", "stop"] = Field(
        "leave_out",
        description="What becomes of a row whose texts hold a special token of the model, such as"
        " `<|im_end|>`: a tokenizer takes it for the end of a message.",
    )

    _none_is_named_twice = each_once("features")

    @model_validator(mode="after")
    def _something_is_exported(self) -> Export:
        if self.stage is None and self.gold is None:
            raise ValueError("name a `stage`, a wave as `gold`, or both")
        if self.gold is None and self.gold_conflicts != "refuse":
            raise ValueError("`gold_conflicts` goes with `gold`")
        if self.max_tokens is None and self.on_long != "leave_out":
            raise ValueError("`on_long` goes with `max_tokens`: without it no row is too long")
        if self.answer == "tool" and self.format == "trl_prompt_completion":
            raise ValueError("`answer: tool` needs messages: choose another format, or `answer: json`")
        return self
