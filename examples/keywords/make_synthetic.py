"""Write the synthetic data sets of the keyword modules, each row with the answer it was made for.

A row is put together from brands.yaml and synthetic.yaml so that its right answer is known by construction: a
competitor's name and a product word are CB, a measure that contradicts a constraint violates it. The same
seed gives the same bytes. Rows that stand in the golden sets are left out.

    python examples/keywords/make_synthetic.py [--seed 12] [--rows 60] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from brand_rows import (
    by_both_lists,
    by_own_lists,
    by_text,
    competitor_rows,
    own_brand_rows,
    related_term_rows,
    scope_rows,
    variation_rows,
)
from made_up_world import HERE, Draw, Row, World
from product_rows import listing_rows, pair_rows, relevance_rows, stated_use_rows

PRODUCT = ("title", "product_type", "primary_use")
MAKERS: dict[str, Callable[[World, Draw], Iterator[Row]]] = {
    "m01": own_brand_rows,
    "m01a": variation_rows,
    "m01b": related_term_rows,
    "m02": scope_rows(by_own_lists),
    "m02b": scope_rows(by_text),
    "m03": competitor_rows,
    "m04": scope_rows(by_both_lists),
    "m04b": scope_rows(by_text),
    "m05": scope_rows(by_both_lists),
    "m05b": scope_rows(by_text),
    "m06": listing_rows(("title", "bullets"), ("product_type",)),
    "m07": listing_rows(("title", "bullets"), ("attributes",)),
    "m08": listing_rows(("title", "bullets", "attributes", "product_type"), ("attribute_ranks",)),
    "m09": listing_rows(("title", "bullets", "product_type", "attributes"), ("use_domain",)),
    "m10": stated_use_rows,
    "m11": listing_rows(("title", "bullets", "attributes", "primary_use"), ("hard_constraints",)),
    "m12": relevance_rows(("title", "hard_constraints"), violates="violates"),
    "m12b": relevance_rows(
        ("title", "bullets", "product_type", "primary_use", "hard_constraints"),
        violates="violates",
        relevance="relevance",
    ),
    "m13": relevance_rows(("title", "product_type"), same_type="same_type"),
    "m14": relevance_rows(PRODUCT, relevance="m14"),
    "m15": relevance_rows(PRODUCT, relevance="m15"),
    "m16": relevance_rows(PRODUCT, relevance="m16"),
    "pairs": pair_rows,
}


def folded(value: Any) -> str:
    """What two inputs have in common that differ in case and space only."""
    return " ".join(json.dumps(value, sort_keys=True, ensure_ascii=False).casefold().split())


def balanced(rows: list[Row], count: int, taken: set[str], draw: Draw) -> list[Row]:
    """So many rows, of each kind in turn, no two with one input and none whose input is taken."""
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    for kind in by_kind.values():
        draw.shuffle(kind)
    chosen: list[Row] = []
    while len(chosen) < count and any(by_kind.values()):
        for kind in by_kind.values():
            while kind and folded(kind[-1].input) in taken:
                kind.pop()
            if kind and len(chosen) < count:
                taken.add(folded(kind[-1].input))
                chosen.append(kind.pop())
    return chosen


def data_set(world: World, name: str, seed: int, count: int, golden: Path) -> bytes:
    """The rows of one module, or of `pairs`, as JSONL."""
    draw = Draw(f"{seed} {name}")
    taken = set()
    if golden.exists():
        lines = golden.read_text(encoding="utf-8").splitlines()
        taken = {folded(json.loads(line)["input"]) for line in lines if line.strip()}
    rows = balanced(list(MAKERS[name](world, draw)), count, taken, draw)
    lines = []
    for number, row in enumerate(rows, 1):
        metadata = {"brand": row.brand, "product": row.product, "how": row.how}
        metadata = {key: value for key, value in metadata.items() if value is not None}
        line = {
            "id": f"{name}-s{number:03}",
            "input": row.input,
            "expected": row.expected,
            "metadata": metadata,
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--rows", type=int, default=60, help="of each data set, as far as there are so many")
    parser.add_argument("--out", type=Path, default=HERE / "synthetic", help="folder of the data sets")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    world = World()
    for name in MAKERS:
        content = data_set(world, name, options.seed, options.rows, HERE / "golden" / f"{name}.jsonl")
        (options.out / f"{name}.jsonl").write_bytes(content)
        print(f"{name}: {content.count(10)} rows")


if __name__ == "__main__":
    main()
