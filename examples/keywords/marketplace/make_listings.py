"""Write listings of a marketplace for module `uses`, each with the use that its seller has chosen for it.

The listings are put together from words.yaml. A third of them are in German, although the module's task is
in English. Some sellers have chosen a wrong use: `use_of` knows what each listing is truly for. The same
seed gives the same bytes.

    python examples/keywords/marketplace/make_listings.py [--rows 320] [--seed 15] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
WORDS = yaml.safe_load((HERE / "words.yaml").read_text(encoding="utf-8"))
USES = tuple(WORDS["uses"])
MARKETS = {"uk": "en", "us": "en", "de": "de"}
SHARE_OF_WRONG_USES = 0.05


def listings(rows: int, seed: int) -> Iterator[tuple[dict[str, Any], str]]:
    """(a row of the module's data set, what the listing is truly for) of so many listings, no two alike."""
    draw = random.Random(seed)
    titles = set()
    for number in range(rows):
        use, market = USES[number % len(USES)], draw.choice(list(MARKETS))
        language = MARKETS[market]
        words = WORDS["uses"][use][language]
        title = ""
        while not title or title in titles:
            maker, thing = draw.choice(WORDS["makers"]), draw.choice(words["things"])
            title = f"{maker} {thing}, {draw.choice(WORDS['details'][language])}"
        titles.add(title)
        bullets = [*draw.sample(words["says"], 2), draw.choice(WORDS["anything"][language])]
        draw.shuffle(bullets)
        chosen = use
        if draw.random() < SHARE_OF_WRONG_USES:
            chosen = draw.choice([other for other in USES if other != use])
        row = {
            "id": f"l{number + 1:03}",
            "input": {"title": title, "bullets": bullets},
            "expected": {"use": chosen},
            "metadata": {"market": market, "seller": draw.choice(WORDS["sellers"])},
        }
        yield row, use


def use_of(title: str) -> str:
    """What a listing is truly for, by the thing in its title. Raises KeyError where it is none of ours."""
    thing = title.partition(",")[0].partition(" ")[2]
    for use, languages in WORDS["uses"].items():
        if any(thing in words["things"] for words in languages.values()):
            return use
    raise KeyError(title)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=320)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--out", type=Path, default=HERE / "uses.jsonl")
    options = parser.parse_args()
    made = [row for row, _ in listings(options.rows, options.seed)]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in made]
    options.out.write_text("".join(lines), encoding="utf-8")
    print(f"{options.out.name}: {len(lines)} listings")


if __name__ == "__main__":
    main()
