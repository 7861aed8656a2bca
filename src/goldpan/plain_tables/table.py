"""Answers of annotators in a plain table outside any study: CSV or tab-separated, wide or long.

Wide: a row for each item, and a column for each annotator: `annotator_a, annotator_b, ...` for one feature,
`annotator_a_NAME, annotator_b_NAME, ...` for several, with the LLM's answers in `llm` or `llm_NAME`; or the
columns one names. Long: a row for each answer, with the columns `item_id` (or `id`), `annotator`, `label` and
perhaps `feature`. An empty cell is no answer; `(cannot tell)` is an abstention.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.cells import restore
from goldpan.errors import SourceError
from goldpan.files import iter_lines
from goldpan.tasks.nearest import suggestion
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.collect.csv_file import read_csv_table

_TAB_NAMES = frozenset({".tsv", ".tab", ".txt"})
_ITEM_COLUMNS = ("item_id", "id")
_VALUE_COLUMNS = ("label", "value", "answer")
_ANNOTATOR = re.compile(r"annotator_([A-Za-z0-9]+)(?:_(.+))?")
_LLM = re.compile(r"llm(?:_(.+))?")
_OF_MERGED_FILES = frozenset({"annotator_agreement", "llm_decided"})
"""Columns that goldpan writes itself, and that look like somebody's answers."""
ONE_FEATURE = "label"
"""What the feature is called where the table does not name it."""


@dataclass(frozen=True)
class Layout:
    """Which columns hold what; what is None is found by its usual name.

    Attributes:
        columns: the annotators' columns of a wide table, by name or by number from 1.
        llm: the LLM's column beside them.
        item: the column of item ids; without one an item is `FILE:ROW`.
        header: whether the first row names the columns.
    """

    columns: tuple[str, ...] | None = None
    llm: str | None = None
    item: str | None = None
    header: bool = True


@dataclass
class TableAnswers:
    """What plain tables hold.

    Attributes:
        annotators: in the order of their columns; sorted for a long table.
        ratings: feature -> item id -> annotator -> label; None is an abstention.
        llm: feature -> item id -> label.
        fields: item id -> the other columns.
    """

    annotators: list[str] = field(default_factory=list)
    ratings: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    llm: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, feature: str, item: str, annotator: str, cell: str, where: str) -> None:
        """Add one answer.

        Raises:
            SourceError: the annotator has answered this already.
        """
        answers = self.ratings.setdefault(feature, {}).setdefault(item, {})
        if not cell.strip():
            return
        if annotator in answers:
            raise SourceError(
                f"`{annotator}` answers `{feature}` of item `{item}` twice",
                where=where,
                remedy="keep the answer that holds; items need different ids in all files",
            )
        answers[annotator] = _value(cell)


def read_table_answers(paths: Iterable[str | Path], layout: Layout) -> TableAnswers:
    """Read all tables into one set of answers.

    Raises:
        SourceError: there is no such file, it is a result of goldpan's, no columns of answers are found, a
            named column is missing, a row has too many cells, or an annotator answers twice.
    """
    answers, files = TableAnswers(), [existing(path) for path in paths]
    for file in files:
        _read_table(file, layout, answers)
    if not answers.ratings:
        raise SourceError(
            "there are no answers: nothing but the names of the columns",
            where=", ".join(map(str, files)),
            remedy="give the table that was filled in, or say `--no-header` if the first row holds answers",
        )
    return answers


def existing(path: str | Path) -> Path:
    """The path of a file.

    Raises:
        SourceError: there is none.
    """
    path = Path(path)
    if not path.is_file():
        raise SourceError("there is no such file", where=str(path), remedy="check the name")
    return path


def _read_table(path: Path, layout: Layout, answers: TableAnswers) -> None:
    rows = _rows(path)
    if not rows:
        return
    if layout.header:
        header = [restore(cell).strip() for cell in rows.pop(0)[1]]
    else:
        header = [str(number) for number in range(1, len(rows[0][1]) + 1)]
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise SourceError(f"there are two columns `{twice}`", where=str(path), remedy="rename one of them")
    if layout.columns is None and {"item_id", "feature", "final_label", "resolution"} <= set(header):
        raise _one_of_ours(path, header)
    if layout.columns is None and "annotator" in header:
        _read_long(path, header, rows, layout, answers)
    else:
        _read_wide(path, header, rows, layout, answers)


