"""Put a run beside the published figures of others.

Usage: `python examples/product_pairs/beside_published.py published_results.csv`.

The published accuracy is of the pairs that a model completed, so that one which fails on most may look good.
Here what failed is wrong. So the table has both: of the completed pairs, and of all.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

EVALUATION = Path("results/product_pairs/evaluation/pairs.json")


def published(table: Path) -> list[tuple[str, float, float]]:
    """Model, accuracy of what it completed, share that it completed."""
    with table.open(encoding="utf-8-sig", newline="") as handle:
        return [
            (
                row["model"],
                float(row["walmart_amazon_accuracy"]),
                float(row["walmart_amazon_completion_rate"]),
            )
            for row in csv.DictReader(handle)
        ]


def ours(evaluation: Path) -> list[tuple[str, float, float]]:
    """The same of each model of an evaluation, and of the majority baseline."""
    (feature,) = json.loads(evaluation.read_text(encoding="utf-8"))["features"]
    items = feature["items"]["evaluated"]
    rows = []
    for model in feature["models"]:
        completed = 1 - sum(model["failed"].values()) / items
        whole = accuracy(model["figures"])
        of_completed = accuracy(model["answered_only"]) if model["answered_only"] else whole
        rows.append((f"this run ({items} pairs)", of_completed, completed))
    baseline = feature["baselines"][0]
    return [*rows, (f"always `{baseline['answer']}`", accuracy(baseline["figures"]), 1.0)]


def accuracy(figures: list[dict]) -> float:
    """The accuracy among figures, over the items as they are."""
    return next(figure["raw"]["value"] for figure in figures if figure["name"] == "accuracy")


def main() -> None:
    """Print the table, the best of all pairs first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("published", type=Path, help="the CSV with the published figures")
    parser.add_argument("--evaluation", type=Path, default=EVALUATION, help="default: %(default)s")
    arguments = parser.parse_args()
    rows = [*published(arguments.published), *ours(arguments.evaluation)]
    print(f"{'model':40} {'completed':>9} {'right of these':>14} {'right of all':>12}")
    for name, right, completed in sorted(rows, key=lambda row: row[1] * row[2], reverse=True):
        of_completed = f"{right:.1%}" if completed else "none"
        print(f"{name:40} {completed:9.1%} {of_completed:>14} {right * completed:12.1%}")
    print("The published figures are of some hundred pairs that are not named, and not of those of this run.")


if __name__ == "__main__":
    main()
