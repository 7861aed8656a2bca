"""`goldpan agreement`, `merge`, `gold` and `tables`, on plain tables outside any study."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.cli.plain_table_options import (
    add_gold_options,
    add_pool,
    add_strategy,
    add_table_options,
    gold_settings,
    layout_and_values,
)
from goldpan.cli.tables import json_text, print_table
from goldpan.plain_tables.outputs import check_folders, check_outputs
from goldpan.visible_text import printable

if TYPE_CHECKING:
    from goldpan.plain_tables.columns import Layout
    from goldpan.plain_tables.many import FailedTable, Row
    from goldpan.plain_tables.values import Values
    from goldpan.study.wave import Strategy
    from goldpan.waves.agreement.report import AgreementReport

_FILES = (
    "FILE is CSV, TSV, XLSX or JSON Lines with a column for each annotator (annotator_a, annotator_b, or"
    " --columns), or with the columns item_id, annotator and label; or a folder of such files. Several files"
    " are several tables, or parts of one with --pool."
)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands on plain tables to the command line."""
    _add_agreement(
        commands.add_parser("agreement", help="agreement in a plain table of answers", epilog=_FILES)
    )
    _add_merge(commands.add_parser("merge", help="one label from several in a plain table", epilog=_FILES))
    _add_gold(commands.add_parser("gold", help="a gold set from a merged plain table", epilog=_FILES))
    tables = commands.add_parser("tables", help="many plain tables at once")
    many = tables.add_subparsers(dest="tables_command", metavar="COMMAND", required=True)
    _add_list(many.add_parser("list", help="what plain tables hold", epilog=_FILES))
    _add_batch(many.add_parser("batch", help="all that can be made of each of them", epilog=_FILES))


def _add_agreement(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser)
    add_pool(parser)
    parser.add_argument("--group", metavar="COL", help="items with one value there are drawn together")
    parser.add_argument("--verbose", action="store_true", help="also each pair, and how intervals are made")
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write a page, too; a folder for several tables",
    )
    parser.set_defaults(run=_agreement)


def _add_merge(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser)
    add_pool(parser)
    add_strategy(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE",
        help="write the labels here: .csv, or .jsonl for JSON Lines; a folder for several tables",
    )  # fmt: skip
    parser.add_argument("--disagreements", type=Path, metavar="FILE", help="write what is to be decided here")
    parser.add_argument("--decisions", type=Path, metavar="FILE", help="such a file, filled in")
    parser.set_defaults(run=_merge)


def _add_gold(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser)
    add_pool(parser)
    add_gold_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="write the gold set here")
    parser.set_defaults(run=_gold)


def _add_list(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser)
    parser.set_defaults(run=_list)


def _add_batch(parser: argparse.ArgumentParser) -> None:
    add_table_options(parser)
    add_strategy(parser)
    add_gold_options(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="write a folder for each here"
    )
    parser.set_defaults(run=_batch)


def _tables(options: argparse.Namespace, merged: bool = False) -> tuple[list[Path], bool]:
    """The files that are meant, and whether they are one table; a folder holds several, however many."""
    from goldpan.plain_tables.many import tables_in

    files = tables_in(options.files, merged)
    alone = len(files) == 1 and not options.files[0].is_dir()
    return files, options.pool or alone


def _agreement(options: argparse.Namespace) -> int:
    from goldpan.plain_tables.agreement import agreement_of_files
    from goldpan.plain_tables.many import agreement_rows, folder_names, for_each
    from goldpan.waves.agreement.text import report_text

    layout, values = layout_and_values(options)
    tables, are_one = _tables(options)
    if are_one:
        text = agreement_command(
            tables, layout, values, options.json, options.verbose, options.html, options.group
        )
        print(text, end="")
        return 0
    names, alike = folder_names(tables) if options.html else (dict.fromkeys(tables, ""), [])

    def measure(path: Path) -> list[Row]:
        report = agreement_of_files([path], layout, values, options.group)
        if options.html:
            _write_page(options.html / f"{names[path]}.html", report)
        if options.json:
            return [report.as_json()]
        print(report_text(report, options.verbose))
        return agreement_rows(report)

    rows, failures = for_each(list(names), measure)
    return _print_summary(rows, [*alike, *failures], options.json)


def _merge(options: argparse.Namespace) -> int:
    from goldpan.plain_tables.many import folder_names, for_each
    from goldpan.plain_tables.merging import merge_of_files
    from goldpan.waves.merging.merged import resolution_counts

    layout, values = layout_and_values(options)
    tables, are_one = _tables(options)
    if are_one:
        text = merge_command(
            tables, layout, values, options.strategy, options.out,
            disagreements=options.disagreements, decisions=options.decisions, as_json=options.json,
        )  # fmt: skip
        print(text, end="")
        return 0
    stems, alike = folder_names(tables)
    names = {path: f"{name}.csv" for path, name in stems.items()}
    folders = {
        "--out": options.out,
        "--disagreements": options.disagreements,
        "--decisions": options.decisions,
    }
    check_folders(folders, names.values())
    decided = [options.decisions / name for name in names.values()] if options.decisions else []
    outputs = {
        f"{option} {name}": folder / name
        for option, folder in folders.items()
        for name in names.values()
        if folder is not None and option != "--decisions"
    }
    check_outputs(outputs, {"the answers": tables, "--decisions": decided})

    def merge(path: Path) -> list[Row]:
        name = names[path]
        decisions = options.decisions / name if options.decisions else None
        # Of a table on which all agreed there is nothing to decide, and perhaps no file.
        decisions = decisions if decisions and decisions.is_file() else None
        merged = merge_of_files([path], layout, values, options.strategy, decisions)
        merged.write(options.out / name, options.disagreements / name if options.disagreements else None)
        _print_notes(path, merged.notes)
        return [{"labels": len(merged.rows), **resolution_counts(merged.rows)}]

    rows, failures = for_each(list(names), merge)
    return _print_summary(rows, [*alike, *failures], options.json)


