"""Turn a table of product pairs into a data set: `python examples/product_pairs/prepare.py test.csv`.

The table is that of the Walmart-Amazon pairs as refuel-ai's autolabel benchmark has it (MIT licence). It has
`label` (`duplicate` or `not duplicate`), then `Title`, `Category`, `Brand`, `ModelNo` and `Price`, each with
`_entity1` and `_entity2` behind it. It is not part of this project; what is made of it stays out of git.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

FIELDS = {"title": "Title", "category": "Category", "brand": "Brand", "model": "ModelNo", "price": "Price"}
LABELS = {"duplicate": True, "not duplicate": False}


def data_rows(table: Path) -> Iterator[dict[str, object]]:
    """The rows of the data set, one for each of the table, in its order.

    Raises:
        SystemExit: a column is missing, or a label is neither of the two.
    """
    with table.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        needed = ["label", *(f"{column}_entity{side}" for side in (1, 2) for column in FIELDS.values())]
        if missing := [column for column in needed if column not in (reader.fieldnames or ())]:
            raise SystemExit(f"{table}: there is no column {', '.join(missing)}")
        for number, row in enumerate(reader, 1):
            if row["label"] not in LABELS:
                raise SystemExit(
                    f"{table}, row {number}: the label is {row['label']!r}, not {' or '.join(LABELS)}"
                )
            yield {
                "id": f"{table.stem}-{number:04}",
                "input": {"first": product(row, 1), "second": product(row, 2)},
                "expected": {"same_product": LABELS[row["label"]]},
                "metadata": {"table": table.name, "row": number},
            }


def product(row: dict[str, str], side: int) -> dict[str, str | None]:
    """One product of a pair; what the table does not know (`nan`) is null."""
    values = {name: row[f"{column}_entity{side}"].strip() for name, column in FIELDS.items()}
    return {name: value if value not in ("", "nan") else None for name, value in values.items()}


def main() -> None:
    """Write the data set, whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="the CSV with the pairs")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "data" / "pairs.jsonl",
        help="default: %(default)s",
    )
    arguments = parser.parse_args()
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in data_rows(arguments.table)]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = arguments.out.with_suffix(".unfinished")
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.replace(arguments.out)
    print(f"{arguments.out}: {len(lines)} pairs")


if __name__ == "__main__":
    main()