def _one_of_ours(path: Path, header: Sequence[str]) -> SourceError:
    if "annotator_agreement" in header:
        return SourceError(
            "this is a file of merged labels, with a row for each item and feature, not one of answers",
            where=str(path),
            remedy="give the table of answers it was merged from; for a wave, see its agreement.html",
        )
    return SourceError(
        "this is a list of disagreements, not a table of all answers",
        where=str(path),
        remedy="give the table of answers it was made from; filled in, this one goes with `--decisions`",
    )


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Number and cells of each row, the header included.

    Tab-separated files are split at tabs alone where that gives rows of one length: in them a quotation mark
    is mostly just a quotation mark.
    """
    if _TAB_NAMES & set(path.suffixes[-2:]):
        lines = [(number, line.decode("utf-8", "strict").split("\t")) for number, line in _utf8(path)]
        if len({len(cells) for _, cells in lines}) == 1 and len(lines[0][1]) > 1:
            return lines
    table = read_csv_table(path)
    return [(1, table.header), *((number, [str(cell) for cell in cells]) for number, cells in table.rows)]


def _utf8(path: Path) -> Iterable[tuple[int, bytes]]:
    for number, line in iter_lines(path):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise SourceError(
                f"not valid UTF-8: {error.reason}",
                where=f"{path}, line {number}",
                remedy="save the file as UTF-8",
            ) from None
        yield number, line


def _read_wide(
    path: Path,
    header: list[str],
    rows: Sequence[tuple[int, list[str]]],
    layout: Layout,
    answers: TableAnswers,
) -> None:
    people = _people(path, header, layout)
    llm = _llm(path, header, layout)
    item = _item_column(path, header, layout)
    answers.annotators = list(dict.fromkeys([*answers.annotators, *(name for name, _ in people.values())]))
    others = [name for name in header if name not in (*people, *llm, item)]
    for number, cells in rows:
        where = f"{path}, row {number}"
        cell_of = _cells(header, cells, where)
        item_id = cell_of[item] if item else f"{path.name}:{number}"
        if item_id in answers.fields:
            raise SourceError(
                f"item `{item_id}` is there twice", where=where, remedy="give items different ids"
            )
        answers.fields[item_id] = {name: cell_of[name] for name in others}
        for column, (annotator, feature) in people.items():
            answers.add(feature, item_id, annotator, cell_of[column], where)
        for column, feature in llm.items():
            if cell_of[column].strip():
                answers.llm.setdefault(feature, {})[item_id] = _value(cell_of[column])


def _people(path: Path, header: Sequence[str], layout: Layout) -> dict[str, tuple[str, str]]:
    """column -> (annotator, feature) of a wide table."""
    if layout.columns is not None:
        columns = [_column(path, header, name) for name in layout.columns]
        letters = iter(string.ascii_lowercase)
        names = [name.removeprefix("annotator_") if layout.header else next(letters) for name in columns]
        return {column: (name, ONE_FEATURE) for column, name in zip(columns, names, strict=True)}
    candidates = [name for name in header if name not in _OF_MERGED_FILES]
    matches = {name: match for name in candidates if (match := _ANNOTATOR.fullmatch(name))}
    if len(matches) < 2:
        raise SourceError(
            f"no columns of answers are found; the columns are: {', '.join(header)}",
            where=str(path),
            remedy="name them with `--columns`, or call them `annotator_a`, `annotator_b`",
        )
    return {name: (match[1], match[2] or ONE_FEATURE) for name, match in matches.items()}


def _llm(path: Path, header: Sequence[str], layout: Layout) -> dict[str, str]:
    """column -> feature of the LLM's answers."""
    if layout.llm is not None:
        return {_column(path, header, layout.llm): ONE_FEATURE}
    candidates = [name for name in header if name not in _OF_MERGED_FILES]
    return {name: match[1] or ONE_FEATURE for name in candidates if (match := _LLM.fullmatch(name))}


def _item_column(path: Path, header: Sequence[str], layout: Layout) -> str | None:
    if layout.item is not None:
        return _column(path, header, layout.item)
    return next((name for name in _ITEM_COLUMNS if name in header), None)


def _column(path: Path, header: Sequence[str], name: str) -> str:
    """The column of that name, or else of that number from 1."""
    if name in header:
        return name
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return header[int(name) - 1]
    raise SourceError(f"there is no column `{name}`; {suggestion(name, header)}", where=str(path))


def _read_long(
    path: Path,
    header: list[str],
    rows: Sequence[tuple[int, list[str]]],
    layout: Layout,
    answers: TableAnswers,
) -> None:
    item = _item_column(path, header, layout)
    value = next((name for name in _VALUE_COLUMNS if name in header), None)
    if item is None or value is None:
        raise SourceError(
            "a table with a column `annotator` also needs `item_id` and `label`", where=str(path)
        )
    others = [name for name in header if name not in (item, value, "annotator", "feature")]
    for number, cells in rows:
        where = f"{path}, row {number}"
        cell_of = _cells(header, cells, where)
        answers.fields.setdefault(cell_of[item], {name: cell_of[name] for name in others})
        feature = cell_of.get("feature") or ONE_FEATURE
        annotator = cell_of["annotator"]
        if annotator == "llm":
            answers.llm.setdefault(feature, {})[cell_of[item]] = _value(cell_of[value])
            continue
        answers.add(feature, cell_of[item], annotator, cell_of[value], where)
        if annotator not in answers.annotators:
            answers.annotators = sorted([*answers.annotators, annotator])


def _cells(header: Sequence[str], cells: Sequence[str], where: str) -> Mapping[str, str]:
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        raise SourceError(
            f"the row has {len(cells)} cells, but there are {len(header)} columns",
            where=where,
            remedy="a text that holds the delimiter must be quoted",
        )
    filled = [restore(cell) for cell in cells] + [""] * (len(header) - len(cells))
    return dict(zip(header, filled, strict=False))


def _value(cell: str) -> str | None:
    return None if cell == CANNOT_TELL else cell
