"""From records to the texts that are embedded, in blocks, with the records that have none and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import SourceError
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.rows import type_name
from goldpan.records.seen import SeenIds
from goldpan.records.skips import skip_code
from goldpan.study.embedding import PLACEHOLDER, Embedding, LabelType

Label = float | str | None

_RANGES: dict[str, tuple[float, float]] = {
    **{f"int{bits}": (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) for bits in (8, 16, 32)},
    "int64": (-(2.0**63), 2.0**63 - 1024),
    "float16": (-65504.0, 65504.0),
    "float32": (-3.4028234663852886e38, 3.4028234663852886e38),
}
"""Least and greatest number of a type; of int64 the greatest that float64 has, too."""

BLOCK_CHARACTERS = 16_000_000
"""A block ends when its texts are this long together, however few they are: what bounds memory."""


class UnusableRecord(SourceError):
    """A record that cannot be embedded.

    Args:
        code: the kind of fault: `empty_text`, `missing_field`, `wrong_type`, `duplicate_id` or `bad_id`.
        what, remedy: as for all errors; the caller adds the place.
    """

    def __init__(self, code: str, what: str, *, remedy: str | None = None):
        super().__init__(what, remedy=remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class Document:
    """One text to embed.

    Attributes:
        id: id of its record.
        source_row: line or row of the record in the source file, from 1.
        text: without the model's prefix.
        labels: values of the study's `labels`, one for each field.
    """

    id: str
    source_row: int
    text: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """One record that is not embedded; `reason` is `<code>: <explanation>`."""

    id: str
    source_row: int
    reason: str

    @property
    def code(self) -> str:
        """The kind of reason."""
        return skip_code(self.reason)


@dataclass(slots=True)
class Block:
    """Consecutive records of a records file; each is among `documents` or `skipped`."""

    documents: list[Document] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    characters: int = 0

    @property
    def rows(self) -> int:
        """How many records the block holds."""
        return len(self.documents) + len(self.skipped)


def iter_blocks(settings: Embedding, records: Path) -> Iterator[Block]:
    """Yield the records of a file in blocks whose borders depend on nothing but the file and `block_size`.

    Raises:
        SourceError: the file is damaged, or with `on_error: stop` a record cannot be embedded.
    """
    block = Block()
    with SeenIds() as seen:
        for record in iter_records(records):
            result = _document_or_skip(settings, records, record, seen)
            if isinstance(result, Skipped):
                block.skipped.append(result)
            else:
                block.documents.append(result)
                block.characters += len(result.text)
            if block.rows >= settings.block_size or block.characters >= BLOCK_CHARACTERS:
                yield block
                block = Block()
    if block.rows:
        yield block


def text_of(settings: Embedding, data: dict[str, Any]) -> str:
    """The text of a record's data: its fields joined, or the template filled in.

    Raises:
        UnusableRecord: `missing_field`, `wrong_type`, or `empty_text` when nothing but space is left.
    """
    parts = {name: _part(data, name) for name in settings.text_fields}
    if settings.template is None:
        text = settings.separator.join(part for part in parts.values() if part)
    else:
        # One pass over the template: braces inside a value are text.
        text = PLACEHOLDER.sub(lambda field: parts[field[1]], settings.template)
    if not any(part.strip() for part in parts.values()):
        names = ", ".join(f"`{name}`" for name in parts)
        raise UnusableRecord("empty_text", f"there is no text in {names}")
    return text


def label_of(data: dict[str, Any], name: str) -> Label:
    """One label of a record's data; numbers and booleans as a float, null as None.

    Raises:
        UnusableRecord: `missing_field` or `wrong_type`.
    """
    value = _value(data, name)
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str) and "\0" in value:
        raise UnusableRecord(
            "wrong_type", f"the label `{name}` holds a NUL character, which HDF5 cannot store"
        )
    if value is None or isinstance(value, str):
        return value
    raise _wrong_type(name, value)


def _typed(value: Label, name: str, dtype: LabelType) -> Label:
    """A label that the type holds which the study gives. Raises UnusableRecord `wrong_type` for others."""
    if dtype in ("auto", "text"):
        return value
    least, most = _RANGES.get(dtype, (-math.inf, math.inf))
    is_whole = dtype.startswith("int")
    if isinstance(value, str):
        said = "text"
    elif value is None:
        said = "null (NaN)" if is_whole else ""
    elif math.isnan(value) or math.isinf(value):
        said = f"{value}" if is_whole else ""
    else:
        said = f"{value:.17g}" if not least <= value <= most or (is_whole and value % 1) else ""
    if said:
        raise UnusableRecord(
            "wrong_type",
            f"the label `{name}` is {said}, which `label_dtype: {dtype}` does not hold",
            remedy="leave `label_dtype` out, or name a type that holds all labels",
        )
    return value


def _document_or_skip(
    settings: Embedding, records: Path, record: Record, seen: SeenIds
) -> Document | Skipped:
    row = record["line"]
    if "skip" in record:
        return Skipped(record["id"], row, record["skip"])
    try:
        return _document(settings, record, seen)
    except UnusableRecord as error:
        if settings.on_error == "stop":
            skip = "set `on_error: skip` for the embedding to record such rows as skipped and go on"
            raise SourceError(
                f"{error.code}: {error.what}",
                where=f"{records}: record {record['id']!r}, row {row} of {record['file']}",
                remedy=f"{error.remedy}; or {skip}" if error.remedy else skip,
            ) from None
        return Skipped(record["id"], row, f"{error.code}: {error.what}")


def _document(settings: Embedding, record: Record, seen: SeenIds) -> Document:
    data = record["data"]
    text = text_of(settings, data)
    labels = tuple(_typed(label_of(data, name), name, settings.label_dtype) for name in settings.labels)
    if "\0" in record["id"]:
        raise UnusableRecord("bad_id", "the id holds a NUL character, which HDF5 cannot store")
    earlier = seen.add(record["id"], f"row {record['line']}")
    if earlier is not None:
        raise UnusableRecord("duplicate_id", f"the id stands already at {earlier}")
    return Document(record["id"], record["line"], text, labels)


def _part(data: dict[str, Any], name: str) -> str:
    value = _value(data, name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _wrong_type(name, value)


def _value(data: dict[str, Any], name: str) -> Any:
    has_field, value = look_up(data, name)
    if not has_field:
        raise UnusableRecord(
            "missing_field",
            f"the record has no field `{name}`; it has: {', '.join(data) or 'none'}",
            remedy="correct the fields of the embedding",
        )
    return value


def _wrong_type(name: str, value: Any) -> UnusableRecord:
    return UnusableRecord("wrong_type", f"the field `{name}` is {type_name(value)}, not text or a number")
