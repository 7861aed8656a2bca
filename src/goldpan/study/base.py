"""What all configuration models share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]*$"
COLUMN_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=64)]
ColumnName = Annotated[str, StringConstraints(pattern=COLUMN_PATTERN, max_length=64)]
"""A name that becomes part of a column, which conditions such as `score_quality >= 3` may name."""


class Model(BaseModel):
    """Base of all configuration models: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
