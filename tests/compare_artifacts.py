"""Compare the artifacts of two versions: `python -m tests.compare_artifacts BEFORE AFTER [KEY ...]`.

BEFORE and AFTER are folders of results of one study, e.g. `results/quickstart` of two checkouts. Each line
is a difference: the file, the key, what stood there and what stands there, and how often. Ids of batches
and files and keys that hold times (`VOLATILE`) are passed over wherever they stand, and so are keys that
are named. Logs and benchmarks hold times and are not compared. Ends with 1 if anything differs.
"""

from __future__ import annotations

import csv
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

VOLATILE = frozenset(
    {"answered_at", "completed_at", "created", "created_at", "expires_at", "submitted_at"}
    | {"nonce", "request_id"}
)
"""Keys that hold times, and ids of single calls."""
_ID = re.compile(r"\b(batch_req_|batch_|file-)[0-9a-f]{16,}")
"""Ids that a service makes up; they stand in tables and reports, too."""
NOT_COMPARED = frozenset({"logs", "benchmarks", "slurm_logs"})
ABSENT = "(absent)"


def compare_folders(before: Path, after: Path, passed_over: frozenset[str] = VOLATILE) -> Iterator[str]:
    """Yield a line for each difference between the files of two folders.

    Args:
        before: one folder.
        after: the other one.
        passed_over: keys of JSON and columns of tables that may differ.
    """
    files = {
        path.relative_to(folder)
        for folder in (before, after)
        for path in folder.rglob("*")
        if path.is_file() and not NOT_COMPARED & set(path.relative_to(folder).parts)
    }
    for name in sorted(files):
        if not (after / name).is_file():
            yield f"{name}: only before"
        elif not (before / name).is_file():
            yield f"{name}: only after"
        elif (before / name).read_bytes() != (after / name).read_bytes():
            yield from _compare_files(name, before / name, after / name, passed_over)


def _compare_files(name: Path, before: Path, after: Path, passed_over: frozenset[str]) -> Iterator[str]:
    read = READERS.get(name.suffix)
    if read is None:
        yield from (f"{name}: {line}" for line in _different_lines(before, after))
        return
    # Rows that differ in the same way are one line.
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for key, old, new in differences(read(before), read(after), passed_over):
        counts[key] += 1
        shown.setdefault(key, f"{_short(old)} -> {_short(new)}")
    for key, count in counts.items():
        yield f"{name}: {key or 'whole'}: {shown[key]}{f' ({count} times)' if count > 1 else ''}"


def differences(
    before: Any, after: Any, passed_over: frozenset[str], key: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (key, value before, value after) of what differs in two values as JSON has them.

    The key names those of all objects around with dots between; `[]` stands for any place of a list.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for inner in [*before, *(added for added in after if added not in before)]:
            if inner not in passed_over:
                place = f"{key}.{inner}" if key else str(inner)
                yield from differences(
                    before.get(inner, ABSENT), after.get(inner, ABSENT), passed_over, place
                )
        if [inner for inner in before if inner in after] != [inner for inner in after if inner in before]:
            yield f"{key} (order of keys)", list(before), list(after)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for old, new in zip(before, after, strict=True):
            yield from differences(old, new, passed_over, f"{key}[]")
    elif _has_names(before) and _has_names(after):
        by_name = [{item["name"]: item for item in items} for items in (before, after)]
        yield from differences(*by_name, passed_over, f"{key}[]")
    elif type(before) is not type(after) or _without_ids(before) != _without_ids(after):
        yield key, before, after


def _has_names(items: Any) -> bool:
    """Whether items of a list can be told apart by their `name`."""
    names = [item.get("name") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return bool(names) and None not in names and len(set(map(str, names))) == len(items)


def _without_ids(value: Any) -> Any:
    return _ID.sub("(id)", value) if isinstance(value, str) else value


def _rows(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _table(path: Path) -> list[Any]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _parquet(path: Path) -> list[Any]:
    from pyarrow.parquet import read_table

    table = read_table(path)
    return [{"schema": {field.name: str(field.type) for field in table.schema}}, *table.to_pylist()]


def _workbook(path: Path) -> Any:
    from openpyxl import load_workbook

    return {sheet.title: [list(row) for row in sheet.values] for sheet in load_workbook(path)}


def _hdf5(path: Path) -> Any:
    import h5py

    with h5py.File(path) as file:
        contents: dict[str, Any] = {"attributes": _attributes(file.attrs)}

        def add(name: str, node: Any) -> None:
            values = node[()].tolist() if isinstance(node, h5py.Dataset) else None
            contents[name] = {"attributes": _attributes(node.attrs), "values": values}

        file.visititems(add)
    return contents


def _attributes(attributes: Any) -> dict[str, Any]:
    values = {name: getattr(value, "tolist", lambda v=value: v)() for name, value in attributes.items()}
    return {name: _parsed(value) for name, value in values.items()}


def _parsed(value: Any) -> Any:
    """What a text holds as JSON, where it does."""
    try:
        return orjson.loads(value)
    except (TypeError, ValueError):
        return value


READERS = {
    ".json": lambda path: orjson.loads(path.read_bytes()),
    ".jsonl": _rows,
    ".csv": _table,
    ".parquet": _parquet,
    ".xlsx": _workbook,
    ".h5": _hdf5,
}


def _different_lines(before: Path, after: Path) -> Iterator[str]:
    """Lines of a text that are only before (-) or only after (+); of what is no text, that it differs."""
    try:
        texts = [_without_ids(path.read_text()).splitlines() for path in (before, after)]
    except UnicodeDecodeError:
        yield "other bytes"
        return
    changed = [
        line
        for line in difflib.unified_diff(*texts, n=0, lineterm="")
        if line[0] in "-+" and line[:3] not in ("---", "+++")
    ]
    yield from map(_short, changed)


def _short(value: Any, length: int = 160) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def main(before: str, after: str, *more_keys: str) -> int:
    """Print all differences; 1 if there are any."""
    lines = list(compare_folders(Path(before), Path(after), VOLATILE | set(more_keys)))
    print(*lines, sep="\n")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
