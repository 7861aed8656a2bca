"""Which tool wrote an export, told by its content; and its annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from goldpan.errors import SheetError
from goldpan.files import sha256_file, sha256_hex
from goldpan.imports.annotations.argilla import PENDING, argilla_record, is_argilla_record
from goldpan.imports.annotations.datasets_folder import dataset_files, is_dataset_folder
from goldpan.imports.annotations.doccano import (
    doccano_document,
    is_doccano_row,
    is_doccano_sheet,
    may_be_doccano_row,
)
from goldpan.imports.annotations.export_rows import KINDS, export_kind, export_rows
from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, ToolExport
from goldpan.imports.annotations.label_studio import (
    is_label_studio_annotation,
    is_label_studio_task,
    label_studio_annotation,
    label_studio_task,
)
from goldpan.imports.annotations.plain_rows import plain_row
from goldpan.imports.annotations.potato import POTATO_STATE, is_potato_row, potato_row
from goldpan.imports.annotations.prodigy import is_prodigy_task, prodigy_task
from goldpan.tasks.nearest import suggestion

_TOO_DEEP = "its row is nested too deeply"
PLAIN = "table"
"""The format of what no tool is known to have written."""


@dataclass(frozen=True)
class _Format:
    """A format of exports.

    Attributes:
        is_row: whether a row is one of it.
        annotations: those of a row.
    """

    is_row: Callable[[dict[str, Any]], bool]
    annotations: Callable[[ExportRow], Iterator[ExportedAnnotation]]


# In this order: what tells a tool for certain comes first.
_FORMATS = {
    "prodigy": _Format(is_prodigy_task, prodigy_task),
    "label_studio": _Format(is_label_studio_task, label_studio_task),
    "label_studio_min": _Format(is_label_studio_annotation, label_studio_annotation),
    "argilla": _Format(is_argilla_record, argilla_record),
    "potato": _Format(is_potato_row, potato_row),
    "doccano": _Format(lambda row: is_doccano_row(row) or is_doccano_sheet(row), doccano_document),
    PLAIN: _Format(lambda row: True, plain_row),
}

_NEEDED = {
    "prodigy": ("answer",),
    "label_studio": ("data",),
    "label_studio_min": ("annotation_id",),
    "potato": ("instance_id", "user_id"),
    "doccano": ("text",),
}
"""What a row must have to be read as one of a format that was named."""


def read_exports(files: Sequence[Path], format_name: str | None = None) -> list[ToolExport]:
    """What some exports hold.

    Args:
        files: files or folders; of a folder all that may be exports, or the dataset that it is.
        format_name: of all of them; None to tell it by the content of each.

    Raises:
        SheetError: one is not there, empty, damaged, of no known kind, or its rows are of several formats.
    """
    if format_name is not None and format_name not in _FORMATS:
        raise SheetError(f"there is no format `{format_name}`; {suggestion(format_name, _FORMATS)}")
    return [export for path in files for export in _read(path, format_name)]


def _read(path: Path, format_name: str | None) -> Iterator[ToolExport]:
    if not path.exists():
        raise SheetError("there is no such file", where=str(path), remedy="name an export or a folder")
    if not path.is_dir():
        yield _read_file(path, path.name, [path], format_name)
    elif is_dataset_folder(path):
        yield _read_file(path, path.name, dataset_files(path), format_name, "datasets")
    else:
        inside = sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and export_kind(file) in KINDS and not file.name.startswith((".", "~$"))
        )
        # Beside the states of its annotators Potato keeps histories and telemetry.
        inside = [file for file in inside if file.name == POTATO_STATE] or inside
        if not inside:
            raise SheetError(
                "the folder has no file that may be an export",
                where=str(path),
                remedy=f"such files end in {', '.join(KINDS)}; unpack archives first",
            )
        for file in inside:
            yield _read_file(file, file.relative_to(path).as_posix(), [file], format_name)


def _read_file(
    path: Path, name: str, parts: Sequence[Path], format_name: str | None, called: str | None = None
) -> ToolExport:
    hashes = [sha256_file(part) for part in parts]
    digest = hashes[0] if len(hashes) == 1 else sha256_hex("\n".join(hashes).encode())
    rows = chain.from_iterable(export_rows(part) for part in parts)
    first = next(rows, None)
    if first is None:
        raise SheetError("there are no rows in it", where=str(path), remedy="export the project again")
    chosen = format_name or next(name for name, form in _FORMATS.items() if form.is_row(first.row))
    if format_name is None and called is None and chosen == PLAIN and may_be_doccano_row(first.row):
        raise SheetError(
            "these rows may be doccano's or a table's, in which an empty list means two different things",
            where=f"{path.parent / first.place}",
            remedy=f"say which: --format doccano, or --format {PLAIN}",
        )
    form = _FORMATS[chosen]
    export = ToolExport(name, called if called and chosen == PLAIN else chosen, digest)
    pending = 0
    for row in chain([first], rows):
        _check_is_of(chosen, row, path)
        try:
            export.annotations += form.annotations(row)
        except RecursionError:
            raise SheetError(_TOO_DEEP, where=row.place) from None
        pending += chosen == "argilla" and "fields" in row.row and _is_pending(row.row)
    if pending:
        export.notes.append(f"{name}: {pending:,} rows: {PENDING}")
    return export


def _is_pending(record: dict[str, Any]) -> bool:
    return (
        record.get("status") == "pending"
        and isinstance(record["responses"], dict)
        and bool(record["responses"])
    )


def _check_is_of(chosen: str, row: ExportRow, path: Path) -> None:
    missing = [name for name in _NEEDED.get(chosen, ()) if name not in row.row]
    if missing:
        raise SheetError(
            f"a row of `{chosen}` has `{missing[0]}`, and this has not",
            where=f"{path.parent / row.place}" if path.is_file() else row.place,
            remedy="name one export at a time, or say its --format",
        )


def count_left_out(exports: Sequence[ToolExport]) -> Counter[str]:
    """Why annotations of exports are no answers -> how many."""
    annotations = (annotation for export in exports for annotation in export.annotations)
    return Counter(annotation.left_out for annotation in annotations if annotation.left_out)


def format_names() -> list[str]:
    """The formats that can be named."""
    return list(_FORMATS)
