"""Options of the commands on plain tables, and what they come to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.errors import StudyError

if TYPE_CHECKING:
    from goldpan.plain_tables.columns import Layout
    from goldpan.plain_tables.gold import GoldSettings
    from goldpan.plain_tables.values import Values

# Written here, too, so that `goldpan --help` need not import the library; a test keeps them in step.
STRATEGIES = (
    "adjudicate",
    "majority",
    "majority_llm",
    "conservative",
    "annotator_a",
    "annotator_b",
    "dawid_skene",
    "dawid_skene_full",
    "dawid_skene_shrunk",
    "dawid_skene_one_coin",
)


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """How tables are to be read."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--columns", nargs="+", metavar="A", help="annotators' columns, by name or number")
    parser.add_argument("--item", metavar="COL", help="column of item ids (default: item_id, id or row_id)")
    parser.add_argument("--llm", metavar="COL", help="column of the LLM's answers (default: llm)")
    parser.add_argument("--page", metavar="NAME", help="page of a workbook (default: the first visible one)")
    parser.add_argument("--no-header", action="store_true", help="the first row holds answers already")
    parser.add_argument("--exact", action="store_true", help="each spelling is a label of its own")
    parser.add_argument(
        "--scale", choices=("auto", "nominal", "ordered"), default="auto",
        help="auto: three or more different numbers are ordered",
    )  # fmt: skip
    parser.add_argument("--order", nargs="+", metavar="LABEL", help="ordered labels, the lowest first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_pool(parser: argparse.ArgumentParser) -> None:
    """Whether several files are one table."""
    parser.add_argument("--pool", action="store_true", help="several files are parts of one table")


def add_strategy(parser: argparse.ArgumentParser) -> None:
    """Who decides differences."""
    parser.add_argument(
        "--strategy", choices=STRATEGIES, default="adjudicate", help="who decides differences"
    )


def add_gold_options(parser: argparse.ArgumentParser) -> None:
    """How a gold set is split and described."""
    parser.add_argument(
        "--group",
        metavar="COL",
        help="items with one value there stay in one split, and intervals of agreement draw them together",
    )
    parser.add_argument(
        "--split", nargs=3, type=float, metavar=("TRAIN", "DEV", "TEST"), help="shares (default: .7 .15 .15)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the split (default: 0)")
    parser.add_argument("--description", default="", metavar="TEXT", help="what the data card says it is")


def layout_and_values(options: argparse.Namespace) -> tuple[Layout, Values]:
    """How tables are laid out, and what their values are."""
    from goldpan.plain_tables.columns import Layout
    from goldpan.plain_tables.values import Values

    columns = tuple(options.columns) if options.columns else None
    layout = Layout(columns, options.llm, options.item, not options.no_header, options.exact, options.page)
    return layout, Values(options.scale, tuple(options.order) if options.order else None)


def gold_settings(options: argparse.Namespace) -> GoldSettings:
    """How a gold set is split and described. Raises StudyError for shares that are none."""
    from pydantic import ValidationError

    from goldpan.plain_tables.gold import GoldSettings
    from goldpan.study.wave import Split

    try:
        train, dev, test = options.split or (0.7, 0.15, 0.15)
        split = Split(train=train, dev=dev, test=test)
    except ValidationError as error:
        raise StudyError(
            f"`--split`: {error.errors()[0]['msg'].removeprefix('Value error, ')}",
            remedy="give three shares that add up to 1, e.g. `--split 0.7 0.15 0.15`",
        ) from None
    return GoldSettings(options.group, split, options.seed, options.description)
