"""What all configuration models share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]*$"
COLUMN_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=64)]
ColumnName = Annotated[str, StringConstraints(pattern=COLUMN_PATTERN, max_length=64)]
"""A name that becomes part of a column, which conditions such as `score_quality >= 3` may name."""


def no_number(value: object) -> object:
    """Refuse what YAML makes of a number that was forgotten or misspelt. Raises ValueError."""
    if isinstance(value, bool) or value is None:
        raise ValueError("must be a number; leave the key out where nothing is meant")
    return value


Usd = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(no_number)]
"""Money: not what YAML may make of a typing error, as `true`, nothing at all, or infinity."""


class Model(BaseModel):
    """Base of all configuration models: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
