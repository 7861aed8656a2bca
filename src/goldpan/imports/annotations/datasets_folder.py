"""Folders and Parquet files of Hugging Face `datasets`, read without that library.

`save_to_disk` leaves Arrow streams with their names in `state.json`, and what the columns are in
`dataset_info.json`; Parquet files of the library have it in their own metadata. Numbers of a `ClassLabel`
become the names they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SheetError, SourceError
from goldpan.files import read_json
from goldpan.records.columnar import json_value, read_parquet, seekable
from goldpan.records.rows import RowError

_STATE, _INFO, _SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
_REMEDY = "save it again by `save_to_disk`, or as Parquet"
_BATCH_ROWS = 256


def is_dataset_folder(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`."""
    return (folder / _SPLITS).is_file() or ((folder / _STATE).is_file() and (folder / _INFO).is_file())


def dataset_files(folder: Path) -> list[Path]:
    """The Arrow files of a folder, split by split.

    Raises:
        SheetError: a file that says what is in the folder is damaged or names something outside of it.
    """
    if (folder / _SPLITS).is_file():
        splits = _document(folder / _SPLITS).get("splits")
        names = splits if isinstance(splits, list) else []
        return [path for name in names for path in dataset_files(_inside(folder, name))]
    entries = _document(folder / _STATE).get("_data_files")
    if not isinstance(entries, list):
        raise SheetError("it does not name its files", where=str(folder / _STATE), remedy=_REMEDY)
    names = [entry.get("filename") if isinstance(entry, dict) else None for entry in entries]
    return [_inside(folder, name) for name in names]


def _inside(folder: Path, name: Any) -> Path:
    """A file or folder that must lie in a folder: its name may come from anywhere."""
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".", ".."):
        raise SheetError(f"{name!r} is not the name of a file in it", where=str(folder), remedy=_REMEDY)
    path = folder / name
    if not path.exists() or path.is_symlink():
        raise SheetError(f"`{name}` is not there", where=str(folder), remedy=_REMEDY)
    return path


def _document(path: Path) -> dict[str, Any]:
    try:
        document = read_json(path)
    except (SourceError, OSError) as error:
        raise SheetError(f"cannot be read: {error}", where=str(path), remedy=_REMEDY) from None
    if not isinstance(document, dict):
        raise SheetError("not a JSON object", where=str(path), remedy=_REMEDY)
    return document


def rows_of_arrow(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and content of each row of an Arrow file of a folder.

    Raises:
        SheetError: it is no whole Arrow file, or holds what JSON has not.
    """
    import pyarrow

    about = path.parent / _INFO
    features = _document(about).get("features") if about.is_file() else None
    number = 0
    try:
        with pyarrow.OSFile(str(path)) as handle, pyarrow.ipc.open_stream(handle) as stream:
            named = _namer(features if isinstance(features, dict) else _features_of(stream.schema))
            for batch in stream:
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    for row in batch.slice(start, _BATCH_ROWS).to_pylist():
                        number += 1
                        yield number, named({name: json_value(cell, name) for name, cell in row.items()})
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, RowError) as error:
        raise SheetError(
            f"not a whole Arrow file: {error}", where=f"{path}, after row {number}", remedy=_REMEDY
        ) from None


def rows_of_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and content of each row of a Parquet file.

    Raises:
        SheetError: it is no whole Parquet file, or holds what JSON has not.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with seekable(path) as handle:
            named = _namer(_features_of(parquet.read_schema(handle)))
        for row in read_parquet(path, []):
            if row.error is not None:
                raise SheetError(str(row.error), where=f"{path}, row {row.line}", remedy=_REMEDY)
            yield row.line, named(row.data)
    except (pyarrow.ArrowException, OSError) as error:
        raise SheetError(f"not a whole Parquet file: {error}", where=str(path), remedy=_REMEDY) from None
    except SourceError as error:
        raise SheetError(error.what, where=error.where, remedy=error.remedy) from None


def _features_of(schema: Any) -> dict[str, Any]:
    """What the library says of the columns in the metadata of a schema."""
    try:
        features = orjson.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return {}
    return features if isinstance(features, dict) else {}


def _namer(features: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What gives a row its labels in place of their numbers."""
    names = {column: found for column, feature in features.items() if (found := _names(feature))}

    def named(row: dict[str, Any]) -> dict[str, Any]:
        labels = {column: _named(row[column], names[column]) for column in names.keys() & row.keys()}
        return {**row, **labels}

    return named


def _names(feature: Any) -> list[str]:
    """The labels of a column, or of the lists in it."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        return [str(name) for name in names] if isinstance(names, list) else []
    return _names(feature.get("feature")) if feature.get("_type") in ("Sequence", "List", "LargeList") else []


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(part, names) for part in value]
    if type(value) is not int:
        return value
    # The library writes -1 where a test set has no label.
    return None if value == -1 else names[value] if 0 <= value < len(names) else value
