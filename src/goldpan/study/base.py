"""What all configuration models share."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]*$"
COLUMN_PATTERN = r"^[A-Za-z][A-Za-z0-9_]*$"
STRATUM_PATTERN = r"^(source|file|data\..+|(features|confidence)\.[A-Za-z]\w*|answers\.[^.]+\..+)$"
GROUP_PATTERN = r"^(source|file|data\..+)$"
WHAT_FITS = {
    NAME_PATTERN: "is not a name: a letter (a to z), then letters, digits, `_` and `-`",
    COLUMN_PATTERN: "cannot name a column: a letter (a to z), then letters, digits and `_`",
    STRATUM_PATTERN: "names no strata: write `features.NAME`, `confidence.NAME`, `answers.STAGE.FEATURE`,"
    " `data.FIELD`, `source` or `file`",
    GROUP_PATTERN: "names no groups: write `data.FIELD`, `source` or `file`",
}
"""Pattern -> what is said of a text that does not fit it."""
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=64)]
ColumnName = Annotated[str, StringConstraints(pattern=COLUMN_PATTERN, max_length=64)]
"""A name that becomes part of a column, which conditions such as `score_quality >= 3` may name."""


_LONGEST_NAME_BYTES = 160


def person_name(text: str) -> str:
    """The name of a person, who may have any letters: as a file is called by it, in one form of its letters.

    Raises:
        ValueError: it has something else than letters, digits, `_` and `-`, or too many of them.
    """
    name = unicodedata.normalize("NFC", text)
    kinds = [unicodedata.category(character)[0] for character in name]
    # Marks, without which many scripts cannot be written, stand after a letter.
    if kinds[:1] != ["L"] or any(
        kind not in "LMN" and character not in "_-" for kind, character in zip(kinds, name, strict=True)
    ):
        raise ValueError(f"{text!r} is not a name: a letter of any script, then letters, digits, `_` and `-`")
    if len(name) > 64 or len(name.encode()) > _LONGEST_NAME_BYTES:
        raise ValueError(f"{text!r} is too long for the name of a file")
    return name


PersonName = Annotated[str, AfterValidator(person_name)]


def no_number(value: object) -> object:
    """Refuse what YAML makes of a number that was forgotten or misspelt. Raises ValueError."""
    if isinstance(value, bool) or value is None:
        raise ValueError("must be a number; leave the key out where nothing is meant")
    return value


def one_or_many(*names: str, of: Any) -> Any:
    """A validator by which one text may be given for these fields in place of a list of one.

    Args:
        of: what may be given, for the JSON schema.
    """
    return field_validator(*names, mode="before", json_schema_input_type=of)(_as_list)


def each_once(*names: str) -> Any:
    """A validator of fields that are lists: nothing stands in one twice."""
    return field_validator(*names)(_each_once)


def _each_once(value: list[Any] | None) -> list[Any] | None:
    for name in value or []:
        if value and value.count(name) > 1:
            raise ValueError(f"`{name}` is named twice")
    return value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Usd = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(no_number)]
"""Money: not what YAML may make of a typing error, as `true`, nothing at all, or infinity."""


Revision = Annotated[
    str | None,
    Field(min_length=1, description="Commit, tag or branch on the hub; a commit keeps a study repeatable."),
]
"""Which state of a model on a hub is meant."""


TrustRemoteCode = Annotated[
    bool, Field(description="Run Python code that the model's folder carries; only for models you trust.")
]
"""Whether code that comes with a model may run here."""


Tolerance = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(no_number)]
"""How far off a number may be that counts as right, in the units of its scale."""


RowLimit = Annotated[int, Field(ge=1, strict=True), BeforeValidator(no_number)]
"""So many rows: a whole number from 1, and not what YAML may make of a typing error."""


def as_before(value: object) -> Callable[[object], bool]:
    """`exclude_if` of a key that was added later, and whose `value` means what was meant before there was it.

    Rules record the settings of what they make, and make it anew when they change. So such a key is left out
    of them: else an upgrade would make each project stale, and each wave another one.
    """
    return lambda now: now == value


class Model(BaseModel):
    """Base of all configuration models: unknown keys are errors, values do not change after loading."""

    # Deferred, as each start of a step would else build every part once for itself and once within the study.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
