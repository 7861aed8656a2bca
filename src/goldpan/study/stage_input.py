"""The Pydantic model of a stage's `input`: whose records it is about, and what is made of them first."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from goldpan.study.base import NAME_PATTERN, WHAT_FITS, Model, Name, as_before, one_or_many

PARENT = "parent"
"""What `group` goes by to give back the records that were exploded."""


def _stage_names(value: object) -> object:
    """One name, or a list of several."""
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name) or len(name) > 64:
            raise ValueError(f"{name!r} {WHAT_FITS[NAME_PATTERN]}")
    if not names:
        raise ValueError("name at least one stage")
    return names[0] if len(names) == 1 else names


OneOrMoreStages = Annotated[
    str | list[str] | None,
    BeforeValidator(_stage_names, json_schema_input_type=Name | list[Name]),
]


class Group(Model):
    """What gathers records into one."""

    by: str = Field(
        min_length=1,
        description="`parent`: the record that they are items of. Or a field: `data.FIELD`, `item.FIELD`,"
        " `answers.STAGE.FEATURE`, a feature of the earlier stage, `source` or `file`; one record for each"
        " value.",
    )


class Input(Model):
    """What a stage asks about: the records of sources, or those an earlier stage answered."""

    source: list[Name] | None = Field(
        None, min_length=1, description="Sources whose records are asked; one name or a list."
    )
    stage: OneOrMoreStages = Field(
        None,
        description="An earlier stage; asks about the records it answered. With `explode` also several stages"
        " of one and the same input, whose items are united.",
    )
    where: str | None = Field(
        None, description="Filter over the earlier stage's features, e.g. `score == 1 and topic in ['a']`."
    )
    explode: Name | None = Field(
        None,
        exclude_if=as_before(None),
        description="A list of the earlier stage, extraction or multilabel: each item becomes a record.",
    )
    by: list[str] | None = Field(
        None,
        exclude_if=as_before(None),
        min_length=1,
        description="With `explode`: the fields that make an item the same as another; default the whole"
        " item.",
    )
    group: Group | None = Field(
        None,
        exclude_if=as_before(None),
        description="Gathers the earlier stage's records: those of one parent, or of one value, become one"
        " record with them as `children`.",
    )
    neighbours: int = Field(
        0,
        ge=0,
        le=100,
        exclude_if=as_before(0),
        description="Prompts may name so many records of the source file before and after as"
        " `neighbours.before` and `neighbours.after`.",
    )

    _one_source_is_a_list = one_or_many("source", "by", of=list[Name] | Name | None)

    @model_validator(mode="after")
    def _parts_go_together(self) -> Input:
        if (self.source is None) == (self.stage is None):
            raise ValueError("give either `source` or `stage`")
        if self.where is not None and self.stage is None:
            raise ValueError("`where` filters the features of an earlier stage; it needs `stage`")
        if self.stage is None and (self.explode or self.group):
            raise ValueError(
                "`explode` and `group` work on what an earlier stage answered; they need `stage`"
            )
        if self.explode and self.group:
            raise ValueError("give either `explode` or `group`; a stage of its own can do the other")
        if self.by and not self.explode:
            raise ValueError("`by` says which items are the same; it needs `explode`")
        if len(self.stages) > 1 and not self.explode:
            raise ValueError("several stages are united by their items; they need `explode`")
        if len(set(self.stages)) < len(self.stages):
            raise ValueError("a stage is named twice under `stage`")
        if self.neighbours and self.group and self.group.by != PARENT:
            raise ValueError("`neighbours` stand beside one record; a group by a field has many")
        return self

    @property
    def stages(self) -> list[str]:
        """The earlier stages; none where it reads sources. Several have the same input."""
        if self.stage is None:
            return []
        return [self.stage] if isinstance(self.stage, str) else list(self.stage)
