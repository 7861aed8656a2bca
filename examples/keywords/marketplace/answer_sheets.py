"""Fill in the sheets of a wave over the listings, as two people would who know what the things are for.

Now and then one of them chooses wrongly, which is what the second one is there for. With `--decide` the
open rows of `disagreements.csv` are decided, as a third one would who is asked then.

    python examples/keywords/marketplace/answer_sheets.py marketplace/hard [--decide]
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Callable
from pathlib import Path

from make_listings import USES, use_of

SHARE_OF_SLIPS = 0.08
TITLE = "input.title"
Row = dict[str, str]


def answer(row: Row, annotator: str) -> Row:
    """A row of a sheet with what this annotator says; the same row gets the same answer."""
    draw = random.Random(f"{annotator} {row[TITLE]}")
    right = use_of(row[TITLE])
    slips = draw.random() < SHARE_OF_SLIPS
    return {**row, "use": draw.choice([use for use in USES if use != right]) if slips else right}


def fill_in(sheet: Path, target: Path, fill: Callable[[Row], Row]) -> None:
    """Copy a table with each of its rows filled in."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = [fill(row) for row in csv.DictReader(file)]
    target.parent.mkdir(parents=True, exist_ok=True)
    if rows:
        with target.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    print(f"{target}: {len(rows)} rows")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wave", help="STUDY/WAVE")
    parser.add_argument("--decide", action="store_true", help="decide what the two see differently")
    options = parser.parse_args()
    study, _, wave = options.wave.partition("/")
    made, filled = Path("results", study, "waves", wave), Path("annotations", study, wave)
    if options.decide:
        table = made / "disagreements.csv"
        fill_in(table, filled / table.name, lambda row: {**row, "final_label": use_of(row[f"field_{TITLE}"])})
        return
    for sheet in sorted((made / "sheets").glob("*.csv")):
        annotator = sheet.stem
        fill_in(sheet, filled / sheet.name, lambda row, annotator=annotator: answer(row, annotator))


if __name__ == "__main__":
    main()
