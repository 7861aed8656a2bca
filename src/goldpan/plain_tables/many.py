"""Many plain tables at once: which there are, and all that can be made of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import normalize

from goldpan.cells import csv_text
from goldpan.errors import GoldpanError, SourceError, StudyError
from goldpan.files import sha256_file, write_bytes, write_json
from goldpan.plain_tables.agreement import agreement_of_files
from goldpan.plain_tables.columns import Layout, is_merged, is_ours
from goldpan.plain_tables.decisions import grow_disagreements, has_entries
from goldpan.plain_tables.gold import GoldSettings, gold_of_files
from goldpan.plain_tables.merging import hash_file, merge_of_files
from goldpan.plain_tables.sheet import SUFFIXES, existing, read_sheet
from goldpan.plain_tables.table import read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.records.formats import OTHER_SPREADSHEETS, uncompressed_name
from goldpan.study.wave import Strategy
from goldpan.visible_text import printable
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.merging.wave import to_decide

Row = dict[str, Any]
"""A row of a summary: column -> value."""


@dataclass(frozen=True)
class FailedTable:
    """A table of which nothing could be made, and why."""

    path: Path
    error: GoldpanError


def tables_in(paths: Sequence[str | Path], merged: bool = False) -> list[Path]:
    """The files that are named, and those of the folders that are named.

    Of a folder these are the files whose names are those of tables, in their order. Hidden ones and the
    locks of Excel (`~$...`) are passed over, and so is what `merge` has written, or all but that.

    Args:
        paths: of files and folders.
        merged: whether merged tables are wanted, or tables of answers.

    Raises:
        SourceError: there is no such file, or a folder has no table.
    """
    tables: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            tables.append(existing(path))
            continue
        inside = [
            file
            for file in sorted(path.iterdir())
            if file.is_file() and not file.name.startswith((".", "~$"))
        ]
        inside = [file for file in inside if _is_table(file, inside) and _is_wanted(file, merged)]
        if not inside:
            raise SourceError(
                f"there is no table of {'merged labels' if merged else 'answers'} in this folder",
                where=str(path),
                remedy=f"tables are files called {', '.join(f'*{suffix}' for suffix in SUFFIXES)}, with or"
                " without .gz, .bz2, .xz or .zst at the end",
            )
        tables += inside
    return list(dict.fromkeys(tables))


def _is_table(path: Path, all_files: Sequence[Path]) -> bool:
    """Whether a file is called like a table; also like one that cannot be read, if no other is called so."""
    name = uncompressed_name(path)
    if name.suffix.lower() in OTHER_SPREADSHEETS:
        return not any(name.with_suffix(suffix) in all_files for suffix in SUFFIXES)
    return name.suffix.lower() in SUFFIXES


def _is_wanted(path: Path, merged: bool) -> bool:
    try:
        header = read_sheet(path).header
    except GoldpanError:
        # What is wrong with it is said when it is read for what is asked of it.
        return True
    return is_merged(header) if merged else not is_ours(header)


def folder_names(tables: Sequence[Path]) -> tuple[dict[Path, str], list[FailedTable]]:
    """What the results about each table are called, and those tables whose results would be one.

    `T` and `t`, and one name whose letters are composed in two ways, are one file on some systems.

    Raises:
        StudyError: no table is left.
    """
    names = {path: uncompressed_name(path).stem for path in tables}
    alike: dict[str, list[Path]] = {}
    for path, name in names.items():
        alike.setdefault(normalize("NFC", normalize("NFC", name).casefold()), []).append(path)
    failures = []
    for path in tables:
        same = alike[normalize("NFC", normalize("NFC", names[path]).casefold())]
        if len(same) > 1:
            others = " and ".join(f"`{other}`" for other in same if other != path)
            error = StudyError(
                f"several tables are called `{names[path]}`, so their results would be one: also {others}."
                " Names that differ in case, or in how accents are put together, are one on some systems",
                where=str(path),
                remedy="rename one of them, or give them one by one",
            )
            failures.append(FailedTable(path, error))
            del names[path]
    if failures and not names:
        raise failures[0].error
    return names, failures


def for_each(
    tables: Sequence[Path], work: Callable[[Path], list[Row]]
) -> tuple[list[Row], list[FailedTable]]:
    """The rows that `work` gives of each table, and those tables it fails on; the others go on."""
    rows: list[Row] = []
    failures = []
    for path in tables:
        try:
            rows += [{"table": path.name, **row} for row in work(path)]
        except GoldpanError as error:
            failures.append(FailedTable(path, error))
    return rows, failures


def contents(path: Path, layout: Layout, values: Values) -> list[Row]:
    """What a table holds, feature by feature.

    Raises:
        SourceError: it is no table of answers.
    """
    answers = read_table_answers([path], layout, values.order or ())
    rows = []
    for feature, ratings in answers.ratings.items():
        several = [list(by_annotator.values()) for by_annotator in ratings.values() if len(by_annotator) > 1]
        rows.append(
            {
                "feature": feature,
                "items": len(ratings),
                "annotators": len(answers.annotators_of(feature)),
                "answered": sum(bool(by_annotator) for by_annotator in ratings.values()),
                "by several": len(several),
                "differ": sum(len(set(by_annotator)) > 1 for by_annotator in several),
                "LLM": len(answers.llm.get(feature, {})),
                "labels": len(set(answers.labels[feature].of_cell.values())),
            }
        )
    return rows


def agreement_rows(report: AgreementReport) -> list[Row]:
    """The main figures of a report, feature by feature."""
    rows = []
    for feature in report.features:
        quoted = feature.coefficient(feature.headline) if feature.headline else None
        interval = quoted.interval if quoted else None
        rows.append(
            {
                "feature": feature.feature,
                "items": feature.items,
                "by several": feature.paired_items,
                "observed": feature.observed.value,
                "coefficient": feature.headline,
                "value": quoted.value if quoted else None,
                "from": interval.low if interval else None,
                "to": interval.high if interval else None,
            }
        )
    return rows


def all_of(
    path: Path, layout: Layout, values: Values, strategy: Strategy, settings: GoldSettings, folder: Path
) -> tuple[list[Row], list[str]]:
    """Write agreement, merged labels, disagreements and gold set of a table; a row for each feature.

    Decisions that people have filled in on the list of disagreements hold; what is new is added to that list.
    Nothing is written where somebody has changed the merged labels of an earlier call.

    Returns:
        The rows, and what a reader must know about the labels.

    Raises:
        GoldpanError: one of them cannot be made.
    """
    report = agreement_of_files([path], layout, values, settings.group)
    listed, table = folder / "disagreements.csv", folder / "merged.csv"
    decisions = listed if has_entries(listed) else None
    merged = merge_of_files([path], layout, values, strategy, decisions)
    merged.write(table, None if decisions else listed)
    write_bytes(hash_file(table), f"{sha256_file(table)}  {table.name}\n".encode())
    if decisions:
        grow_disagreements(listed, merged.rows, merged.answers)
    write_json(folder / "agreement.json", report.as_json())
    write_bytes(folder / "agreement.html", agreement_page(report).encode())
    gold, warnings = gold_of_files([table], layout, values, settings, folder / "gold")
    to_be_decided = to_decide(merged.rows)
    summary = [
        {
            **row,
            "to decide": sum(open_row.feature == row["feature"] for open_row in to_be_decided),
            "gold": sum(row["feature"] in item.labels for item in gold.items),
            "strategy": merged.strategies[row["feature"]],
        }
        for row in agreement_rows(report)
    ]
    return summary, [*merged.notes, *warnings]


def write_summary(path: Path, rows: Sequence[Row], failures: Sequence[FailedTable]) -> None:
    """Write the summary of many tables as CSV; a table that failed has its reason in `failed`."""
    header = list(dict.fromkeys(["table", *(name for row in rows for name in row), "failed"]))
    table = [[_text(row.get(name)) for name in header] for row in rows]
    for failure in failures:
        blank = [""] * (len(header) - 2)
        table.append([printable(failure.path.name), *blank, str(failure.error)])
    write_bytes(path, csv_text([header, *table]).encode())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
