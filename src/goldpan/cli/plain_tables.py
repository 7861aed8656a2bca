"""`goldpan agreement FILE…` and `goldpan merge FILE…`, on plain tables outside any study."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.cli.tables import json_text
from goldpan.errors import StudyError

if TYPE_CHECKING:
    from goldpan.plain_tables.table import Layout
    from goldpan.plain_tables.values import Values
    from goldpan.study.wave import Strategy

# Written here, too, so that `goldpan --help` need not import the library; a test keeps them in step.
STRATEGIES = (
    "adjudicate",
    "majority",
    "majority_llm",
    "conservative",
    "annotator_a",
    "annotator_b",
    "dawid_skene",
)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan agreement` and `goldpan merge` to the command line."""
    _add_agreement(commands.add_parser("agreement", help="agreement in a plain table of answers"))
    _add_merge(commands.add_parser("merge", help="one label from several in a plain table of answers"))


def _add_agreement(parser: argparse.ArgumentParser) -> None:
    _add_table_options(parser)
    parser.add_argument("--verbose", action="store_true", help="also each pair, and how intervals are made")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page, too")
    parser.set_defaults(run=_agreement)


def _add_merge(parser: argparse.ArgumentParser) -> None:
    _add_table_options(parser)
    parser.add_argument(
        "--strategy", choices=STRATEGIES, default="adjudicate", help="who decides differences"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the labels here")
    parser.add_argument("--disagreements", type=Path, metavar="FILE", help="write what is to be decided here")
    parser.add_argument("--decisions", type=Path, metavar="FILE", help="such a file, filled in")
    parser.set_defaults(run=_merge)


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "FILE is CSV or TSV with a column for each annotator (annotator_a, annotator_b, or --columns), or"
        " with the columns item_id, annotator and label. Several files are parts of one table."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--columns", nargs="+", metavar="A", help="annotators' columns, by name or number")
    parser.add_argument("--item", metavar="COL", help="column of item ids (default: item_id or id)")
    parser.add_argument("--llm", metavar="COL", help="column of the LLM's answers (default: llm)")
    parser.add_argument("--no-header", action="store_true", help="the first row holds answers already")
    parser.add_argument(
        "--scale", choices=("auto", "nominal", "ordered"), default="auto",
        help="auto: three or more different numbers are ordered",
    )  # fmt: skip
    parser.add_argument("--order", nargs="+", metavar="LABEL", help="ordered labels, the lowest first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _agreement(options: argparse.Namespace) -> None:
    layout, values = _table(options)
    text = agreement_command(options.files, layout, values, options.json, options.verbose, options.html)
    print(text, end="")


def _merge(options: argparse.Namespace) -> None:
    layout, values = _table(options)
    text = merge_command(
        options.files, layout, values, options.strategy, options.out,
        disagreements=options.disagreements, decisions=options.decisions, as_json=options.json,
    )  # fmt: skip
    print(text, end="")


def _table(options: argparse.Namespace) -> tuple[Layout, Values]:
    from goldpan.plain_tables.table import Layout
    from goldpan.plain_tables.values import Values

    columns = tuple(options.columns) if options.columns else None
    layout = Layout(columns, options.llm, options.item, header=not options.no_header)
    return layout, Values(options.scale, tuple(options.order) if options.order else None)


def agreement_command(
    paths: Sequence[str | Path],
    layout: Layout,
    values: Values,
    as_json: bool = False,
    verbose: bool = False,
    page: str | Path | None = None,
) -> str:
    """What `goldpan agreement` prints: the report as text or JSON; `page` also gets it as HTML.

    Raises:
        StudyError: `page` is one of the tables.
    """
    from goldpan.files import write_bytes
    from goldpan.plain_tables.agreement import agreement_of_files
    from goldpan.waves.agreement.page import agreement_page
    from goldpan.waves.agreement.text import report_text

    _check_outputs({"--html": page}, {"the answers": paths})
    report = agreement_of_files(paths, layout, values)
    if page is not None:
        write_bytes(page, agreement_page(report).encode())
    return json_text(report.as_json()) if as_json else report_text(report, verbose)


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
    from goldpan.waves.merging.dawid_skene_strategy import few_items_notes
    from goldpan.waves.merging.merged import resolution_counts

    _check_outputs(
        {"--out": out, "--disagreements": disagreements},
        {"the answers": paths, "--decisions": [decisions] if decisions is not None else []},
    )
    merged = merge_of_files(paths, layout, values, strategy, decisions)
    merged.write(out, disagreements)
    counts = resolution_counts(merged.rows)
    notes = few_items_notes(merged.rows) if strategy == "dawid_skene" else []
    if as_json:
        summary = {"strategy": strategy, "rows": len(merged.rows), "resolutions": counts, "notes": notes}
        return json_text(summary)
    width = max(map(len, counts), default=0)
    lines = [f"{name:<{width}}  {count:>8,}" for name, count in counts.items()]
    lines += [f"! {note}" for note in notes]
    return "\n".join([f"{len(merged.rows):,} labels merged by `{strategy}` into {out}", *lines]) + "\n"


def _check_outputs(
    outputs: Mapping[str, str | Path | None], inputs: Mapping[str, Sequence[str | Path]]
) -> None:
    """Refuse to write over what people have filled in, under whatever name it is given."""
    taken = [(name, Path(path)) for name, paths in inputs.items() for path in paths]
    for name, output in outputs.items():
        if output is None:
            continue
        path = Path(output)
        if also := next((other for other, there in taken if _is_same_file(path, there)), None):
            raise StudyError(
                f"`{name}` would overwrite this file, which is also given as {also}; nothing is written",
                where=str(path),
                remedy=f"give `{name}` a file of its own",
            )
        taken.append((name, path))


def _is_same_file(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()
