"""Reading Argilla 2's JSON export of records (`dataset.records.to_json`)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.filled import FilledSheet, GivenOut
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_export import ToolAnswer, is_picked, read_export
from goldpan.waves.sheets.argilla import NOTES

_REMEDY = "correct it in Argilla and export the records again"


class _Response(ToolModel):
    value: Any = None


class _Metadata(ToolModel):
    sheet: str


class _Record(ToolModel):
    id: str
    metadata: _Metadata
    responses: dict[str, list[_Response]] | None = None


def is_argilla(document: Any) -> bool:
    """Whether a JSON document is an export of Argilla (or the records given to it)."""
    return isinstance(document, list) and all(
        isinstance(record, dict) and {"fields", "responses", "metadata"} <= record.keys()
        for record in document
    )


def read_argilla(file: str, document: list[Any], given_out: GivenOut) -> FilledSheet:
    """The answers of an export; suggestions are no answers.

    Several people may have answered a record there; as a sheet belongs to one annotator, they must agree.

    Raises:
        SheetError: another wave or codebook, or an answer that the codebook does not allow.
    """
    parse = partial(_parse, given_out.codebook)
    return read_export(file, enumerate(document, 1), given_out, parse, "record", _REMEDY)


def _parse(codebook: Codebook, row: Any, where: str) -> Iterator[ToolAnswer]:
    record = as_model(_Record, row, where)
    told = ToolAnswer(record.id, record.metadata.sheet)
    for name, responses in (record.responses or {}).items():
        for value in (response.value for response in responses):
            if name == NOTES:
                told.note = str(value or "")
            elif value in (None, "", []):
                told.said.append((name, None))
            elif is_picked(codebook.by_name.get(name)):
                labels = value if isinstance(value, list) else [value]
                told.said.append((name, [str(label) for label in labels]))
            else:
                told.said.append((name, str(value)))
    yield told
