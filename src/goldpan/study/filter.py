"""The Pydantic models of a filter in the study file: keywords, a local classifier, and its threshold."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from goldpan.study.base import Model, Name, Revision, TrustRemoteCode, no_number, one_or_many
from goldpan.study.evaluation import SplitName

_DEVICE = r"^(auto|cpu|mps|cuda(:[0-9]+)?)$"


class HeadChoice(Model):
    """A head of the study that filters, by the embedding it was trained on."""

    name: Name = Field(description="The head; the sources of the filter's records must be embedded.")
    target: str | None = Field(
        None, description="Which of its targets; may be left out where it has only one."
    )
    label: list[str] | None = Field(
        None,
        min_length=1,
        description="Labels that are sought, whose probabilities together are the score; default `yes` of a"
        " target of yes and no. The score of a target of numbers or ordered labels needs none.",
    )

    _one_label_is_a_list = one_or_many("label", of=list[str] | str | None)


class TextClassifier(Model):
    """A sequence-classification model that reads texts in overlapping windows of tokens; the window that
    scores highest counts."""

    model: str = Field(
        min_length=1,
        description="Folder of a Hugging Face model, relative to the project root; `package:NAME`, or its"
        " name on the Hugging Face hub.",
    )
    revision: Revision = None
    trust_remote_code: TrustRemoteCode = False
    label: list[str] | None = Field(
        None,
        min_length=1,
        description="Labels that are sought, as the model calls them; needed where it has more than one. The"
        " score is their probability, added up where exactly one label is right.",
    )
    window_tokens: int | None = Field(
        None,
        ge=8,
        description="Tokens of a window, special ones included; default what the model takes, at most 512.",
    )
    overlap_tokens: int | None = Field(
        None, ge=0, description="Tokens that a window has in common with the next; default a quarter of one."
    )
    device: str = Field("auto", pattern=_DEVICE, description="`auto` takes the first GPU, else the CPU.")

    _one_label_is_a_list = one_or_many("label", of=list[str] | str | None)

    @model_validator(mode="after")
    def _windows_move_on(self) -> TextClassifier:
        if None not in (self.window_tokens, self.overlap_tokens) and 2 * self.overlap_tokens > (  # type: ignore[operator]
            self.window_tokens
        ):
            raise ValueError("`overlap_tokens` is at most half of `window_tokens`")
        return self


class GoldThreshold(Model):
    """A threshold that is chosen so that the filter keeps enough of what people, or the data, say is
    relevant."""

    recall: float = Field(
        gt=0, le=1, description="Share of the relevant records that must be kept, design-weighted."
    )
    wave: Name | None = Field(None, description="The wave whose gold set says what is relevant.")
    feature: str | None = Field(None, min_length=1, description="With `wave`: the feature that says it.")
    field: str | None = Field(
        None,
        min_length=1,
        description="In place of `wave`: field of the records that says it (`a.b` goes inside).",
    )
    positive: list[str] = Field(
        ["yes"], min_length=1, description="Values that mean relevant; `yes` is also true and 1."
    )
    split: list[SplitName] = Field(
        ["train", "dev"],
        min_length=1,
        description="Splits it is chosen on; of fields by the hash of the record's id. Records that the"
        " filter's head was trained on are left out.",
    )

    _recall_is_a_number = field_validator("recall", mode="before")(no_number)
    _one_is_a_list = one_or_many("split", of=list[SplitName] | SplitName)

    @field_validator("positive", mode="before", json_schema_input_type=list[str | bool | float] | str)
    @classmethod
    def _values_are_text(cls, value: Any) -> Any:
        # YAML reads `yes` as true and `1` as a number; here they stand for themselves.
        values = value if isinstance(value, list) else [value]
        return [_as_text(one_value) for one_value in values]

    @field_validator("split")
    @classmethod
    def _test_is_for_measuring(cls, value: list[SplitName]) -> list[SplitName]:
        if "test" in value:
            raise ValueError("the test split is what the filter is measured on; choose on `train` and `dev`")
        return value

    @model_validator(mode="after")
    def _one_origin_of_gold(self) -> GoldThreshold:
        if (self.wave is None) == (self.field is None):
            raise ValueError("give either `wave` and `feature`, or `field`: who says what is relevant?")
        if (self.wave is None) != (self.feature is None):
            raise ValueError("`wave` and `feature` go together: `feature` of its gold set says it")
        return self


Threshold = Annotated[float, Field(allow_inf_nan=False)] | GoldThreshold


def as_keywords(value: Any) -> Any:
    """Keywords as YAML has them; raises ValueError where it made something else of one than text."""
    for keyword in value if isinstance(value, list) else []:
        if not isinstance(keyword, str):
            raise ValueError(
                f"keyword {keyword!r} is not text: put it in quotes (YAML reads yes, no, on, off, null and"
                " numbers as something else)"
            )
    return value


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value
