"""The Pydantic model of a table in the study file: the rows of a chain of stages, or one for each group."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from goldpan.study.base import Model, Name, one_or_many

TableFormat = Literal["csv", "jsonl"]
ColumnPath = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A column of a row of the chain, e.g. `id`, `data.company`, `item.name`, `judge.valid`, `judge.state`."""


class Table(Model):
    """What a stage and all stages before it found out, side by side: a row for each of its records, or, with
    `by`, for each group of them."""

    stage: Name = Field(description="The last stage of the chain; its records are the rows.")
    by: list[ColumnPath] | None = Field(
        None,
        min_length=1,
        description="One row for each value of this column, e.g. `data.company` or `clusters.cluster`, with"
        " counts, shares and means with their intervals. Of a list, the first that a row has a value in.",
    )
    where: str | None = Field(
        None,
        description="Only rows that this condition holds for, e.g. `data.year >= 2020 and"
        " answers.judge.valid == true`. What is left out is not in the costs, either.",
    )
    columns: dict[str, ColumnPath] | None = Field(
        None,
        min_length=1,
        description="Which columns the table has, in this order; a list, or new name: column. Default: all,"
        " of `data` those with plain values. With `by` a list of features, whose figures the table has, and"
        " of other columns, whose value it has where all rows of a group share it; default all features"
        " but texts and places.",
    )
    leave_out: list[ColumnPath] = Field(
        default_factory=list,
        description="Without `by` and `columns`: which of all columns the table has not, e.g. `data.text`.",
    )
    format: list[TableFormat] = Field(["csv"], min_length=1, description="`csv`, `jsonl`, or both in a list.")
    plot: bool = Field(
        False, description="With `by`: also a page with the table and a plot of its means and shares."
    )

    _one_format_is_a_list = one_or_many("format", of=list[TableFormat] | TableFormat)
    _one_column_is_a_list = one_or_many("by", of=list[ColumnPath] | ColumnPath | None)
    _one_left_out_is_a_list = one_or_many("leave_out", of=list[ColumnPath] | ColumnPath)

    @field_validator("columns", mode="before", json_schema_input_type=dict[str, str] | list[str] | None)
    @classmethod
    def _a_list_keeps_the_names(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        repeated = [name for name in value if value.count(name) > 1]
        if repeated:
            raise ValueError(f"the column {repeated[0]!r} is named twice")
        return {name: name for name in value}

    @field_validator("format")
    @classmethod
    def _formats_differ(cls, value: list[TableFormat]) -> list[TableFormat]:
        return list(dict.fromkeys(value))

    @model_validator(mode="after")
    def _keys_go_together(self) -> Table:
        if self.by is not None and any(name != path for name, path in (self.columns or {}).items()):
            raise ValueError("figures of groups are called by their features: give `columns` as a list")
        if self.leave_out and (self.by is not None or self.columns is not None):
            raise ValueError("`leave_out` takes from all columns of rows; it goes without `by` and `columns`")
        if self.plot and self.by is None:
            raise ValueError("`plot` shows groups; say which with `by`")
        return self

    @property
    def suffixes(self) -> list[str]:
        """The endings of its files."""
        return [*self.format, *(["html"] if self.plot else [])]