def _gold(options: argparse.Namespace) -> int:
    from goldpan.plain_tables.gold import gold_of_files
    from goldpan.plain_tables.many import folder_names, for_each
    from goldpan.study.paths import GOLD_FILES

    layout, values = layout_and_values(options)
    settings, (tables, are_one) = gold_settings(options), _tables(options, merged=True)
    warnings: list[str] = []

    def freeze(files: Sequence[Path], folder: Path) -> list[Row]:
        check_outputs({f"--out {name}": folder / name for name in GOLD_FILES}, {"a merged table": files})
        gold, notes = gold_of_files(files, layout, values, settings, folder)
        warnings.extend(printable(f"! {files[0].name}: {note}") for note in notes)
        return [
            {
                "items": len(gold.items),
                **{split: len(gold.split(split)) for split in ("train", "dev", "test")},
                "without a label": len(gold.left_out),
                "folder": str(folder),
                **({"notes": notes} if options.json else {}),
            }
        ]

    if are_one:
        rows = [{"table": tables[0].name, **row} for row in freeze(tables, options.out)]
        failures: list[FailedTable] = []
    else:
        names, alike = folder_names(tables)
        rows, failures = for_each(list(names), lambda path: freeze([path], options.out / names[path]))
        failures = [*alike, *failures]
    code = _print_summary(rows, failures, options.json)
    if warnings and not options.json:
        print("\n".join(warnings))
    return code


def _list(options: argparse.Namespace) -> int:
    from goldpan.plain_tables.many import contents, for_each, tables_in

    layout, values = layout_and_values(options)
    tables = tables_in(options.files)
    return _print_summary(*for_each(tables, lambda path: contents(path, layout, values)), options.json)


def _batch(options: argparse.Namespace) -> int:
    from goldpan.plain_tables.many import all_of, folder_names, for_each, tables_in, write_summary

    layout, values = layout_and_values(options)
    settings, tables = gold_settings(options), tables_in(options.files)
    names, alike = folder_names(tables)

    def make_all(path: Path) -> list[Row]:
        rows, notes = all_of(path, layout, values, options.strategy, settings, options.out / names[path])
        _print_notes(path, notes)
        return rows

    rows, failures = for_each(list(names), make_all)
    failures = [*alike, *failures]
    write_summary(options.out / "summary.csv", rows, failures)
    return _print_summary(rows, failures, options.json)


def _print_notes(path: Path, notes: Sequence[str]) -> None:
    for note in notes:
        print(printable(f"! {path.name}: {note}"), file=sys.stderr)


def _print_summary(rows: Sequence[Row], failures: Sequence[FailedTable], as_json: bool) -> int:
    """Print one table about many; returns the exit code."""
    if as_json:
        failed = [
            {"table": printable(failure.path.name), "error": str(failure.error)} for failure in failures
        ]
        print(json_text({"tables": list(rows), "failed": failed}), end="")
    else:
        head = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[_rounded(row.get(name)) for name in head] for row in rows]
        print_table(head, cells, empty="no table could be used")
        for failure in failures:
            print(f"! {printable(str(failure.path))}: {type(failure.error).__name__}: {failure.error}")
    return 1 if failures else 0


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def agreement_command(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    as_json: bool = False,
    verbose: bool = False,
    page: str | Path | None = None,
    group: str | None = None,
) -> str:
    """What `goldpan agreement` prints: the report as text or JSON; `page` also gets it as HTML.

    Items with one value in the column `group` are drawn together.

    Raises:
        StudyError: `page` is one of the tables.
    """
    from goldpan.plain_tables.agreement import agreement_of_files
    from goldpan.waves.agreement.text import report_text

    check_outputs({"--html": page}, {"the answers": paths})
    report = agreement_of_files(paths, layout, values, group)
    if page is not None:
        _write_page(page, report)
    return json_text(report.as_json()) if as_json else report_text(report, verbose)


def _write_page(path: str | Path, report: AgreementReport) -> None:
    from goldpan.files import write_bytes
    from goldpan.waves.agreement.page import agreement_page

    write_bytes(path, agreement_page(report).encode())


def merge_command(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    strategy: Strategy,
    out: str | Path,
    disagreements: str | Path | None = None,
    decisions: str | Path | None = None,
    as_json: bool = False,
) -> str:
    """What `goldpan merge` prints, after it has written `out` and, if named, `disagreements`.

    Raises:
        StudyError: a file to write is also one that is read, or both are one file.
    """
    from goldpan.plain_tables.merging import merge_of_files
    from goldpan.waves.merging.merged import resolution_counts

    check_outputs(
        {"--out": out, "--disagreements": disagreements},
        {"the answers": paths, "--decisions": [decisions] if decisions is not None else []},
    )
    merged = merge_of_files(paths, layout, values, strategy, decisions)
    merged.write(out, disagreements)
    counts = resolution_counts(merged.rows)
    if as_json:
        summary = {
            "strategy": strategy,
            "rows": len(merged.rows),
            "resolutions": counts,
            "notes": merged.notes,
        }
        return json_text(summary)
    width = max(map(len, counts), default=0)
    lines = [f"{name:<{width}}  {count:>8,}" for name, count in counts.items()]
    lines += [printable(f"! {note}") for note in merged.notes]
    head = f"{len(merged.rows):,} labels merged by `{strategy}` into {printable(str(out))}"
    return "\n".join([head, *lines]) + "\n"
