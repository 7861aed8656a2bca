"""What locating and clustering are measured by: goldpan, and a straightforward script."""

from __future__ import annotations

import random
import string

from goldpan.chains.mentions.clusters import cluster
from goldpan.chains.mentions.families import Mention
from goldpan.chains.mentions.locate import locate

_KINDS = ("Survey", "Census", "Panel Study", "Register", "Database", "Atlas")


def _words(chance: random.Random, count: int) -> list[str]:
    return ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 11))) for _ in range(count)]


def pages(count: int, per_page: int) -> list[tuple[str, list[str]]]:
    """Pages of 500 words with names that stand there: as they are, in capitals, misspelt."""
    chance = random.Random(1)
    words = _words(chance, 3000)
    made = []
    for _ in range(count):
        page = chance.choices(words, k=500)
        starts = chance.choices(range(490), k=per_page)
        names = [" ".join(page[start : start + chance.randint(2, 5)]) for start in starts]
        made.append(("\n".join(" ".join(page[at : at + 10]) for at in range(0, 500, 10)), names))
    return [(text, [_spelt(chance, name) for name in names]) for text, names in made]


def _spelt(chance: random.Random, name: str) -> str:
    kind = chance.random()
    if kind < 0.3:
        return name.upper()
    at = chance.randrange(len(name))
    return name[:at] + name[at + 1 :] if kind < 0.5 else name


def locate_all(count: str, per_page: str) -> int:
    """How many names goldpan finds."""
    return sum(
        locate(text, [name]).kind != "none"
        for text, names in pages(int(count), int(per_page))
        for name in names
    )


def align_all(count: str, per_page: str) -> int:
    """How many names are found by aligning small letters, with neither words nor the way back to the text."""
    from rapidfuzz import fuzz

    found = 0
    for text, names in pages(int(count), int(per_page)):
        folded = " ".join(text.lower().split())
        for name in names:
            aligned = fuzz.partial_ratio_alignment(name.lower(), folded, score_cutoff=88)
            found += aligned is not None
    return found


def mentions(count: int) -> list[Mention]:
    """Mentions of a twentieth as many things, spelt in many ways, ten in a document."""
    chance = random.Random(3)
    words = _words(chance, 5000)
    things = [
        " ".join(
            [*(word.title() for word in chance.choices(words, k=chance.randint(1, 3))), chance.choice(_KINDS)]
        )
        for _ in range(count // 20)
    ]
    return [
        Mention(f"m{number}", _called(chance, chance.choice(things)), None, f"d{number // 10}")
        for number in range(count)
    ]


def _called(chance: random.Random, thing: str) -> str:
    acronym = "".join(word[0] for word in thing.split())
    at = chance.randrange(len(thing))
    choices = [
        thing,
        f"{thing} ({acronym})",
        acronym,
        thing.lower(),
        f"{thing}s",
        f"{thing} {1990 + at % 30}",
    ]
    return chance.choice([*choices, thing[:at] + thing[at + 1 :]])


def cluster_all(count: str) -> int:
    """How many clusters goldpan makes."""
    return len(cluster(mentions(int(count))))


def all_pairs(count: str) -> int:
    """How many pairs of names are similar, when each is compared with each; nothing is put together."""
    import numpy as np
    from rapidfuzz import fuzz, process

    names = sorted({mention.name.lower() for mention in mentions(int(count))})
    similar = 0
    for first in range(0, len(names), 500):
        scores = process.cdist(
            names[first : first + 500], names, scorer=fuzz.token_sort_ratio, score_cutoff=90
        )
        similar += int(np.count_nonzero(scores))
    return similar - len(names)
