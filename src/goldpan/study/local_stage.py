"""The Pydantic models of stages that spend nothing: what is decided or computed here about each record."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from goldpan.study.base import Model, as_before
from goldpan.study.stage import UPSTREAM, Input, Stage, Upstream


class LocalStage(Model):
    """What all stages have that ask nobody."""

    input: Input = Field(description="What the stage looks at, as of a stage that asks.")
    upstream: Upstream = Field("go_on", exclude_if=as_before("go_on"), description=UPSTREAM)


class FilterStage(LocalStage):
    """A stage that decides, without asking anybody, which records go on."""

    kind: Literal["filter"] = Field(description="keywords decide which records go on")
    text: str = Field("text", description="The field that is looked at: a field of `data`, or a path in it.")
    keywords: list[str] = Field(min_length=1, description="Words and phrases, any of which keeps a record.")


AnyLocalStage = FilterStage
AnyStage = Stage | AnyLocalStage
ASK = "ask"
"""The kind of a stage that names none: it asks somebody."""


def _of_some_kind(value: Any) -> Any:
    return {"kind": ASK, **value} if isinstance(value, dict) else value


_ByKind = Annotated[AnyStage, Field(discriminator="kind")]
StageOfAnyKind = Annotated[_ByKind, BeforeValidator(_of_some_kind, json_schema_input_type=_ByKind)]
"""A stage as the study file has it; without `kind` it is one that asks."""
