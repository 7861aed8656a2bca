"""Reading JSON files of annotation tools, and checking that they have the form one expects."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from goldpan.errors import SheetError, SourceError
from goldpan.files import read_whole

ModelT = TypeVar("ModelT", bound=BaseModel)
_REMEDY = "export it again; a file that was cut short or edited by hand may not be usable"


class ToolModel(BaseModel):
    """Base of models of what a tool writes: keys that are not read here may be anything."""

    model_config = ConfigDict(extra="ignore", strict=True)


def read_json_document(path: Path) -> Any:
    """A JSON file, with or without a byte order mark. Raises SheetError when it is not, or too large."""
    try:
        return orjson.loads(read_whole(path).removeprefix(b"\xef\xbb\xbf"))
    except SourceError as error:
        raise SheetError(error.what, where=error.where, remedy=error.remedy) from None
    except orjson.JSONDecodeError as error:
        raise SheetError(f"not valid JSON: {error}", where=str(path), remedy=_REMEDY) from None


def as_model(model: type[ModelT], value: Any, where: str) -> ModelT:
    """Part of an export as its model. Raises SheetError, with the key, when it has another form."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise SheetError(
            f"this export has not the form expected: {key}: {first['msg']}", where=where, remedy=_REMEDY
        ) from None
