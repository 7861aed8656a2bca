"""Reading JSON files of annotation tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SheetError


def read_json_document(path: Path) -> Any:
    """A JSON file, with or without a byte order mark. Raises SheetError when it is not JSON."""
    try:
        return orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise SheetError(
            f"not valid JSON: {error}",
            where=str(path),
            remedy="export it again; a file that was cut short cannot be used",
        ) from None
