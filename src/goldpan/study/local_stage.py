"""The Pydantic models of stages that spend nothing: what is decided or computed here about each record."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from goldpan.study.base import ColumnName, Model
from goldpan.study.stage import Input, Stage


class LocalStage(Model):
    """What all stages have that ask nobody."""

    input: Input = Field(description="What the stage looks at, as of a stage that asks.")


class FilterStage(LocalStage):
    """A stage that decides, without asking anybody, which records go on."""

    kind: Literal["filter"] = Field(description="keywords decide which records go on")
    text: str = Field("text", description="The field that is looked at: a field of `data`, or a path in it.")
    keywords: list[str] = Field(min_length=1, description="Words and phrases, any of which keeps a record.")


class Gathered(Model):
    """One thing that is said of a record from what was answered about its items."""

    any: str | None = Field(
        None, min_length=1, description="A condition over each item: yes or no, whether it holds for any."
    )
    count: str | None = Field(
        None, min_length=1, description="A condition over each item: the number of items it holds for."
    )
    description: str = Field("", description="What it is, for tables, sheets and annotators.")

    @model_validator(mode="after")
    def _one_condition(self) -> Gathered:
        if (self.any is None) == (self.count is None):
            raise ValueError("give either `any` or `count`, each a condition over the items")
        return self

    @property
    def condition(self) -> str:
        """The condition over each item."""
        return self.any or self.count or ""


class GatherStage(LocalStage):
    """A stage that says of a record, without asking anybody, what the answers about its items come to."""

    kind: Literal["gather"] = Field(
        description="what the answers about its items come to is said of a record"
    )
    features: dict[ColumnName, Gathered] = Field(
        min_length=1,
        description="What is said of each record, by name, e.g. `has_dataset: {any: verdict == 'valid'}`.",
    )

    @model_validator(mode="after")
    def _there_are_items(self) -> GatherStage:
        if self.input.group is None:
            raise ValueError(
                "`kind: gather` says what items come to; its `input` needs `group: {by: parent}`"
            )
        return self


AnyLocalStage = FilterStage | GatherStage
AnyStage = Stage | AnyLocalStage
ASK = "ask"
"""The kind of a stage that names none: it asks somebody."""


def _of_some_kind(value: Any) -> Any:
    return {"kind": ASK, **value} if isinstance(value, dict) else value


_ByKind = Annotated[AnyStage, Field(discriminator="kind")]
StageOfAnyKind = Annotated[_ByKind, BeforeValidator(_of_some_kind, json_schema_input_type=_ByKind)]
"""A stage as the study file has it; without `kind` it is one that asks."""
